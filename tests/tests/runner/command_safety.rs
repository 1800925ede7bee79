//! What a job can't do to a program of `--command`, nor to the processes between it and the runner.

use spiderq_tests::{Stack, StoreKind, python, run};

use crate::world::{World, run_script, script};

/// A job's `environment`, all of which would run code or change programs.
const HOSTILE: &str = r#"{"BASH_ENV": "$(echo run >&2)", "ENV": "$(echo run >&2)",
    "BASH_FUNC_echo%%": "() { printf run; }", "PATH": "/nosuch", "LD_PRELOAD": "/nosuch.so",
    "PYTHONPATH": "/nosuch", "SPIDERQ_LOG": "[[[", "COLOUR": "blue", "OTHER": "red"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_gets_no_variables_but_those_that_are_allowed() {
    let world = World::start(StoreKind::Sqlite).await;
    let script = script(r#"echo "colour=$COLOUR other=$OTHER""#);
    let command = format!("bash {}", script.path().display());
    for (allowed, said) in
        [(&["--allow-env", "COLOUR"][..], "colour=blue other="), (&[], "colour= other=")]
    {
        let job = world.schedule("any", &[("environment", HOSTILE)]).await;
        let flags = ["--once", "--command", &command];
        let printed = world.runner_of(&[flags.as_slice(), allowed].concat()).join();
        assert_eq!(world.messages(&job), [format!("[stdout] {said}")]);
        assert_eq!(world.metadata(&job).await["close_reason"], "finished");
        assert!(printed.contains("ignored variables that --allow-env does not name"), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn variables_of_a_script_reach_its_program_only() {
    let world = World::start(StoreKind::Sqlite).await;
    let environment = r#"{"LD_PRELOAD": "/nosuch.so", "SPIDERQ_LOG": "[[[", "COLOUR": "blue"}"#;
    let job = world.schedule("py:report.py", &[("environment", environment)]).await;
    let (python, project) = (python(), world.project());
    let flags = ["--once", "--python", python.to_str().unwrap(), "--project-dir", &project];
    world.runner_of(&flags).join();
    let messages = world.messages(&job);
    assert!(messages.contains(&"[stdout] report for blue".to_owned()), "{messages:?}");
    // The dynamic linker complains of it once in each program that is started with it.
    let loads = messages.iter().filter(|message| message.contains("LD_PRELOAD"));
    assert_eq!(loads.count(), 1, "{messages:?}");
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_value_that_would_become_an_option_fails_its_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let hostile = "-cprint('run')";
    let refused = world.schedule("any", &[("file", hostile)]).await;
    let printed = world.runner_of(&["--once", "--command", "python3 {arg:file}"]).join();
    assert_eq!(world.metadata(&refused).await["close_reason"], "failed");
    let why = "{arg:file} of --command would become an option, since its value begins with `-` \
               and the command has no `--` before it";
    assert_eq!(world.messages(&refused), [why]);
    assert!(printed.contains(why), "{printed}");

    let safe = world.schedule("any", &[("file", hostile)]).await;
    let script = script(r#"echo "$2""#);
    let command = run_script(&script, "-- {arg:file}");
    world.runner_of(&["--once", "--command", &command]).join();
    assert_eq!(world.messages(&safe), [format!("[stdout] {hostile}")]);
    assert_eq!(world.metadata(&safe).await["close_reason"], "finished");
}

#[test]
fn variables_that_load_code_cannot_be_allowed() {
    for (flags, expected) in [
        (
            ["--command", "true", "--allow-env", "LANG,BASH_ENV"].as_slice(),
            "spiderq: --allow-env: BASH_ENV: never allowed, since programs find code by it\n",
        ),
        (&["--allow-env", "LANG"], "--command <TEMPLATE>"),
    ] {
        let fixed = ["runner", "--project", "1", "--api-key", Stack::KEY];
        let (status, _, said) = run(&[fixed.as_slice(), flags].concat());
        assert!(!status.success() && said.contains(expected), "{said}");
    }
}
