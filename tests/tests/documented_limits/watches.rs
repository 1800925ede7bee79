//! The limits of watches that tell progress, or of all projects.

use spiderq_core::limits::*;

use crate::{
    n,
    rows::{HTTP_PAGE, JOBS, LIMITS_PAGE, Row},
    seconds,
};

pub(crate) fn rows() -> Vec<Row> {
    let (jobs, projects) = (n(MAX_PROGRESS_JOBS), n(MAX_WATCHED_PROJECTS));
    let (second, look) = (seconds(PROGRESS_INTERVAL), seconds(PROJECTS_INTERVAL));
    vec![
        (
            "MAX_PROGRESS_JOBS",
            vec![
                (JOBS, format!("the {jobs} jobs of a project that began to run last")),
                (HTTP_PAGE, format!("beyond the {jobs} that began to run last")),
                (LIMITS_PAGE, format!("of the {jobs} of a project that began last")),
            ],
        ),
        (
            "MAX_WATCHED_PROJECTS",
            vec![
                (JOBS, format!("those to come too: at most {projects}")),
                (HTTP_PAGE, format!("that the key reaches, at most {projects}.")),
                (LIMITS_PAGE, format!("| projects of a watch of all | {projects} |")),
            ],
        ),
        ("PROGRESS_INTERVAL", vec![(LIMITS_PAGE, format!("once in {second} s for a job"))]),
        (
            "PROJECTS_INTERVAL",
            vec![
                (JOBS, format!("within about {look} s: what happened")),
                (HTTP_PAGE, format!("within about {look} s; what happened")),
            ],
        ),
    ]
}
