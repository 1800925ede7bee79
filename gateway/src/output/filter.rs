//! `filter` and `level`: which lines are shown. What the service can look for itself it gets, as it
//! need not read the rest; the other conditions are looked up in each line here.

use serde_json::Value;
use spiderq_core::limits::MAX_ITEMS;
use spiderq_proto::v1::{OutputKind, ReadOutputRequest};

use super::json::Json;
use crate::{accepted_values, errors::Problem, params::Params};

/// What a condition accepts, for its refusal.
const ACCEPTED: &str = "must be JSON like [\"field\",\"=\",[\"value\"]], with one of =, !=, >, >=, <, \
     <=, contains, icontains, exists, notexists";

/// Conditions that all must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// For the service: log lines of this level or a higher one.
    min_level: i32,
    /// For the service: lines that have this text, of logs in their message.
    contains: String,
    /// For the gateway.
    conditions: Vec<Condition>,
}

/// One condition: it holds if the field, or any element of it if it is a list, compares with any of
/// the values.
#[derive(Clone, Debug)]
struct Condition {
    field: String,
    operator: Operator,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contains,
    ContainsAnyCase,
    Exists,
    NotExists,
}

impl Filter {
    /// `level` (a name or a number), `contains`, and `filter`, which is repeatable.
    pub(crate) fn of(kind: OutputKind, params: &Params) -> Result<Self, Problem> {
        let level = params.one("level")?.filter(|level| !level.is_empty());
        let mut filter = Self {
            min_level: level.map_or(Ok(0), min_level)?,
            contains: params.one("contains")?.unwrap_or_default().to_owned(),
            conditions: Vec::new(),
        };
        if kind != OutputKind::Logs && level.is_some() {
            return Err(Problem::invalid("level", "is only for logs"));
        }
        let texts = params.all("filter");
        if texts.len() > MAX_ITEMS {
            let accepted = format!("must be given at most {MAX_ITEMS} times");
            return Err(Problem::invalid("filter", accepted));
        }
        for text in texts {
            let refused = || Problem::invalid("filter", ACCEPTED);
            let condition = Condition::parse(&text).ok_or_else(refused)?;
            filter.add(kind, condition);
        }
        Ok(filter)
    }

    fn add(&mut self, kind: OutputKind, condition: Condition) {
        let Condition { field, operator, values } = &condition;
        if let (OutputKind::Logs, [value]) = (kind, &values[..]) {
            match (field.as_str(), operator, value) {
                ("level", Operator::GreaterOrEqual, value) => {
                    let level = value.as_i64().and_then(|level| i32::try_from(level).ok());
                    if let Some(level) = level.filter(|level| *level > 0) {
                        self.min_level = self.min_level.max(level);
                        return;
                    }
                }
                ("message", Operator::Contains, Value::String(text))
                    if self.contains.is_empty() =>
                {
                    self.contains.clone_from(text);
                    return;
                }
                _ => {}
            }
        }
        self.conditions.push(condition);
    }

    /// Gives the service what it can look for.
    pub(crate) fn add_to(&self, request: &mut ReadOutputRequest) {
        request.min_level = self.min_level;
        request.contains.clone_from(&self.contains);
    }

    /// Whether the service looks for all of it: then it can count the lines, too.
    pub(crate) const fn is_for_service(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether the gateway's part holds for a line.
    pub(crate) fn holds(&self, line: &[u8]) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        let line = Json::of(line);
        self.conditions.iter().all(|condition| condition.holds(line.field(&condition.field)))
    }
}

/// The number of a level.
fn min_level(text: &str) -> Result<i32, Problem> {
    let level = match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Some(10),
        "INFO" => Some(20),
        "WARNING" | "WARN" => Some(30),
        "ERROR" => Some(40),
        "CRITICAL" => Some(50),
        _ => text.parse().ok().filter(|level| *level >= 0),
    };
    level.ok_or_else(|| Problem::invalid("level", accepted_values::LEVEL))
}

impl Condition {
    /// Of `["field","operator",[values]]`. One value needs no list, and `exists` no values.
    fn parse(text: &str) -> Option<Self> {
        let mut parts: Vec<Value> = serde_json::from_str(text).ok()?;
        let values = match parts.len() {
            2 => Vec::new(),
            3 => match parts.pop()? {
                Value::Array(values) => values,
                value @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Object(_)) => vec![value],
            },
            _ => return None,
        };
        let operator = match parts.pop()?.as_str()? {
            "=" | "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            "contains" => Operator::Contains,
            "icontains" => Operator::ContainsAnyCase,
            "exists" => Operator::Exists,
            "notexists" => Operator::NotExists,
            _ => return None,
        };
        let needs_values = !matches!(operator, Operator::Exists | Operator::NotExists);
        if needs_values && values.is_empty() {
            return None;
        }
        Some(Self { field: parts.pop()?.as_str()?.to_owned(), operator, values })
    }

    fn holds(&self, found: Option<&Json<'_>>) -> bool {
        match self.operator {
            Operator::Exists => found.is_some(),
            Operator::NotExists => found.is_none(),
            Operator::NotEqual => !self.any_compares(found, Operator::Equal),
            Operator::Equal
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Contains
            | Operator::ContainsAnyCase => self.any_compares(found, self.operator),
        }
    }

    fn any_compares(&self, found: Option<&Json<'_>>, operator: Operator) -> bool {
        let elements = match found {
            None => return false,
            Some(Json::Array(elements)) => &elements[..],
            Some(value) => std::slice::from_ref(value),
        };
        let compares =
            |element: &Json<'_>| self.values.iter().any(|value| operator.compares(element, value));
        elements.iter().any(compares)
    }
}

impl Operator {
    /// Numbers compare with numbers and texts with texts.
    fn compares(self, found: &Json<'_>, wanted: &Value) -> bool {
        match (found, wanted) {
            (Json::Text(found), Value::String(wanted)) if self == Self::Contains => {
                found.contains(wanted.as_str())
            }
            (Json::Text(found), Value::String(wanted)) if self == Self::ContainsAnyCase => {
                found.to_lowercase().contains(&wanted.to_lowercase())
            }
            (Json::Text(found), Value::String(wanted)) => {
                self.orders(Some(found.as_ref().cmp(wanted.as_str())))
            }
            (Json::Number(found), Value::Number(wanted)) => {
                let exact = found.parse::<i128>().ok().zip(wanted.as_i128());
                let order = exact.map(|(found, wanted)| found.cmp(&wanted));
                let rounded = || found.parse::<f64>().ok()?.partial_cmp(&wanted.as_f64()?);
                self.orders(order.or_else(rounded))
            }
            (Json::Bool(found), Value::Bool(wanted)) => self.orders(Some(found.cmp(wanted))),
            (Json::Null, Value::Null) => self == Self::Equal,
            _ => false,
        }
    }

    fn orders(self, order: Option<std::cmp::Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Contains | Self::ContainsAnyCase | Self::Exists | Self::NotExists => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(kind: OutputKind, pairs: &[(&str, &str)]) -> Result<Filter, String> {
        let mut params = Params::default();
        for (name, value) in pairs {
            params.add(name, (*value).to_owned());
        }
        Filter::of(kind, &params).map_err(Problem::into_message)
    }

    fn holds(condition: &str, line: &str) -> bool {
        filter(OutputKind::Items, &[("filter", condition)]).unwrap().holds(line.as_bytes())
    }

    #[test]
    fn conditions_compare_numbers_with_numbers_and_texts_with_texts() {
        let line =
            r#"{"n":5,"f":1.5,"s":"Abc","l":["x",7],"b":true,"z":null,"big":9007199254740993}"#;
        for condition in [
            r#"["n","=",[5]]"#,
            r#"["n","=",[4,5]]"#,
            r#"["n","=",5]"#,
            r#"["n","=",[5.0]]"#,
            r#"["n","!=",["5"]]"#,
            r#"["n",">",[4]]"#,
            r#"["n",">=",[5]]"#,
            r#"["f","<",[2]]"#,
            r#"["f","<=",[1.5]]"#,
            r#"["big","!=",[9007199254740992]]"#,
            r#"["s","=",["Abc"]]"#,
            r#"["s",">",["Abb"]]"#,
            r#"["s","contains",["bc"]]"#,
            r#"["s","icontains",["aB"]]"#,
            r#"["l","=",["x"]]"#,
            r#"["l",">",[6]]"#,
            r#"["l","contains",["x"]]"#,
            r#"["b","=",[true]]"#,
            r#"["z","=",[null]]"#,
            r#"["z","exists"]"#,
            r#"["z","exists",[]]"#,
            r#"["q","notexists",[]]"#,
            r#"["q","!=",[1]]"#,
        ] {
            assert!(holds(condition, line), "{condition}");
        }
        for condition in [
            r#"["n","=",["5"]]"#,
            r#"["n","!=",[5]]"#,
            r#"["n",">",[5]]"#,
            r#"["n","contains",["5"]]"#,
            r#"["s","contains",["ab"]]"#,
            r#"["l","!=",["x"]]"#,
            r#"["b","=",[false]]"#,
            r#"["z",">=",[null]]"#,
            r#"["q","=",[null]]"#,
            r#"["q","exists",[]]"#,
            r#"["n","notexists",[]]"#,
        ] {
            assert!(!holds(condition, line), "{condition}");
        }
        assert!(!holds(r#"["n","=",[5]]"#, "[5]"));
    }

    #[test]
    fn the_service_gets_the_level_and_a_text_of_the_message() {
        let pairs = [
            ("level", "INFO"),
            ("filter", r#"["level", ">=", [40]]"#),
            ("filter", r#"["message","contains",["a"]]"#),
            ("filter", r#"["message","contains",["b"]]"#),
        ];
        let found = filter(OutputKind::Logs, &pairs).unwrap();
        let mut request = ReadOutputRequest::default();
        found.add_to(&mut request);
        assert_eq!((request.min_level, request.contains.as_str()), (40, "a"));
        assert!(!found.is_for_service());
        assert!(found.holds(br#"{"message":"b"}"#) && !found.holds(br#"{"message":"a"}"#));
        // Not every condition on these fields is what the service looks for.
        for condition in [
            r#"["level","=",[40]]"#,
            r#"["level",">=",[40.5]]"#,
            r#"["level",">=",[0]]"#,
            r#"["message","contains",["a","b"]]"#,
            r#"["message","icontains",["a"]]"#,
        ] {
            assert!(!filter(OutputKind::Logs, &[("filter", condition)]).unwrap().is_for_service());
        }
        assert!(!filter(OutputKind::Items, &pairs[1..2]).unwrap().is_for_service());
    }

    #[test]
    fn levels_are_names_or_numbers() {
        for (text, level) in [("debug", 10), ("WARN", 30), ("CRITICAL", 50), ("35", 35), ("", 0)] {
            let found = filter(OutputKind::Logs, &[("level", text)]).unwrap();
            assert_eq!(found.min_level, level, "{text}");
        }
        let accepted =
            "level: must be DEBUG, INFO, WARNING, ERROR, CRITICAL, or an integer, 0 or more";
        for text in ["LOUD", "-1"] {
            assert_eq!(filter(OutputKind::Logs, &[("level", text)]).unwrap_err(), accepted);
        }
        let refused = filter(OutputKind::Items, &[("level", "INFO")]).unwrap_err();
        assert_eq!(refused, "level: is only for logs");
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"["a"]"#,
            r#"["a","="]"#,
            r#"["a","=",[]]"#,
            r#"["a","~",[1]]"#,
            r#"[1,"=",[1]]"#,
            r#"["a","=",[1],2]"#,
        ] {
            let refused = filter(OutputKind::Items, &[("filter", text)]).unwrap_err();
            assert_eq!(refused, format!("filter: {ACCEPTED}"), "{text}");
        }
    }
}
