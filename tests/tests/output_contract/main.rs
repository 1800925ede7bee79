//! What outputs promise, wherever they are kept: each case runs on every place. Two `Outputs` on
//! one place stand for two processes.
#![allow(clippy::unwrap_used, clippy::missing_docs_in_private_items, reason = "tests")]

mod appends;
mod files_only;
mod reads;
mod world;

use self::world::{FilesPlace, Place, S3Place};

/// Runs the cases on a place of their own each.
macro_rules! on {
    ($place:ident, $module:ident: $($module_of_case:ident::$case:ident,)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    $module_of_case::$case(&$place::new().await).await;
                }
            )*
        }
    };
}

macro_rules! cases {
    ($place:ident, $module:ident) => {
        on! { $place, $module:
            appends::lines_come_back_as_they_were_appended,
            appends::a_batch_that_comes_twice_is_stored_once,
            appends::lines_that_are_there_are_passed_over,
            appends::a_gap_is_refused_and_names_the_next_offset,
            appends::a_line_that_is_no_json_refuses_the_batch,
            appends::more_bytes_than_allowed_are_refused,
            appends::two_processes_append_in_turn,
            appends::of_two_processes_one_wins_each_offset,
            appends::attempts_and_kinds_are_kept_apart,
            appends::the_tail_is_compressed_when_it_is_full_and_at_the_end,
            appends::a_lost_tail_goes_on_after_the_segments,
            appends::the_holder_is_remembered,
            appends::all_output_of_a_job_goes_at_once,
            reads::a_reader_begins_anywhere_and_ends_after_its_limit,
            reads::a_reader_follows_another_process,
            reads::levels_pass_over_segments,
            reads::the_last_lines_that_match_are_found_from_the_end,
            reads::a_page_has_about_a_mebibyte,
            reads::numbers_are_told_of_any_size,
            reads::jobs_with_output_are_listed,
            reads::a_place_has_one_owner,
        }
    };
}

cases!(FilesPlace, files);
cases!(S3Place, s3);
