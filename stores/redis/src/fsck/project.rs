//! What a project has once: sets, indexes, the number of the last event.

use serde::Serialize;
use spiderq_core::{error::Result, model::ProjectId};

use super::{Check, MAX_CHECKED};
use crate::{
    error::bad_reply,
    link::within,
    names::{LAST_EVENT, ProjectNames},
    scan::Members,
    scripts,
};

#[derive(Serialize)]
struct SetArg<'a> {
    repair: bool,
    set: &'a str,
    members: &'a [String],
}

#[derive(Default, Serialize)]
struct IndexArg<'a> {
    repair: bool,
    due: &'a [String],
    unique: &'a [String],
}

#[derive(Serialize)]
struct RaiseArg<'a> {
    repair: bool,
    counter: &'a str,
    least: &'a str,
    text: &'a str,
}

impl Check<'_> {
    /// Members of sets that do not belong there.
    pub(crate) async fn sets(&mut self, project: ProjectId, sets: &[String]) -> Result<()> {
        let (repair, store) = (self.repair, self.store);
        for set in sets {
            let mut walk = Members::of_set(&store.connection, ProjectNames(project).set(set));
            while let Some(pairs) = walk.next().await? {
                for members in firsts(pairs).chunks(MAX_CHECKED) {
                    let argument = SetArg { repair, set, members };
                    self.judge(project, &scripts::FSCK_SET_MEMBERS, &argument).await?;
                }
            }
        }
        Ok(())
    }

    /// Entries of the index of what is due, and unique keys, without a job.
    pub(crate) async fn indexes(&mut self, project: ProjectId) -> Result<()> {
        let (repair, store) = (self.repair, self.store);
        let script = &scripts::FSCK_DUE_AND_UNIQUE;
        let mut walk = Members::of_set(&store.connection, ProjectNames(project).due());
        while let Some(pairs) = walk.next().await? {
            for due in firsts(pairs).chunks(MAX_CHECKED) {
                let argument = IndexArg { repair, due, ..IndexArg::default() };
                self.judge(project, script, &argument).await?;
            }
        }
        let mut walk = Members::of_hash(&store.connection, ProjectNames(project).unique());
        while let Some(pairs) = walk.next().await? {
            for unique in firsts(pairs).chunks(MAX_CHECKED) {
                let argument = IndexArg { repair, unique, ..IndexArg::default() };
                self.judge(project, script, &argument).await?;
            }
        }
        Ok(())
    }

    /// The number of the last event: the next one must be above all that are kept.
    pub(crate) async fn events(&mut self, project: ProjectId) -> Result<()> {
        let mut pipe = redis::pipe();
        let key = ProjectNames(project).events();
        pipe.cmd("XREVRANGE").arg(key).arg("+").arg("-").arg("COUNT").arg(1);
        let (last,): (Vec<(String, redis::Value)>,) =
            within(self.store.connection.pipe(&pipe)).await?;
        let Some((id, _)) = last.first() else {
            return Ok(());
        };
        let (number, _) = id.split_once('-').ok_or_else(|| bad_reply(format!("the id {id}")))?;
        let argument = RaiseArg {
            repair: self.repair,
            counter: LAST_EVENT,
            least: number,
            text: "the number of the last event is below that of one kept",
        };
        self.judge(project, &scripts::FSCK_RAISE_COUNTER, &argument).await
    }
}

/// Members without their scores, or fields without their values.
fn firsts(pairs: Vec<(String, String)>) -> Vec<String> {
    pairs.into_iter().map(|(first, _)| first).collect()
}
