//! The commands of README print what README shows under them.

use std::{fs, path::Path};

use spiderq_tests::{Program, Stack, need, run_client, sqlite_url};

/// The address of the server in README.
const ADDRESS: &str = "http://127.0.0.1:6900";

/// A command of README, and what it shows.
#[derive(Debug, Default)]
struct Shown {
    command: String,
    output: String,
}

fn readme() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    fs::read_to_string(file).unwrap()
}

/// What stands between the fences of `language`.
fn blocks<'a>(readme: &'a str, language: &str) -> Vec<&'a str> {
    let parts = readme.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(language)).collect()
}

/// The calls to a server in the console blocks, in order.
fn calls(readme: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in blocks(readme, "console\n") {
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            if let Some(command) = line.strip_prefix("$ ") {
                let mut command = command.to_owned();
                while command.ends_with('\\') {
                    command.push('\n');
                    command.push_str(lines.next().unwrap());
                }
                let output = String::new();
                shown.push(Shown { command, output });
            } else if let Some(last) = shown.last_mut() {
                last.output.push_str(line);
                last.output.push('\n');
            }
        }
    }
    shown.retain(|one| one.command.contains("$KEY") && one.command.contains(ADDRESS));
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_the_readme_print_what_it_shows() {
    need(&["curl", "buf"]);
    let readme = readme();
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let server = Program::serve(&store, &["--public-url", ADDRESS]);
    let calls = calls(&readme);
    assert!(calls.len() >= 5, "calls in README: {calls:#?}");
    for Shown { command, output } in calls {
        let command = command.replace(ADDRESS, &server.url);
        let command = format!("KEY=$SPIDERQ_KEY; {command}");
        let printed = run_client(&server.url, Stack::KEY, "bash", &["-c", &command]).await;
        assert_eq!(printed.trim_end(), output.trim_end(), "{command}");
    }
    for program in blocks(&readme, "python\n") {
        let program = program.replace(ADDRESS, &server.url);
        let program = format!("KEY = {:?}\n{program}", Stack::KEY);
        run_client(&server.url, Stack::KEY, "python", &["-c", &program]).await;
    }
}
