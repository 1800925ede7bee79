//! The planner of questions about the jobs of a project: which match a filter, and how many do.
//! Stores have the same indexes (jobs by state, by spider and state, by tag and state, each in the
//! order of positions) and ask here which of them to go over, by how many entries they have. Plans
//! print themselves in a line.

mod plan;
mod wanted;

pub use self::{
    plan::{Count, Sizes, Walk},
    wanted::{Drive, Group, Texts, Wanted},
};
