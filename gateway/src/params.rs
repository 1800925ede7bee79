//! Query and form parameters. A repeatable parameter is a list of its values; of any other the
//! last value counts. Only the form is checked (integers, known words): ranges are up to the
//! services.

use std::str::FromStr;

use form_urlencoded::parse;
use spiderq_proto::v1::{JobFilter, JobState};

use crate::{accepted_values, errors::Problem};

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

    /// Removes every `name`; returns the last value.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let value = self.last(name).map(str::to_owned);
        self.0.retain(|(known, _)| known != name);
        value
    }

    /// All values of a repeatable parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).map(str::to_owned).collect()
    }

    /// The value of a parameter that is not repeatable.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(crate) fn all_but(&self, names: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        let rest = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        rest.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A number; `accepted` says which, for the refusal.
    pub(crate) fn number<N: FromStr>(
        &self,
        name: &str,
        accepted: &str,
    ) -> Result<Option<N>, Problem> {
        let number = self.last(name).map(|text| text.trim().parse()).transpose();
        number.map_err(|_| Problem::invalid(name, accepted))
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
            Some(text) => positive("project", text),
        }
    }

    /// `state`, repeatable.
    pub(crate) fn states(&self) -> Result<Vec<i32>, Problem> {
        self.values("state").map(|name| Ok(state(name)?.into())).collect()
    }

    /// The filter of both families. Job keys are in the parameter `job_keys`, which the families
    /// name differently.
    pub(crate) fn job_filter(&self, job_keys: &str) -> Result<JobFilter, Problem> {
        Ok(JobFilter {
            states: self.states()?,
            spiders: self.all("spider"),
            has_tags: self.all("has_tag"),
            lacks_tags: self.all("lacks_tag"),
            start_ts: self.time("startts")?.map_or(0, |time| time.max(0)),
            // In the message 0 means no bound; no job is older than 1 ms.
            end_ts: self.time("endts")?.map_or(0, |time| time.max(1)),
            keys: self.all(job_keys),
        })
    }

    fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.number(name, accepted_values::TIME)
    }
}

/// The number of a project or spider, in a path or parameter.
pub(crate) fn positive(name: &str, text: &str) -> Result<i64, Problem> {
    match text.trim().parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Problem::invalid(name, accepted_values::POSITIVE)),
    }
}

/// A state by its name.
pub(crate) fn state(name: &str) -> Result<JobState, Problem> {
    match name {
        "pending" => Ok(JobState::Pending),
        "running" => Ok(JobState::Running),
        "finished" => Ok(JobState::Finished),
        "deleted" => Ok(JobState::Deleted),
        _ => Err(Problem::invalid("state", accepted_values::STATE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        Params::parse(text.as_bytes())
    }

    #[test]
    fn a_repeatable_parameter_is_a_list_and_of_any_other_the_last_value_counts() {
        let params = params("a=1&b=x+y&a=2&b=%C3%A9");
        assert_eq!(params.all("a"), ["1", "2"]);
        assert_eq!(params.last("b"), Some("é"));
        assert_eq!(params.last("c"), None);
        assert_eq!(params.all_but(&["a"]).collect::<Vec<_>>(), [("b", "x y"), ("b", "é")]);
    }

    #[test]
    fn a_filter_takes_every_parameter() {
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
        assert_eq!(filter.job_filter("key").unwrap(), expected);
    }

    #[test]
    fn an_end_at_the_epoch_is_still_a_bound() {
        let filter = params("startts=-5&endts=0").job_filter("key").unwrap();
        assert_eq!((filter.start_ts, filter.end_ts), (0, 1));
    }
}
