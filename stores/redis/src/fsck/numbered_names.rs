//! Names and numbers of spiders and tags.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use spiderq_core::{
    error::Result,
    model::{ProjectId, Tags},
    store::Subject,
};

use super::{Check, MAX_CHECKED};
use crate::{
    link::within,
    names::{MAX_RUNNING, ProjectNames, SPIDER_NUMBER, TAG_NUMBER},
    scan::Members,
    scripts,
};

#[derive(Default, Serialize)]
struct SpidersArg<'a> {
    repair: bool,
    spiders: &'a [(String, String)],
    limited: &'a [String],
    numbers: &'a [String],
}

#[derive(Default, Serialize)]
struct TagsArg<'a> {
    repair: bool,
    tags: &'a [String],
    renumber: &'a [String],
}

/// What the counters hash says of names.
#[derive(Default)]
struct Names {
    spiders: Vec<String>,
    tags: Vec<String>,
    /// Tags whose number another tag has too.
    renumber: Vec<String>,
    /// Numbers of spiders that may run only so many jobs.
    limited: Vec<String>,
}

impl Names {
    fn new(counters: BTreeMap<String, String>) -> Self {
        let (mut names, mut tag_numbers) = (Self::default(), HashSet::new());
        for (field, value) in counters {
            if let Some(spider) = field.strip_prefix(SPIDER_NUMBER) {
                names.spiders.push(spider.to_owned());
            } else if let Some(spider) = field.strip_prefix(MAX_RUNNING) {
                names.limited.push(spider.to_owned());
            } else if let Some(tag) = field.strip_prefix(TAG_NUMBER) {
                if !tag_numbers.insert(value) {
                    names.renumber.push(tag.to_owned());
                }
                names.tags.push(tag.to_owned());
            }
        }
        names
    }
}

impl Check<'_> {
    pub(crate) async fn names(&mut self, project: ProjectId) -> Result<()> {
        let keys = ProjectNames(project);
        let stored = self.all_of(keys.spiders()).await?;
        let names = Names::new(self.all_of(keys.counters()).await?);
        let numbers: Vec<String> = stored.keys().cloned().collect();
        // In the order of numbers: of spiders that share a name the last one counts.
        let homes: HashMap<String, String> =
            stored.into_iter().map(|(number, name)| (name, number)).collect();
        let home = |name: String| {
            let home = homes.get(&name).cloned().unwrap_or_default();
            (name, home)
        };
        let spiders: Vec<(String, String)> = names.spiders.into_iter().map(home).collect();
        let repair = self.repair;
        for spiders in spiders.chunks(MAX_CHECKED) {
            let argument = SpidersArg { repair, spiders, ..SpidersArg::default() };
            self.judge(project, &scripts::FSCK_SPIDER_NAMES, &argument).await?;
        }
        for limited in names.limited.chunks(MAX_CHECKED) {
            let argument = SpidersArg { repair, limited, ..SpidersArg::default() };
            self.judge(project, &scripts::FSCK_SPIDER_NAMES, &argument).await?;
        }
        for numbers in numbers.chunks(MAX_CHECKED) {
            let argument = SpidersArg { repair, numbers, ..SpidersArg::default() };
            self.judge(project, &scripts::FSCK_SPIDER_NAMES, &argument).await?;
        }
        self.tag_names(project, &names.tags, &names.renumber).await
    }

    async fn tag_names(
        &mut self,
        project: ProjectId,
        tags: &[String],
        renumber: &[String],
    ) -> Result<()> {
        let repair = self.repair;
        for tags in tags.chunks(MAX_CHECKED) {
            let argument = TagsArg { repair, tags, ..TagsArg::default() };
            self.judge(project, &scripts::FSCK_TAG_NAMES, &argument).await?;
        }
        for renumber in renumber.chunks(MAX_CHECKED) {
            let argument = TagsArg { repair, renumber, ..TagsArg::default() };
            self.judge(project, &scripts::FSCK_TAG_NAMES, &argument).await?;
        }
        Ok(())
    }

    /// The tags that jobs scheduled of spiders get, one a line.
    pub(crate) async fn spider_tags(&mut self, project: ProjectId) -> Result<()> {
        let key = ProjectNames(project).spider_tags();
        for (number, tags) in self.all_of(key.clone()).await? {
            if Tags::parse(tags.lines()).is_ok() {
                continue;
            }
            if self.repair {
                let mut pipe = redis::pipe();
                pipe.hdel(&key, &number).ignore();
                within(self.store.connection.pipe::<()>(&pipe)).await?;
            }
            let what = format!("spider {number} has tags that are none: {tags:?}");
            self.found(Subject::Project(project), what, self.repair);
        }
        Ok(())
    }

    /// A hash as it is while it is walked over; names are few.
    async fn all_of(&mut self, key: String) -> Result<BTreeMap<String, String>> {
        let store = self.store;
        let mut walk = Members::of_hash(&store.connection, key);
        let mut all = BTreeMap::new();
        while let Some(pairs) = walk.next().await? {
            all.extend(pairs);
        }
        Ok(all)
    }
}
