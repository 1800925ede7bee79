//! Blocks of jobs: that their sizes follow the jobs, and that a list finds its place by them.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{
    super::{
        job_blocks::{BLOCK, BlockChanges, skip},
        migrations,
    },
    cost,
};
use spiderq_core::model::{Position, ProjectId, State};

/// A project whose jobs have been finished, and where they stand.
struct Jobs {
    connection: Connection,
    positions: BTreeSet<i64>,
}

impl Jobs {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        migrations::apply(&connection, migrations::ALL).unwrap();
        Self { connection, positions: BTreeSet::new() }
    }

    /// One step that writes these jobs, and removes those.
    fn step(&mut self, new: &[i64], gone: &[i64]) {
        let mut changes = BlockChanges::default();
        self.connection.execute_batch("BEGIN").unwrap();
        for (positions, sign) in [(new, 1), (gone, -1)] {
            for position in positions {
                let sql = match sign {
                    1 => {
                        "INSERT INTO jobs (project, spider, job, state, position, priority, units, \
                         attempt, updated, tags, metadata) \
                         VALUES (1, 1, ?1, 2, ?1, 2, 1, 0, 1, '[]', '{}')"
                    }
                    _ => "DELETE FROM jobs WHERE project = 1 AND spider = 1 AND job = ?1",
                };
                self.connection.prepare_cached(sql).unwrap().execute([position]).unwrap();
                changes.add(State::Finished, Position(position.cast_unsigned()), sign);
            }
        }
        changes.save(&self.connection, ProjectId::new(1).unwrap()).unwrap();
        self.connection.execute_batch("COMMIT").unwrap();
        self.positions.extend(new);
        self.positions.retain(|position| !gone.contains(position));
        self.check();
    }

    /// The sizes of the blocks.
    fn check(&self) -> Vec<i64> {
        let sql =
            "SELECT first, jobs FROM job_blocks WHERE project = 1 AND state = 2 ORDER BY first";
        let mut statement = self.connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let blocks: Vec<(i64, i64)> = rows.map(Result::unwrap).collect();
        let ends = blocks.iter().skip(1).map(|(first, _)| *first).chain([i64::MAX]);
        for ((first, jobs), end) in blocks.iter().zip(ends) {
            let found = self.positions.range(first..&end).count() as i64;
            assert_eq!((*jobs, *jobs > 0), (found, true), "{first} to {end}: {blocks:?}");
        }
        let sizes: Vec<i64> = blocks.into_iter().map(|(_, jobs)| jobs).collect();
        assert_eq!(sizes.iter().sum::<i64>(), self.positions.len() as i64);
        assert!(sizes.iter().all(|jobs| *jobs < 2 * BLOCK), "{sizes:?}");
        sizes
    }
}

#[test]
fn jobs_that_are_added_at_the_end_fill_one_block_after_the_other() {
    let mut jobs = Jobs::new();
    let all: Vec<i64> = (1..=3 * BLOCK).collect();
    for some in all.chunks(1_000) {
        jobs.step(some, &[]);
    }
    assert_eq!(jobs.check(), [BLOCK; 3]);
}

#[test]
fn one_step_with_very_many_jobs_makes_as_many_blocks_as_they_take() {
    let mut jobs = Jobs::new();
    let all: Vec<i64> = (1..=5 * BLOCK + 7).collect();
    jobs.step(&all, &[]);
    assert_eq!(jobs.check(), [BLOCK, BLOCK, BLOCK, BLOCK, BLOCK + 7]);
}

#[test]
fn jobs_that_come_back_to_older_positions_are_in_the_blocks_there() {
    let mut jobs = Jobs::new();
    let all: Vec<i64> = (1..=3 * BLOCK).map(|n| 10 * n).collect();
    jobs.step(&all, &[]);
    // The first block is gone, and with it the place before the second.
    jobs.step(&[], &all[..BLOCK as usize]);
    assert_eq!(jobs.check(), [BLOCK, BLOCK]);
    for one in all[..100].iter().rev() {
        jobs.step(&[*one], &[]);
    }
    assert_eq!(jobs.check(), [BLOCK + 100, BLOCK]);
    // Between others, in one step with jobs that go.
    let between: Vec<i64> = (1..=2 * BLOCK).map(|n| 10 * (BLOCK + n) + 5).collect();
    jobs.step(&between, &all[BLOCK as usize..][..300]);
    jobs.step(&[], &between);
    let rest: Vec<i64> = jobs.positions.iter().copied().collect();
    jobs.step(&[], &rest);
    assert_eq!(jobs.check(), [0; 0]);
}

#[test]
fn any_part_of_a_list_is_passed_by_the_sizes_of_blocks() {
    let mut jobs = Jobs::new();
    let all: Vec<i64> = (1..=5 * BLOCK).map(|n| 10 * n).collect();
    jobs.step(&all, &[]);
    let end = 10 * 5 * BLOCK;
    let ends = [0, 10, 15, 10 * BLOCK, 10 * BLOCK + 10, end / 2 + 3, end, end + 1, i64::MAX];
    for from in ends {
        for until in ends {
            let inside = |at: &&i64| (from..until).contains(*at);
            let list: Vec<i64> = jobs.positions.iter().rev().filter(inside).copied().collect();
            for most in [1, 2, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK, 5 * BLOCK + 1] {
                let (passed, steps) = cost(&mut jobs.connection, |connection| {
                    skip(connection, 1, 2, from..until, most).unwrap()
                });
                let last = list.get(most as usize - 1).copied();
                let expected = (last.map_or(list.len() as i64, |_| most), last);
                assert_eq!(passed, expected, "{most} of {from}..{until}");
                // Of no more than two blocks it looks at the jobs.
                assert!(steps < 30 * BLOCK as u64, "{steps} for {most} of {from}..{until}");
            }
        }
    }
}
