//! Writes compact JSON: `{"key":"53/7/81","ts":1397762393489}`.

/// An object under construction. It does not check that each name comes once.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    /// `json` is the text of a value.
    pub(crate) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&string(name));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw(name, &string(value))
    }

    pub(crate) fn number(&mut self, name: &str, value: impl Into<i64>) -> &mut Self {
        self.raw(name, &value.into().to_string())
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// `null` where there is no value.
pub(crate) fn nullable(json: Option<String>) -> String {
    json.unwrap_or_else(|| "null".to_owned())
}

/// A JSON array of values that are JSON text.
pub(crate) fn array(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().collect();
    format!("[{}]", values.join(","))
}

/// A JSON string.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A JSON array of strings.
pub(crate) fn strings(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_compact_and_escaped() {
        let mut object = Object::new();
        object.text("a\"b", "é\n").number("n", -5).raw("r", "[ 1.0 ]");
        assert_eq!(object.finish(), r#"{"a\"b":"é\n","n":-5,"r":[ 1.0 ]}"#);
        assert_eq!(Object::new().finish(), "{}");
    }
}
