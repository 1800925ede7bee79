//! Tags of jobs.

use crate::error::{Error, Result};

/// 1 to 128 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "tags",
                "each must be 1 to 128 bytes of text without control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tags in the order given, without duplicates, at most [`Tags::MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// Most tags of one job.
    pub const MAX: usize = 64;

    /// Keeps the first of equal tags.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Result<Self> {
        let mut kept = Self::default();
        kept.add(tags)?;
        Ok(kept)
    }

    /// Checks each text, then as [`Tags::new`].
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut kept = Self::default();
        for text in texts {
            kept.add([Tag::parse(text.as_ref())?])?;
        }
        Ok(kept)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `tag` is among them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Ends at the first tag too many: the work stays small, whatever comes.
    fn add(&mut self, tags: impl IntoIterator<Item = Tag>) -> Result<()> {
        for tag in tags {
            if self.0.contains(&tag) {
                continue;
            }
            if self.0.len() == Self::MAX {
                return Err(Error::invalid("tags", "a job may have at most 64"));
            }
            self.0.push(tag);
        }
        Ok(())
    }
}

/// A change of tags: `clear` first, then removals, then additions (CONTRACT 3, update).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagEdit {
    /// Whether all present tags go first.
    pub clear: bool,
    /// Tags to remove; those not there are ignored.
    pub remove: Vec<Tag>,
    /// Tags to add at the end; those already there keep their place.
    pub add: Tags,
}

impl TagEdit {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.clear && self.remove.is_empty() && self.add.is_empty()
    }

    /// The tags after the change. More than [`Tags::MAX`] are an error.
    pub fn apply(&self, tags: &Tags) -> Result<Tags> {
        let mut kept = Tags::default();
        if !self.clear {
            kept.add(tags.iter().filter(|tag| !self.remove.contains(tag)).cloned())?;
        }
        kept.add(self.add.iter().cloned())?;
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_removes_then_adds_and_keeps_order() {
        let tags = Tags::parse(["a", "b", "c"]).unwrap();
        let edit = TagEdit {
            clear: false,
            remove: vec![Tag::parse("b").unwrap(), Tag::parse("x").unwrap()],
            add: Tags::parse(["c", "b", "d"]).unwrap(),
        };
        assert_eq!(edit.apply(&tags).unwrap(), Tags::parse(["a", "c", "b", "d"]).unwrap());
    }
}
