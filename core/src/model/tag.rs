//! Tags of jobs.

use super::short_text;
use crate::{
    error::{Error, Result},
    limits::{MAX_TAG_BYTES, MAX_TAGS},
};

/// A short text of at most [`MAX_TAG_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Errors name the field `tags`.
    pub fn parse(text: &str) -> Result<Self> {
        short_text(text, MAX_TAG_BYTES, "tags", "each must be").map(Self)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tags in the order given, without duplicates, at most [`MAX_TAGS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
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

    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether the job has no tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most [`MAX_TAGS`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes time in proportion to the number of tags.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// The error of a job that would get more than [`MAX_TAGS`].
    #[must_use]
    pub fn too_many() -> Error {
        Error::invalid("tags", format!("a job may have at most {}", MAX_TAGS))
    }

    // Ends at the first tag too many, so that a long list costs little.
    fn add(&mut self, tags: impl IntoIterator<Item = Tag>) -> Result<()> {
        for tag in tags {
            if self.0.contains(&tag) {
                continue;
            }
            if self.0.len() == MAX_TAGS {
                return Err(Self::too_many());
            }
            self.0.push(tag);
        }
        Ok(())
    }
}

/// A change of tags: `clear` first, then removals, then additions (`docs/contract.md`, 3, update).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    /// Whether all tags that the job has are removed first.
    pub clear: bool,
    /// Tags to remove; those that the job does not have are ignored.
    pub remove: Vec<Tag>,
    /// Tags to add at the end; those that the job has stay where they are.
    pub add: Tags,
}

impl TagChanges {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.clear && self.remove.is_empty() && self.add.is_empty()
    }

    /// The tags after the change. More than [`MAX_TAGS`] are an error.
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
        let edit = TagChanges {
            clear: false,
            remove: vec![Tag::parse("b").unwrap(), Tag::parse("x").unwrap()],
            add: Tags::parse(["c", "b", "d"]).unwrap(),
        };
        assert_eq!(edit.apply(&tags).unwrap(), Tags::parse(["a", "c", "b", "d"]).unwrap());
    }
}
