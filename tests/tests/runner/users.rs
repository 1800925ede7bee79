//! Which user jobs run as, and what jobs of one user learn of those of another and of the runner.
//!
//! Only root can become another user: as another user the tests see that it is refused.

use std::process::{Command, Stdio};

use rustix::process::geteuid;
use spiderq_tests::{Stack, StoreKind, program, run};

use crate::world::{World, run_script, script};

/// Debian's user without rights, and one that has no name.
const USERS: [&str; 2] = ["1=nobody", "2=54321:54322"];

fn is_root() -> bool {
    if geteuid().is_root() {
        return true;
    }
    let flags = ["runner", "--project", "1", "--api-key", Stack::KEY, "--user", "nobody"];
    let (status, _, said) = run(&flags);
    assert!(!status.success());
    assert_eq!(said, "spiderq: --user: only a runner of root can run jobs as another user\n");
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_project_runs_as_its_user_and_learns_nothing_of_others() {
    if !is_root() {
        return;
    }
    let world = World::start(StoreKind::Sqlite).await;
    // Prints who it is, that its folder is its own, and what it can reach of process `$1`.
    let script = script(
        r#"
        echo "$(id -u):$(id -g) groups=$(id -G) home=$HOME"
        touch "$TMPDIR/x" here && echo named > /dev/stdout
        denied() { "$@" 2>/dev/null && echo "done: $*" || echo denied; }
        denied cat "/proc/$1/environ"
        denied ls "/proc/$1/cwd/"
        denied kill "$1"
        denied kill "$PPID"
        grep NoNewPrivs /proc/self/status
        echo "ITM {\"pid\": $$}" > "$SHUB_FIFO_PATH"
        test -n "$2" || exec tail -f /dev/null
    "#,
    );
    let command = run_script(&script, "{arg:pid} {arg:short}");
    let flags = ["--project", "2", "--user", USERS[0], "--user", USERS[1], "--command", &command];
    let mut runner = world.runner_of(&flags);
    let other = world.schedule_in(1, "any", &[("pid", "1")]).await;
    let pid = world.first_item(&other).await["pid"].to_string();
    let job = world.schedule_in(2, "any", &[("pid", &pid), ("short", "1")]).await;
    runner.wait_for_end(&job);
    let expected = |who: &str| {
        let denied = ["denied"; 4];
        let lines = [&[who, "named"], denied.as_slice(), &["NoNewPrivs:\t1"]].concat();
        lines.iter().map(|line| format!("[stdout] {line}")).collect::<Vec<_>>()
    };
    assert_eq!(world.messages(&job), expected("54321:54322 groups=54322 home=/"));
    let nobody = "65534:65534 groups=65534 home=/nonexistent";
    assert_eq!(world.messages(&other), expected(nobody));
    world.stop(&other).await;
    runner.wait_for_end(&other);
    let ends = [world.metadata(&job).await, world.metadata(&other).await];
    assert_eq!(ends.map(|end| end["close_reason"].clone()), ["finished", "cancelled"]);
}

#[test]
fn a_project_without_a_user_or_an_unknown_user_is_named() {
    if !is_root() {
        return;
    }
    for (user, why) in [
        ("nosuch", "nosuch: neither a user of /etc/passwd nor UID:GID"),
        ("root", "jobs must not run as root"),
        ("1=nobody", "project 2 has none, so its jobs would be root"),
    ] {
        let flags = ["runner", "--project", "1,2", "--api-key", Stack::KEY, "--user", user];
        let (status, _, said) = run(&flags);
        assert!(!status.success());
        assert_eq!(said, format!("spiderq: --user: {why}\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_of_the_runners_user_reads_neither_its_memory_nor_its_supervisors() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let script = script(
        r#"
        runner=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status)
        for pid in $PPID $runner; do
            cat /proc/$pid/environ >/dev/null 2>&1 && echo read || echo denied
            head -c 1 /proc/$pid/mem >/dev/null 2>&1 && echo read || echo denied
        done
        tr '\0' '\n' < /proc/self/environ | grep -c -e SPIDERQ_ -e CREDENTIALS
    "#,
    );
    let folder = tempfile::tempdir().unwrap();
    // Nothing is denied to root: there the whole runner is another user.
    let mut runner = match geteuid().is_root() {
        true => {
            let status = Command::new("chown").arg("65534").arg(folder.path()).status();
            assert!(status.unwrap().success());
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program());
            setpriv
        }
        false => Command::new(program()),
    };
    let command = run_script(&script, "");
    let runner = runner
        .args(["runner", "--once", "--project", "1", "--server", &world.stack.url])
        .args(["--command", &command, "--keep-local", "--data-dir"])
        .arg(folder.path())
        .env("SPIDERQ_API_KEY", &world.worker)
        .env("CREDENTIALS_DIRECTORY", "/nosuch")
        .current_dir("/")
        .stdin(Stdio::null());
    let ended = tokio::task::block_in_place(|| runner.output()).unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let log = std::fs::read_to_string(folder.path().join(&job).join("log.1.jl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let said: Vec<String> =
        lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    let expected = ["denied", "denied", "denied", "denied", "0"];
    assert_eq!(said, expected.map(|line| format!("[stdout] {line}")));
}
