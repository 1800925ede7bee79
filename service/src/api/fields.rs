//! What is wrong with the fields of a message: decoding goes on after a wrong field, so that a
//! caller learns of all of them at once.

use spiderq_core::error::{Error, Result};

/// Gathers what is wrong. Whoever asks for a value gets none where its field is wrong, and ends
/// with [`Fields::into_error`].
#[derive(Debug, Default)]
pub(super) struct Fields(Option<Error>);

impl Fields {
    /// The value of the field at `path`.
    pub(super) fn field<T>(&mut self, path: &str, value: Result<T>) -> Option<T> {
        self.part(value.map_err(|error| error.at(path)))
    }

    /// The value of the message or list at `path`, whose errors name fields within it.
    pub(super) fn within<T>(&mut self, path: &str, value: Result<T>) -> Option<T> {
        self.part(value.map_err(|error| error.within(path)))
    }

    /// A value whose errors have their paths already.
    pub(super) fn part<T>(&mut self, value: Result<T>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.0 = Some(match self.0.take() {
                    Some(first) => first.and(error),
                    None => error,
                });
                None
            }
        }
    }

    /// All that is wrong.
    pub(super) fn into_error(self) -> Error {
        self.0.unwrap_or_else(|| Error::bug("a field without a value is not wrong"))
    }

    /// `value`, if nothing is wrong.
    pub(super) fn check<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}

/// The values of a repeated field, whose errors name its parts: `[3]`.
pub(super) fn list<I, T>(
    items: impl IntoIterator<Item = I>,
    mut decode: impl FnMut(I) -> Result<T>,
) -> Result<Vec<T>> {
    let (mut values, mut fields) = (Vec::new(), Fields::default());
    for (index, item) in items.into_iter().enumerate() {
        values.extend(fields.within(&format!("[{index}]"), decode(item)));
    }
    fields.check(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(text: &str) -> Result<u32> {
        text.parse().map_err(|_| Error::invalid("digit", "must be one").at(""))
    }

    #[test]
    fn all_wrong_fields_are_named_in_their_order() {
        let mut fields = Fields::default();
        let first = fields.field("first", digit("x"));
        let list = fields.within("list", list(["1", "y", "2", "z"], digit));
        assert_eq!((first, list, fields.field("last", digit("3"))), (None, None, Some(3)));
        let error = fields.into_error();
        assert_eq!(error.to_string(), "digit: must be one");
        let violations = error.violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["first", "list[1]", "list[3]"]);
        assert_eq!(super::list(["1", "2"], digit).unwrap(), [1, 2]);
    }
}
