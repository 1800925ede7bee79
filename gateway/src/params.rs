//! Query and form parameters: repeated names are lists, single ones take the last value.
//! Checks form only (integers, known words); ranges are the services'.

use std::str::FromStr;

use form_urlencoded::parse;
use spiderq_proto::v1::{JobFilter, JobState};

use crate::errors::Problem;

/// Parameters in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Of a query string or a form.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(parse(text).into_owned().collect())
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Takes every `name` out and answers the last of them.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let value = self.last(name).map(str::to_owned);
        self.0.retain(|(known, _)| known != name);
        value
    }

    /// All values of a repeatable parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).map(str::to_owned).collect()
    }

    /// The value of a single parameter.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Parameters that are none of `known`.
    pub(crate) fn others(&self, known: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        let others = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A number; `accepted` says which, for the refusal.
    pub(crate) fn number<N: FromStr>(
        &self,
        name: &str,
        accepted: &str,
    ) -> Result<Option<N>, Problem> {
        self.last(name)
            .map(|text| text.trim().parse().map_err(|_| Problem::invalid(name, accepted)))
            .transpose()
    }

    /// Whether `name` is given as 1 or true.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.last(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(Problem::invalid(name, "must be 1 or 0")),
        }
    }

    /// The required `project`.
    pub(crate) fn project(&self) -> Result<i64, Problem> {
        match self.last("project") {
            None => Err(Problem::invalid("project", "is required, a positive integer")),
            Some(text) => project(text),
        }
    }

    /// `state`, repeatable.
    pub(crate) fn states(&self) -> Result<Vec<i32>, Problem> {
        self.values("state").map(|name| Ok(state(name)?.into())).collect()
    }

    /// The filter that both families share; `keys` is what the family calls job keys.
    pub(crate) fn filter(&self, keys: &str) -> Result<JobFilter, Problem> {
        Ok(JobFilter {
            states: self.states()?,
            spiders: self.all("spider"),
            has_tags: self.all("has_tag"),
            lacks_tags: self.all("lacks_tag"),
            start_ts: self.time("startts")?.map_or(0, |time| time.max(0)),
            // 0 means no bound to the services; nothing is older than 1 ms.
            end_ts: self.time("endts")?.map_or(0, |time| time.max(1)),
            keys: self.all(keys),
        })
    }

    fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.number(name, "must be an integer, milliseconds since the Unix epoch")
    }
}

/// The project of a path or parameter.
pub(crate) fn project(text: &str) -> Result<i64, Problem> {
    match text.trim().parse() {
        Ok(project) if project > 0 => Ok(project),
        _ => Err(Problem::invalid("project", "must be a positive integer")),
    }
}

/// The number of a spider in a path.
pub(crate) fn spider(text: &str) -> Result<i64, Problem> {
    match text.trim().parse() {
        Ok(spider) if spider > 0 => Ok(spider),
        _ => Err(Problem::invalid("spider", "must be a positive integer")),
    }
}

/// A state by its name.
pub(crate) fn state(name: &str) -> Result<JobState, Problem> {
    match name {
        "pending" => Ok(JobState::Pending),
        "running" => Ok(JobState::Running),
        "finished" => Ok(JobState::Finished),
        "deleted" => Ok(JobState::Deleted),
        _ => Err(Problem::invalid("state", "must be one of pending, running, finished, deleted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        Params::parse(text.as_bytes())
    }

    #[test]
    fn repeated_names_are_lists_and_single_ones_take_the_last() {
        let params = params("a=1&b=x+y&a=2&b=%C3%A9");
        assert_eq!(params.all("a"), ["1", "2"]);
        assert_eq!(params.last("b"), Some("é"));
        assert_eq!(params.last("c"), None);
        assert_eq!(params.others(&["a"]).collect::<Vec<_>>(), [("b", "x y"), ("b", "é")]);
    }

    #[test]
    fn a_filter_takes_every_part() {
        let filter = params(
            "state=running&state=deleted&spider=s&has_tag=A&has_tag=B&lacks_tag=C\
             &startts=5&endts=9&key=1/2/3&key=1/2/4",
        );
        let expected = JobFilter {
            states: vec![2, 4],
            spiders: vec!["s".to_owned()],
            has_tags: vec!["A".to_owned(), "B".to_owned()],
            lacks_tags: vec!["C".to_owned()],
            start_ts: 5,
            end_ts: 9,
            keys: vec!["1/2/3".to_owned(), "1/2/4".to_owned()],
        };
        assert_eq!(filter.filter("key").unwrap(), expected);
    }

    #[test]
    fn an_end_at_the_epoch_is_a_bound_all_the_same() {
        let filter = params("startts=-5&endts=0").filter("key").unwrap();
        assert_eq!((filter.start_ts, filter.end_ts), (0, 1));
    }
}
