//! A JSON object in place of a form. Numbers and booleans count as the text that stands there, a
//! list as its repeatable parameter repeated, `null` as a parameter that is not given.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::refused;
use crate::{
    accepted_values,
    errors::Problem,
    json_fields,
    params::{Params, REPEATABLE, SPIDER_ARGS},
};

/// Parameters that are JSON text in a form, so that here they may be the value itself.
const JSON_TEXTS: [&str; 3] = ["job_settings", "environment", "meta"];

/// For arguments that are nested as a run's metadata has them.
const NESTED_ARGS: &str =
    "must be a string, a number or a boolean; in a run, each argument goes by its own name";

/// The members of an object in their order. A name may come twice: it is up to the parameter
/// whether that is a list or an error.
struct Members<'a>(Vec<(String, &'a RawValue)>);

pub(super) fn parse(body: &[u8]) -> Params {
    let Ok(text) = std::str::from_utf8(body) else {
        return refused(Problem::invalid("body", accepted_values::UTF_8));
    };
    let members: Members<'_> = match serde_json::from_str(text) {
        Ok(members) => members,
        Err(error) => return refused(json_fields::not_an_object(text, &error)),
    };
    let mut params = Params::default();
    for (name, value) in members.0 {
        match texts(&name, value) {
            Ok(texts) => texts.into_iter().for_each(|text| params.add(&name, text)),
            Err(accepted) => params.refuse(Problem::invalid(&name, accepted)),
        }
    }
    params
}

/// The values that a member gives its parameter, or what it should have been.
fn texts(name: &str, value: &RawValue) -> Result<Vec<String>, &'static str> {
    match value.get().as_bytes().first() {
        Some(b'[' | b'{') if JSON_TEXTS.contains(&name) => Ok(vec![value.get().to_owned()]),
        Some(b'[' | b'{') if name == SPIDER_ARGS => Err(NESTED_ARGS),
        Some(b'[') if REPEATABLE.contains(&name.strip_suffix("[]").unwrap_or(name)) => {
            elements(value)?.into_iter().map(text).collect()
        }
        Some(b'[') => Err("must be one value, not a list"),
        Some(b'n') => Ok(Vec::new()),
        _ => Ok(vec![text(value)?]),
    }
}

fn elements(list: &RawValue) -> Result<Vec<&RawValue>, &'static str> {
    serde_json::from_str(list.get()).map_err(|_| accepted_values::SCALAR)
}

/// The text of a string, and of a number or boolean as it is written.
fn text(value: &RawValue) -> Result<String, &'static str> {
    match value.get().as_bytes().first() {
        // Some escapes, as "\ud800", are no text.
        Some(b'"') => serde_json::from_str(value.get()).map_err(|_| accepted_values::UNICODE),
        Some(b'[' | b'{' | b'n') => Err(accepted_values::SCALAR),
        _ => Ok(value.get().to_owned()),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Params {
        parse(body.as_bytes())
    }

    fn refusal(body: &str) -> String {
        read(body).check().unwrap_err().into_message()
    }

    #[test]
    fn values_are_the_same_text_as_in_a_form() {
        let mut params = read(
            r#"{"a":"x\u00e9 &+","b":9007199254740993,"c":1e2,"d":-0.0,"e":true,"f":false,
                "g":null,"job":["1/1/1",2,true],"add_tag":[],"has_tag[]":["x"],"job_settings":{"A": 1.0},
                "meta":[ ],"environment":"{}"}"#,
        );
        assert!(params.check().is_ok());
        assert_eq!(params.all("job"), ["1/1/1", "2", "true"]);
        assert_eq!(params.all("has_tag"), ["x"]);
        let expected = [
            ("a", "xé &+"),
            ("b", "9007199254740993"),
            ("c", "1e2"),
            ("d", "-0.0"),
            ("e", "true"),
            ("environment", "{}"),
            ("f", "false"),
            ("job_settings", "{\"A\": 1.0}"),
            ("meta", "[ ]"),
        ];
        let others = params.others(&["job", "has_tag"]).unwrap();
        assert!(others.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
    }

    #[test]
    fn what_no_form_can_say_is_refused_by_its_name() {
        for (body, message) in [
            (r#"{"a":["1"]}"#, "a: must be one value, not a list"),
            (r#"{"a":{"b":1}}"#, "a: must be a string, a number or a boolean"),
            (r#"{"job":{"b":1}}"#, "job: must be a string, a number or a boolean"),
            (r#"{"job":["1/1/1",null]}"#, "job: must be a string, a number or a boolean"),
            (r#"{"job":[["1/1/1"]]}"#, "job: must be a string, a number or a boolean"),
            (r#"{"a":"\ud800"}"#, "a: must be a string of Unicode characters"),
            (r#"{"a":NaN}"#, "a: must be JSON, which NaN is not"),
        ] {
            assert_eq!(refusal(body), message, "{body}");
        }
        for body in ["[]", "[{}]", "7", "null", "\"a\"", "{", "{}{}", "a=1"] {
            let message = refusal(body);
            assert!(message.starts_with("body: must be a JSON object: "), "{body}: {message}");
        }
        assert_eq!(
            parse(b"{\"a\":\"\xe9\"}").check().unwrap_err().into_message(),
            "body: must be UTF-8"
        );
    }

    #[test]
    fn a_name_that_comes_twice_is_given_twice() {
        let params = read(r#"{"a":1,"a":1,"job":"1/1/1","job":["1/1/2"]}"#);
        assert_eq!(params.one("a").unwrap_err().into_message(), "a: must be given once");
        assert_eq!(params.all("job"), ["1/1/1", "1/1/2"]);
    }
}
