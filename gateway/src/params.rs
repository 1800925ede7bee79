//! Query and form parameters. A repeatable parameter is a list of its values; any other may be
//! given once. Only the form is checked (integers, known words): ranges are up to the services.

use std::{
    collections::{BTreeMap, HashSet},
    str::FromStr,
};

use http::StatusCode;
use percent_encoding::percent_decode;
use spiderq_core::limits::MAX_PARAMETERS;
use spiderq_proto::{
    Timestamp,
    time::timestamp,
    v1::{JobFilter, JobState},
};

use crate::{accepted_values, errors::Problem, spider_ref::by_name};

/// Jobs enter no state after this time, ms (the year 2109): positions end there.
const MAX_TIME_MS: i64 = 1 << 42;

/// Parameters that are lists wherever they are lists at all.
pub(crate) const REPEATABLE: [&str; 9] =
    ["job", "key", "spider", "state", "add_tag", "remove_tag", "has_tag", "lacks_tag", "jobmeta"];

/// What clients take for a parameter that holds all arguments of a spider.
pub(crate) const SPIDER_ARGS: &str = "spider_args";

/// Parameters in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    /// The first parameter that could not be read. It is kept until the credentials, which may
    /// be a parameter themselves, have been taken out.
    problem: Option<Problem>,
}

impl Params {
    /// Of a query string or a form.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut params = Self::default();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if params.pairs.len() == MAX_PARAMETERS {
                let accepted = format!("must have at most {MAX_PARAMETERS} parameters");
                params.refuse(Problem::of_field(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "request",
                    accepted,
                ));
                break;
            }
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (&pair[..equals], pair.get(equals + 1..).unwrap_or_default());
            params.add_bytes(&decoded(name), decoded(value));
        }
        params
    }

    /// Adds a parameter that should be UTF-8.
    pub(crate) fn add_bytes(&mut self, name: &[u8], value: Vec<u8>) {
        match (std::str::from_utf8(name), String::from_utf8(value)) {
            (Ok(name), Ok(value)) => self.add(name, value),
            (Ok(name), Err(_)) => self.refuse(Problem::invalid(name, accepted_values::UTF_8)),
            (Err(_), _) => {
                let accepted = "its name must be UTF-8";
                self.refuse(Problem::invalid(&String::from_utf8_lossy(name), accepted));
            }
        }
    }

    pub(crate) fn add(&mut self, name: &str, value: String) {
        self.pairs.push((name.to_owned(), value));
    }

    /// Keeps `problem` if it is the first.
    pub(crate) fn refuse(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// The first problem, if there is any.
    pub(crate) fn check(&mut self) -> Result<(), Problem> {
        self.problem.take().map_or(Ok(()), Err)
    }

    /// Adds those of a form to those of the query. A parameter that both have with the same value
    /// counts once.
    pub(crate) fn merge_form(&mut self, mut form: Self) {
        let known: HashSet<_> = self.pairs.iter().cloned().collect();
        form.pairs.retain(|pair| !known.contains(pair));
        self.pairs.append(&mut form.pairs);
        self.problem = self.problem.take().or(form.problem);
    }

    /// Removes every `name`; returns the last value.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let taken = self.pairs.extract_if(.., |(known, _)| known == name);
        taken.last().map(|(_, value)| value)
    }

    /// All values of a repeatable parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).map(str::to_owned).collect()
    }

    /// The value of a parameter that is not repeatable.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Problem::invalid(name, accepted_values::ONCE)),
        }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter().filter(move |(known, _)| is_named(known, name));
        named.map(|(_, value)| value.as_str())
    }

    /// The parameters that are not among `known`: each may be given once.
    pub(crate) fn others(&self, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
        let mut others = BTreeMap::new();
        for (name, value) in &self.pairs {
            if known.iter().any(|known| is_named(name, known)) {
                continue;
            }
            if others.insert(name.clone(), value.clone()).is_some() {
                return Err(Problem::invalid(name, accepted_values::ONCE));
            }
        }
        Ok(others)
    }

    /// A number; `accepted` says which, for the refusal.
    pub(crate) fn number<N: FromStr>(
        &self,
        name: &str,
        accepted: &str,
    ) -> Result<Option<N>, Problem> {
        let number = self.one(name)?.map(|text| text.trim().parse()).transpose();
        number.map_err(|_| Problem::invalid(name, accepted))
    }

    /// The same of a number that has 32 bits in its message.
    pub(crate) fn number_32(&self, name: &str, accepted: &str) -> Result<Option<i32>, Problem> {
        Ok(self.number(name, accepted)?.map(int32))
    }

    /// How many rows, or how many to skip. More than a message can say is more than there are.
    pub(crate) fn rows(&self, name: &str) -> Result<Option<i64>, Problem> {
        let rows: Option<u64> = self.number(name, accepted_values::NOT_NEGATIVE)?;
        Ok(rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX)))
    }

    /// Whether `name` is given as yes, in one of the words that languages write booleans in.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        let Some(text) = self.one(name)? else { return Ok(false) };
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "y" | "on" => Ok(true),
            "0" | "false" | "no" | "n" | "off" => Ok(false),
            _ => Err(Problem::invalid(name, accepted_values::FLAG)),
        }
    }

    /// The required `project`.
    pub(crate) fn project(&self) -> Result<i64, Problem> {
        match self.one("project")? {
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
            spiders: self.values("spider").map(by_name).collect(),
            has_tags: self.all("has_tag"),
            lacks_tags: self.all("lacks_tag"),
            // From the epoch on is no bound.
            from_state_time: self.time("startts")?.filter(|time| *time != Timestamp::default()),
            before_state_time: self.time("endts")?,
            keys: self.all(job_keys),
            ..JobFilter::default()
        })
    }

    /// A time in ms, moved into the range of those that jobs may have.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let ms: Option<i64> = self.number(name, accepted_values::TIME)?;
        Ok(ms.map(|ms| timestamp(ms.clamp(0, MAX_TIME_MS))))
    }
}

/// A name or value with `+` and percent signs resolved.
fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

/// Whether a parameter that came as `name` is `known`. PHP and JavaScript write lists as
/// `known[]` or `known[0]`.
fn is_named(name: &str, known: &str) -> bool {
    let Some(rest) = name.strip_prefix(known) else { return false };
    let index = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    rest.is_empty() || index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A number as a message takes it. One that is too large for it stays too large for the service.
pub(crate) fn int32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
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

    fn message<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.unwrap_err().into_message()
    }

    #[test]
    fn a_repeatable_parameter_is_a_list_and_any_other_may_be_given_once() {
        let params = params("a=1&b=x+y%2B&a=2&&c&=d&e=f=g&%C3%A9=1");
        assert_eq!(params.all("a"), ["1", "2"]);
        assert_eq!(params.one("b").unwrap(), Some("x y+"));
        assert_eq!(params.one("c").unwrap(), Some(""));
        assert_eq!(params.one("d").unwrap(), None);
        assert_eq!(params.one("e").unwrap(), Some("f=g"));
        assert_eq!(message(params.one("a")), "a: must be given once");
        assert_eq!(message(params.others(&["b"])), "a: must be given once");
        let others = params.others(&["a", "c", "e"]).unwrap();
        let expected = [("", "d"), ("b", "x y+"), ("é", "1")];
        assert!(others.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
    }

    #[test]
    fn lists_of_php_and_javascript_are_read() {
        let params = params("a[]=1&a%5B%5D=2&a[0]=3&a[12]=4&a[b]=5&a[=6&a]=7&aa=8&a[]b=9&a=10");
        assert_eq!(params.all("a"), ["1", "2", "3", "4", "10"]);
        let others = params.others(&["a"]).unwrap();
        assert!(others.keys().eq(["a[", "a[]b", "a[b]", "a]", "aa"]));
    }

    #[test]
    fn flags_are_words_of_many_languages() {
        for yes in ["1", "true", "True", "TRUE", "yes", "Yes", "Y", "on", "ON"] {
            assert!(params(&format!("f={yes}")).flag("f").unwrap(), "{yes}");
        }
        for no in ["f=0", "f=false", "f=False", "f=no", "f=No", "f=off", "f=OFF", "", "g=1"] {
            assert!(!params(no).flag("f").unwrap(), "{no}");
        }
        let accepted = "f: must be 1 or 0, true or false, yes or no, on or off";
        for bad in ["f=", "f=2", "f=x", "f=None"] {
            assert_eq!(message(params(bad).flag("f")), accepted, "{bad}");
        }
        assert_eq!(message(params("f=1&f=1").flag("f")), "f: must be given once");
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused_once_the_key_is_taken_out() {
        let mut params = params("a=1&b=lat%E9&c=%FF&apikey=K");
        assert_eq!(params.take("apikey").as_deref(), Some("K"));
        assert_eq!(message(params.check()), "b: must be UTF-8");
        let mut params = Params::parse(b"lat%E9=1");
        assert_eq!(message(params.check()), "lat\u{fffd}: its name must be UTF-8");
        assert!(Params::parse("é=é".as_bytes()).check().is_ok());
    }

    #[test]
    fn the_same_parameter_in_query_and_form_counts_once() {
        let mut query = params("project=1&job=1/1/1&a=1");
        query.merge_form(params("project=1&job=1/1/1&job=1/1/2&a=2"));
        assert_eq!(query.project().unwrap(), 1);
        assert_eq!(query.all("job"), ["1/1/1", "1/1/2"]);
        assert_eq!(message(query.one("a")), "a: must be given once");
    }

    #[test]
    fn a_filter_takes_every_parameter() {
        let filter = params(
            "state=running&state=deleted&spider=s&has_tag=A&has_tag=B&lacks_tag=C\
             &startts=5&endts=9&key=1/2/3&key=1/2/4",
        );
        let expected = JobFilter {
            states: vec![2, 4],
            spiders: vec![by_name("s")],
            has_tags: vec!["A".to_owned(), "B".to_owned()],
            lacks_tags: vec!["C".to_owned()],
            from_state_time: Some(timestamp(5)),
            before_state_time: Some(timestamp(9)),
            keys: vec!["1/2/3".to_owned(), "1/2/4".to_owned()],
            ..JobFilter::default()
        };
        assert_eq!(filter.job_filter("key").unwrap(), expected);
    }

    #[test]
    fn times_out_of_range_are_moved_into_it_and_an_end_at_the_epoch_is_still_a_bound() {
        for (query, start, end) in [
            ("startts=-5&endts=0", None, 0),
            ("startts=0&endts=-5", None, 0),
            ("startts=9223372036854775807&endts=9223372036854775807", Some(1 << 42), 1 << 42),
        ] {
            let filter = params(query).job_filter("key").unwrap();
            let expected = (start.map(timestamp), Some(timestamp(end)));
            assert_eq!((filter.from_state_time, filter.before_state_time), expected);
        }
    }

    #[test]
    fn more_rows_than_a_message_can_say_are_all() {
        let params = params("a=18446744073709551615&b=7&c=-1");
        assert_eq!(params.rows("a").unwrap(), Some(i64::MAX));
        assert_eq!(params.rows("b").unwrap(), Some(7));
        assert_eq!(params.rows("d").unwrap(), None);
        assert_eq!(message(params.rows("c")), "c: must be an integer, 0 or more");
    }
}
