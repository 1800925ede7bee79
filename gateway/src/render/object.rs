//! Writes one compact JSON object, `{"key":"53/7/81","ts":1397762393489}`.

/// An object in the making. Names must come once each.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    /// A value that is JSON text already.
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
