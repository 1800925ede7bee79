//! What finished jobs take in Redis and SQLite: three tags, a few fields, and 1 KB of statistics.

use std::{path::Path, sync::Arc};

use spiderq_core::{
    model::{
        Actor, Counters, Fence, JobKey, JsonText, Metadata, Millis, Priority, ProjectId,
        SpiderName, State, Tags, Units,
    },
    store::{Change, Effect, Holder, MAX_BATCH, NewAttempt, NewJob, Pushed, Step, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::redis_server::RedisServer;

use crate::samples::{CUSTOM, Random, stats};

const NOW: Millis = Millis(1_700_000_000_000);
const STATS_BYTES: usize = 1_024;

pub(crate) async fn measure(jobs: usize) {
    println!("\n{jobs} finished jobs, bytes each");
    let server = RedisServer::start(&[]);
    let store = open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap();
    let before = used_memory(&server);
    let json = fill(&store, jobs).await;
    println!("their own JSON   {:>6}", json / jobs);
    println!(
        "Redis            {:>6}  growth of used_memory",
        (used_memory(&server) - before) / jobs
    );
    for (what, key) in [("core hash", "j"), ("larger metadata", "x")] {
        let bytes: usize = (1..=100)
            .map(|job| {
                let key = format!("sq:{{1}}:{key}:1/{job}");
                server.command::<Option<usize>>(&["MEMORY", "USAGE", &key]).unwrap_or(0)
            })
            .sum();
        println!("                 {:>6}  of these {what} (MEMORY USAGE)", bytes / 100);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let url = format!("sqlite:{}", path.display());
    let store = open(&StoreUrl::parse(&url).unwrap()).await.unwrap();
    let before = file_bytes(&path);
    fill(&store, jobs).await;
    println!("SQLite           {:>6}  growth of the file", (file_bytes(&path) - before) / jobs);
}

fn used_memory(server: &RedisServer) -> usize {
    let info: String = server.command(&["INFO", "memory"]);
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

fn file_bytes(path: &Path) -> usize {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    usize::try_from(path.metadata().unwrap().len()).unwrap()
}

/// Takes jobs through their lives; the bytes of their JSON in all.
async fn fill(store: &Arc<dyn Store>, jobs: usize) -> usize {
    let project = ProjectId::new(1).unwrap();
    let mut random = Random(7);
    let mut json = 0;
    for _ in 0..jobs.div_ceil(MAX_BATCH) {
        let new = (0..MAX_BATCH).map(|_| pending(&mut random)).collect();
        let pushed = store.push(project, new, NOW, None).await.unwrap();
        let keys: Vec<JobKey> = pushed.iter().filter_map(added).collect();
        change(store, project, &keys, |_| starting()).await;
        change(store, project, &keys, |_| finishing(&mut random)).await;
        for job in store.get(&keys, &spiderq_core::model::FieldSelection::Full).await.unwrap() {
            json += json_bytes(&job.unwrap());
        }
    }
    json
}

fn added(pushed: &Pushed) -> Option<JobKey> {
    if let Pushed::Added(key) = pushed { Some(*key) } else { None }
}

async fn change(
    store: &Arc<dyn Store>,
    project: ProjectId,
    keys: &[JobKey],
    mut effect: impl FnMut(JobKey) -> Effect,
) {
    let change = |key: &JobKey| Change {
        key: *key,
        holder: Holder::Anyone,
        unchanged_since: None,
        on: [Step::Apply(0); 4],
        effects: vec![effect(*key)],
    };
    let changes = keys.iter().map(change).collect();
    store.change(project, changes, true, NOW, None).await.unwrap();
}

fn pending(random: &mut Random) -> NewJob {
    let mut metadata = Metadata::default();
    metadata.set("spider_type", JsonText::string("manual"));
    metadata.set("version", JsonText::string("1.0"));
    let argument = format!("{{\"category\":\"c{}\"}}", random.below(1_000));
    metadata.set("spider_args", JsonText::parse(&argument).unwrap());
    NewJob {
        spider: SpiderName::parse("books").unwrap(),
        state: State::Pending,
        scheduled: true,
        spider_tags: false,
        actor: Actor::parse("ann").unwrap(),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::parse(["daily", "books", "production"]).unwrap(),
        unique: None,
        counters: Counters::default(),
        metadata,
        start: None,
    }
}

fn starting() -> Effect {
    Effect {
        enter: Some((State::Running, Actor::parse("runner").unwrap())),
        start: Some(NewAttempt {
            fence: Fence::random().unwrap(),
            lease_expires: Some(Millis(NOW.0 + 30_000)),
        }),
        ..Effect::default()
    }
}

fn finishing(random: &mut Random) -> Effect {
    let mut set = Metadata::default();
    set.set("close_reason", JsonText::string("finished"));
    set.set("scrapystats", JsonText::parse(&stats(random, STATS_BYTES, &CUSTOM)).unwrap());
    Effect {
        release: true,
        enter: Some((State::Finished, Actor::parse("runner").unwrap())),
        counters: Counters {
            items: Some(1_000),
            pages: Some(1_500),
            logs: Some(2_000),
            errors: Some(3),
        },
        set,
        ..Effect::default()
    }
}

/// As `GET /jobs/P/S/J` would say it: the fields of the job beside its metadata, about.
fn json_bytes(job: &spiderq_core::model::Job) -> usize {
    let fields = job.metadata.iter();
    let metadata: usize =
        fields.map(|(name, value)| name.as_str().len() + value.as_str().len() + 4).sum();
    let tags: usize = job.tags.iter().map(|tag| tag.as_str().len() + 3).sum();
    let core = concat!(
        r#"{"completed_by":"runner","finished_time":1700000000000,"pending_time":1700000000000,"#,
        r#""priority":2,"project":1,"running_time":1700000000000,"scheduled_by":"ann","#,
        r#""spider":"books","started_by":"runner","state":"finished","tags":[],"units":1}"#,
    );
    core.len() + tags + metadata
}
