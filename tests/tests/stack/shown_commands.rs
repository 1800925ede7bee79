//! The commands that README and the pages in `docs/` show do what is shown under them: each is
//! run, or it is in the list of those that are not, with the reason.

use std::{collections::BTreeSet, fs, path::Path};

use spiderq_tests::{Program, Stack, need, program, run_client, sqlite_url};

/// The address of the server in the pages.
const ADDRESS: &str = "http://127.0.0.1:6900";
/// The admin key that README shows as printed.
const SHOWN_KEY: &str = "98c3a0a0ab5a2bd8ad3b8ce4a0e1c2f7";
/// Where an output ends and that of the next command begins.
const END: &str = "\n--- end of output ---\n";

const INSTALLS: &str = "installs what scripts/test installs";
const GO_PACKAGES: &str = "apt-get install golang-go golang-google-grpc-dev \\\n    golang-github-golang-protobuf-1-5-dev protoc-gen-go protoc-gen-go-grpc";
const PICTURES: &str = "SPIDERQ=target/debug/spiderq SPIDERQ_URL=http://127.0.0.1:6970 SPIDERQ_API_KEY=$(openssl rand -hex 16) \\\n    PICTURES=docs/images node tests/clients/page/screenshots.mjs";
const BUILDS: &str = "builds a release, and serves or measures until it is stopped";

/// Commands that are not run here, and why.
const NOT_RUN: [(&str, &str); 30] = [
    ("cargo run --release", BUILDS),
    ("cargo run", "serves until it is stopped"),
    ("scripts/test", "runs these tests"),
    ("cargo install --path cli", "installs the program that these tests build"),
    ("cargo run --release -- serve --store redis://127.0.0.1:6379", BUILDS),
    ("cargo run --release -p spiderq-tests --bin load -- --help", BUILDS),
    ("spiderq key revoke 5f0c23ab", "is about a key of the reader; api_keys.rs revokes one"),
    ("spiderq key rotate 5f0c23ab --keep 1h", "the same; command_line.rs rotates one"),
    (
        "(umask 077; openssl rand -hex 16 > admin.key; openssl rand -hex 32 > token.secret)",
        "writes secrets to the folder of the reader",
    ),
    (
        "spiderq serve --admin-key-file admin.key --token-secret-file token.secret",
        "serves until it is stopped; secret_files.rs",
    ),
    (
        "sudo cat /etc/spiderq/worker.key | sudo -u jobs spiderq runner --project 123 --api-key-file -",
        "runs until it is stopped; tests/runner/secrets.rs",
    ),
    (
        "SPIDERQ_API_KEY=$KEY spiderq runner --project 123",
        "runs until it is stopped; tests/runner/",
    ),
    ("SPIDERQ_API_KEY=… spiderq runner --project 123", "runs until it is stopped; tests/runner/"),
    ("cd myproject", "is a folder of the reader; tests/runner/ has one"),
    ("pip install scrapy scrapinghub-entrypoint-scrapy", INSTALLS),
    ("pip install grpcio grpcio-reflection", INSTALLS),
    ("pip install schemathesis", INSTALLS),
    ("pip install grpcio grpcio-tools grpcio-status", INSTALLS),
    (GO_PACKAGES, INSTALLS),
    ("apt-get install curl jq", INSTALLS),
    ("npm install @bufbuild/buf && export PATH=$PWD/node_modules/.bin:$PATH", INSTALLS),
    ("npm install @grpc/grpc-js @grpc/proto-loader", INSTALLS),
    ("npm ci --ignore-scripts && apt-get install chromium", INSTALLS),
    ("node tests/clients/browser/run.mjs", "takes long; clients.rs runs it"),
    ("npm ci --ignore-scripts", INSTALLS),
    ("tests/clients/go/run.sh", "clients.rs runs it"),
    ("tests/clients/typescript/run.sh", "clients.rs runs it"),
    ("tests/clients/python_generated/run.sh", "clients.rs runs it"),
    ("tests/clients/openapi/check.sh", "takes minutes; openapi.rs runs it"),
    (PICTURES, "takes minutes and needs faketime; tests/page/ looks at the same screens"),
];

/// A command of a page, without its comment, and what is shown under it.
#[derive(Debug, Default)]
struct Shown {
    command: String,
    output: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Names and texts of README and the pages in `docs/`.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    files.sort();
    files.insert(0, root().join("README.md"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// What stands between the fences of `language`.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let parts = page.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(language)).collect()
}

/// The commands of a console block, in order.
fn commands(block: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("$ ") {
            let mut command = command.split("  #").next().unwrap().trim_end().to_owned();
            while command.ends_with('\\') {
                command.push('\n');
                command.push_str(lines.next().unwrap());
            }
            shown.push(Shown { command, output: String::new() });
        } else if let Some(last) = shown.last_mut() {
            last.output.push_str(line);
            last.output.push('\n');
        }
    }
    shown
}

fn is_run(shown: &Shown) -> bool {
    NOT_RUN.iter().all(|(command, _)| *command != shown.command)
}

fn serve(folder: &Path) -> Program {
    Program::serve(&sqlite_url(folder), &["--public-url", ADDRESS])
}

/// Runs the commands of a block in one shell, and compares what is shown. Returns how many show
/// something.
async fn run_block(server: &Program, commands: &[Shown]) -> usize {
    let mut script = format!(
        "set -e; cd '{}'; export KEY=$SPIDERQ_KEY SPIDERQ_SERVER=$SPIDERQ_URL PATH='{}':$PATH\n",
        root().display(),
        program().parent().unwrap().display(),
    );
    for Shown { command, .. } in commands {
        let command = command.replace(ADDRESS, &server.url).replace('…', Stack::KEY);
        let command = command.replace(SHOWN_KEY, Stack::KEY);
        // A command that asks gets the key, and then a yes.
        script += &match command.starts_with("shub login") {
            true => format!("yes \"$KEY\ny\" | {{ {command}; }}"),
            false => command,
        };
        script += &format!("\nprintf '%s' '{END}'\n");
    }
    let printed = run_client(&server.url, Stack::KEY, "bash", &["-c", &script]).await;
    let compared = commands.iter().zip(printed.split(END)).filter(|(shown, printed)| {
        let Shown { command, output } = shown;
        let is_shown = !output.is_empty();
        assert!(!is_shown || printed.trim_end() == output.trim_end(), "{command}\n{printed}");
        is_shown
    });
    compared.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_the_readme_print_what_it_shows() {
    need(&["curl", "buf"]);
    let (_, readme) = pages().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut compared = 0;
    for block in blocks(&readme, "console\n") {
        let commands: Vec<Shown> = commands(block).into_iter().filter(is_run).collect();
        compared += run_block(&server, &commands).await;
    }
    assert!(compared >= 5, "{compared} outputs in README");
}

/// Each block on a new server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_the_pages_in_docs_run() {
    need(&["curl", "buf", "jq", "shub", "node"]);
    for (page, text) in pages().iter().skip(1) {
        for block in blocks(text, "console\n") {
            let commands: Vec<Shown> = commands(block).into_iter().filter(is_run).collect();
            if !commands.is_empty() {
                eprintln!("{page}: {commands:?}");
                let folder = tempfile::tempdir().unwrap();
                run_block(&serve(folder.path()), &commands).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_programs_of_the_pages_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    for (page, text) in pages() {
        for program in blocks(&text, "python\n") {
            let program =
                program.replace(ADDRESS, &server.url).replace("http://HOST:PORT", &server.url);
            let known = format!("KEY = {:?}\nURL = {:?}", Stack::KEY, server.url);
            let import = "from scrapinghub import ScrapinghubClient";
            let program = format!("{known}\n{import}\n{program}");
            eprintln!("{page}:\n{program}");
            run_client(&server.url, Stack::KEY, "python", &["-c", &program]).await;
        }
    }
}

#[test]
fn every_command_that_is_not_run_is_still_shown() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|(_, text)| blocks(text, "console\n"));
    let shown: BTreeSet<String> = blocks.flat_map(commands).map(|shown| shown.command).collect();
    let stale = NOT_RUN.iter().filter(|(command, _)| !shown.contains(*command));
    assert_eq!(stale.map(|(command, _)| *command).collect::<Vec<_>>(), [""; 0]);
}
