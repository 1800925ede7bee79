//! Which jobs a call is about: those of its keys, those that meet its conditions, or both.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Domain;
use spiderq_core::{
    error::Result,
    model::{Filter, JobKey, ProjectId, SpiderId, SpiderName, StateSet},
};

/// Names of spiders that one call reads at a time.
const MAX_CONCURRENT_READS: usize = 16;

/// The jobs that a call selects.
#[derive(Clone, Debug)]
pub struct JobSelection {
    /// Of which project.
    pub project: ProjectId,
    /// Only these jobs; empty: all.
    pub keys: Vec<JobKey>,
    /// What must hold.
    pub filter: Filter,
    /// Spiders by number, beside those that the filter names.
    pub spiders: Vec<SpiderId>,
    /// Whether the caller gave any condition but the keys.
    pub has_conditions: bool,
}

impl JobSelection {
    /// All jobs that match the filter.
    #[must_use]
    pub const fn matching(project: ProjectId, filter: Filter) -> Self {
        Self { project, keys: Vec::new(), filter, spiders: Vec::new(), has_conditions: true }
    }

    /// Just these jobs.
    #[must_use]
    pub fn of_keys(project: ProjectId, keys: Vec<JobKey>) -> Self {
        let filter = Filter { states: StateSet::ALL, ..Filter::default() };
        Self { project, keys, filter, spiders: Vec::new(), has_conditions: false }
    }
}

impl Domain {
    /// The filter with the names of these spiders too. One that does not exist has no jobs.
    pub(super) async fn with_spiders(
        &self,
        project: ProjectId,
        mut filter: Filter,
        numbers: &[SpiderId],
    ) -> Result<Filter> {
        filter.spiders.extend(self.spider_names(project, numbers).await?);
        if filter.spiders.is_empty() && !numbers.is_empty() {
            filter.states = StateSet::default();
        }
        Ok(filter)
    }

    /// The names of those spiders that exist.
    pub(super) async fn spider_names(
        &self,
        project: ProjectId,
        numbers: &[SpiderId],
    ) -> Result<Vec<SpiderName>> {
        let name = |number: &SpiderId| self.store.spider_name(project, *number);
        let names: Vec<_> = numbers.iter().map(name).collect();
        let names = stream::iter(names).buffered(MAX_CONCURRENT_READS);
        let names: Vec<Option<SpiderName>> = names.try_collect().await?;
        Ok(names.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::test_world::*;
    use spiderq_core::model::Role;

    #[tokio::test]
    async fn spiders_by_number_are_selected_and_one_that_does_not_exist_has_no_jobs() {
        let world = World::new();
        world.push_many(2).await;
        world.push(push_job("news")).await;
        let count = async |numbers: &[i64]| {
            let filter = Filter { states: StateSet::ALL, ..Filter::default() };
            let spiders = numbers.iter().map(|number| SpiderId::new(*number).unwrap()).collect();
            let jobs = JobSelection { spiders, ..JobSelection::matching(world.project, filter) };
            world.domain.count_jobs(&caller(Role::Read), &jobs).await.unwrap()
        };
        assert_eq!(count(&[]).await, 3);
        assert_eq!(count(&[1]).await, 2);
        assert_eq!(count(&[2, 9]).await, 1);
        assert_eq!(count(&[9]).await, 0);
    }
}
