//! Secrets that the program reads of files, and what others may see of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use spiderq_tests::{Http, Program, Stack, program, run, sqlite_url};
use tempfile::TempDir;

const TOKEN_SECRET: &str = "a-token-secret-of-a-file";

/// Writes a file that its user alone can read; its path.
fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_secret_of_a_file_is_on_a_command_line_or_in_an_environment() {
    let folder = tempfile::tempdir().unwrap();
    let key = secret(folder.path(), "key", &format!("{}\n", Stack::KEY));
    let token_secret = secret(folder.path(), "token-secret", TOKEN_SECRET);
    let store = secret(folder.path(), "store", &sqlite_url(folder.path()));
    let args = ["serve", "--admin-key-file", &key, "--token-secret-file", &token_secret];
    let args = [&args[..], &["--store-file", &store, "--listen", "127.0.0.1:0"]].concat();
    let mut server = Program::start(&args);
    let http = Http::new(&server.url).basic(Stack::KEY, "");
    http.get("/jobq/1/count").await.ok();
    assert!(folder.path().join("spiderq.db").exists());
    for file in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{}/{file}", server.id())).unwrap();
        let seen = String::from_utf8_lossy(&seen).into_owned();
        for text in [Stack::KEY, TOKEN_SECRET, "spiderq.db"] {
            assert!(!seen.contains(text), "{file}: {seen}");
        }
    }
    let (status, list, error) =
        run(&["key", "list", "--server", &server.url, "--admin-key-file", &key]);
    assert!(status.success() && list.starts_with("ID "), "{list}{error}");
    server.kill();
}

#[tokio::test]
async fn credentials_of_systemd_are_found_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    secret(folder.path(), "spiderq.admin-key", Stack::KEY);
    secret(folder.path(), "spiderq.token-secret", TOKEN_SECRET);
    secret(folder.path(), "spiderq.store", &sqlite_url(folder.path()));
    let environment = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
    let server = Program::start_in(&environment, &["--listen", "127.0.0.1:0"]);
    Http::new(&server.url).basic(Stack::KEY, "").get("/jobq/1/count").await.ok();
    assert!(folder.path().join("spiderq.db").exists());
}

#[test]
fn a_flag_and_its_file_exclude_each_other_and_a_bad_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (good, empty) = (secret(folder.path(), "good", Stack::KEY), secret(folder.path(), "e", ""));
    let store = sqlite_url(folder.path());
    let both = "cannot be used with";
    for (args, said) in [
        (&["serve", "--admin-key", Stack::KEY, "--admin-key-file", &good][..], both),
        (&["serve", "--token-secret", Stack::KEY, "--token-secret-file", &good], both),
        (&["serve", "--store", &store, "--store-file", &good], both),
        (&["fsck", "--store", &store, "--store-file", &good], both),
        (&["key", "list", "--admin-key", Stack::KEY, "--admin-key-file", &good], both),
        (&["runner", "--project", "1", "--api-key", Stack::KEY, "--api-key-file", &good], both),
        (&["serve", "--store", &store, "--admin-key-file", "/no/file"], "--admin-key-file: can't"),
        (&["serve", "--store", &store, "--token-secret-file", &empty], "e is empty"),
        (&["serve", "--store-file", &empty], "--store-file: "),
        (&["key", "list", "--admin-key-file", &empty], "--admin-key-file: "),
        (&["runner", "--project", "1", "--api-key-file", &empty], "--api-key-file: "),
        (&["key", "list"], "--admin-key, --admin-key-file or SPIDERQ_ADMIN_KEY is required"),
        (&["runner", "--project", "1"], "--api-key, --api-key-file or SPIDERQ_API_KEY is required"),
    ] {
        let (status, out, error) = run(args);
        assert!(!status.success() && error.contains(said), "{args:?}: {error}");
        assert!(!format!("{out}{error}").contains(Stack::KEY), "{args:?}: {error}");
    }
}

#[test]
fn a_file_that_everyone_can_read_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let key = secret(folder.path(), "key", Stack::KEY);
    let store = sqlite_url(folder.path());
    let args = ["serve", "--store", &store, "--admin-key-file", &key, "--listen", "127.0.0.1:0"];
    for (mode, warned) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let (_, output) = Program::start(&args).terminate();
        let found = output.contains("every user of this machine has access to a secret's file");
        assert_eq!(found, warned, "{mode:o}: {output}");
    }
}

/// Starts a server with the secrets in a file and says for each token whether it is good; then the
/// token of a job that it starts.
async fn good_with(store: &str, file: &str, secrets: &str, tokens: &[String]) -> Vec<bool> {
    fs::write(file, secrets).unwrap();
    let server = Program::serve(store, &["--token-secret-file", file]);
    let mut good = Vec::new();
    for token in tokens {
        let answer = Http::new(&server.url).bearer(token).get("/jobs/1/1/1/state").await;
        assert!([200, 401].contains(&answer.status), "{answer}");
        good.push(answer.status == 200);
    }
    let (status, _) = server.terminate();
    assert!(status.success());
    good
}

#[tokio::test]
async fn tokens_of_the_old_secret_are_good_while_it_is_rotated_and_not_after() {
    let folder = tempfile::tempdir().unwrap();
    let (store, file) = (sqlite_url(folder.path()), secret(folder.path(), "tokens", ""));
    let (old, new) = ("the-old-token-secret", "the-new-token-secret");
    let token = async |secrets: &str| {
        fs::write(&file, secrets).unwrap();
        let server = Program::serve(&store, &["--token-secret-file", &file]);
        let http = Http::new(&server.url).basic(Stack::KEY, "");
        if http.get("/jobq/1/count?state=running").await.ok().json() == 0 {
            http.post("/jobq/1/push", r#"{"spider":"s","state":"running"}"#).await.ok();
        }
        let token = http.get("/jobs/1/1/1/auth").await.ok().json();
        assert!(server.terminate().0.success());
        token.as_str().unwrap().to_owned()
    };
    let both = format!("{new}\n{old}\n");
    let tokens = [token(old).await, token(&both).await];
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(good_with(&store, &file, old, &tokens).await, [true, false]);
    assert_eq!(good_with(&store, &file, &both, &tokens).await, [true, true]);
    assert_eq!(good_with(&store, &file, new, &tokens).await, [false, true]);
}

/// A user other than root, as which anyone may be.
const NOBODY: u32 = 65_534;

/// A command of [`NOBODY`], or where the tests do not run as root, of their user.
fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new(program);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn environment_of(process: &Child) -> Output {
    let file = format!("/proc/{}/environ", process.id());
    as_nobody(Path::new("cat")).arg(file).output().unwrap()
}

/// A folder of [`NOBODY`] with a copy of the program: the build may lie where only root can look.
fn copied_program() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(program(), folder.path().join("spiderq")).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

#[test]
fn another_process_of_the_same_user_cannot_read_a_servers_environment() {
    let folder = copied_program();
    let spiderq = folder.path().join("spiderq");
    let mut server = as_nobody(&spiderq)
        .args(["serve", "--listen", "127.0.0.1:0", "--store", &sqlite_url(folder.path())])
        .env("SPIDERQ_ADMIN_KEY", Stack::KEY)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let listens = lines.map_while(Result::ok).any(|line| line.contains("listening"));
    let seen = environment_of(&server);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(listens);
    assert!(!seen.status.success() && seen.stdout.is_empty(), "{seen:?}");

    // Of a process that does not hide, it can.
    let mut plain = as_nobody(Path::new("sleep"));
    let mut plain = plain.arg("600").env("SPIDERQ_ADMIN_KEY", Stack::KEY).spawn().unwrap();
    let seen = environment_of(&plain);
    plain.kill().unwrap();
    plain.wait().unwrap();
    assert!(String::from_utf8_lossy(&seen.stdout).contains(Stack::KEY), "{seen:?}");
}
