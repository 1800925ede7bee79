//! One job a call over HTTP: `schedule.json` of scrapyd, `/api/run.json` of spiderq, both with their
//! jobs in SQLite. No job is started.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use spiderq_tests::{Http, client_file, eventually, free_port};
use tempfile::TempDir;

use super::{Processes, add, programs::Programs};
use crate::{
    Target,
    figures::Figures,
    run::run,
    target::{Store, StoreArgs},
};

/// Clients at once.
const CLIENTS: usize = 10;

pub(super) async fn spiderq(figures: &mut Figures, calls: usize) {
    let target = Target::on(&StoreArgs { store: Store::Sqlite, durable: false });
    let processes = Processes::of(&target);
    schedule(&target.http(), "/api/run.json", ("project", "1"), calls).await;
    add(figures, "peers_schedule", "spiderq, run.json", calls, &processes.run());
}

pub(super) async fn scrapyd(figures: &mut Figures, programs: &Programs, calls: usize) {
    let server = Scrapyd::start(programs);
    let http = Http::new(&format!("http://127.0.0.1:{}", server.port));
    eventually("scrapyd answers", async || http.try_post("/", String::new()).await).await;
    // Asks a process of Scrapy for the spiders, once.
    schedule(&http, "/schedule.json", ("project", "shop"), 1).await;
    let processes = Processes::of_servers(vec![server.child.id()]);
    schedule(&http, "/schedule.json", ("project", "shop"), calls).await;
    add(figures, "peers_schedule", "scrapyd, schedule.json", calls, &processes.run());
}

async fn schedule(http: &Http, path: &'static str, project: (&'static str, &str), calls: usize) {
    let mut client = 0;
    let connect = async || {
        client += 1;
        let (http, project, mut number) = (http.clone(), (project.0, project.1.to_owned()), 0);
        async move || {
            number += 1;
            let page = format!("{client}-{number}");
            let form = [(project.0, project.1.as_str()), ("spider", "books"), ("page", &page)];
            let answer = http.form(path, &form).await.ok();
            assert_eq!(answer.json()["status"], "ok", "{answer}");
        }
    };
    run(CLIENTS, calls, None, connect).await;
}

/// Killed when dropped.
struct Scrapyd {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Scrapyd {
    fn start(programs: &Programs) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let path = folder.path().to_str().expect("a path of text");
        let settings = programs.file("scrapyd.conf").replace("PORT", &port.to_string());
        fs::write(folder.path().join("scrapyd.conf"), settings.replace("FOLDER", path)).unwrap();
        let project = client_file("../data/scrapy_project");
        let child = Command::new(programs.python_command("scrapyd"))
            .current_dir(folder.path())
            .env("PYTHONPATH", project)
            .env("SCRAPY_SETTINGS_MODULE", "shop.settings")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("scrapyd");
        Self { child, port, _folder: folder }
    }
}

impl Drop for Scrapyd {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
