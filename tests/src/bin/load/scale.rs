//! Lists, counts, summaries and updates in one project of very many jobs: `--jobs` finished ones, a
//! tenth as many pending and a hundredth running.

use clap::Args;
use spiderq_proto::v1::{JobState, NewJob};
use spiderq_tests::{Http, Response, job_of};

use crate::{
    Target, at_least,
    figures::Figures,
    fill::{PROJECT, fill, finished, tagged},
    redis_watch::RedisWatch,
    target::StoreArgs,
    times::Times,
};

/// Calls of each kind.
const CALLS: usize = 7;
/// Jobs that lose the tag `all` in the end.
const LACKING: usize = 1_000;
/// Jobs of the spider that is updated.
const UPDATED: usize = 5_000;

/// How many jobs.
#[derive(Debug, Args)]
pub(crate) struct Scale {
    #[command(flatten)]
    store: StoreArgs,
    /// Finished jobs; 100,000 unless said otherwise.
    #[arg(long, value_parser = at_least(100))]
    jobs: Option<usize>,
    /// Leave out the 1 KB of statistics of each finished job.
    #[arg(long)]
    small: bool,
}

pub(crate) async fn measure(args: &Scale, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 100_000, 400);
    let target = Target::on(&args.store);
    let keys = fill_all(args, jobs, &target, figures).await;
    target.forget_peak();
    let mut run = Run { http: target.http(), target: &target, jobs, figures };
    run.reads().await;
    run.updates().await;
    run.lacking(&keys).await;
    run.figures.of("scale", target.store(), jobs).add(
        "server's peak memory under these calls",
        target.peak_memory() / 1e6,
        "MB",
    );
}

/// Fills the project; the keys of the finished jobs.
async fn fill_all(
    args: &Scale,
    jobs: usize,
    target: &Target,
    figures: &mut Figures,
) -> Vec<String> {
    let what = format!("scale on {}", target.store());
    let before = target.stored_bytes();
    let start = std::time::Instant::now();
    let keys = fill(target, &what, jobs, |at| finished_job(at, jobs, args.small)).await;
    let rate = jobs as f64 / start.elapsed().as_secs_f64();
    let bytes = (target.stored_bytes() - before) / jobs as f64;
    for (state, count) in [(JobState::Pending, jobs / 10), (JobState::Running, jobs / 100)] {
        let job = |_| NewJob { state: state.into(), ..job_of("queued") };
        fill(target, &what, count, job).await;
    }
    let mut series = figures.of("scale", target.store(), jobs);
    series.add("finished jobs pushed a second", rate, "jobs/s");
    series.add("bytes a finished job", bytes, "bytes");
    series.add("server's peak memory while they were pushed", target.peak_memory() / 1e6, "MB");
    keys
}

/// Tags: one that all have, one that 1 in 50 has, one that 100 have.
fn finished_job(at: usize, jobs: usize, small: bool) -> NewJob {
    let every = jobs / UPDATED.min(jobs / 4);
    let spider = match at {
        updated if updated % every == 0 && updated / every < UPDATED => "updated".to_owned(),
        other => format!("spider{}", other % 10),
    };
    let tags = ["all".to_owned(), format!("fiftieth-{}", at % 50), format!("rare-{}", at / 100)];
    tagged(finished(&spider, at, small), tags)
}

struct Run<'a> {
    http: Http,
    target: &'a Target,
    jobs: usize,
    figures: &'a mut Figures,
}

impl Run<'_> {
    async fn reads(&mut self) {
        let jobs = self.jobs;
        let jobq = |path: &str| format!("/jobq/{PROJECT}/{path}");
        let half = (jobs / 2).to_string();
        let page = |at: usize| jobs.saturating_sub(at).min(1_000);
        self.list("list, first 1,000", &jobq("list?count=1000"), page(0)).await;
        let path = jobq(&format!("list?count=1000&start={half}"));
        self.list("list, 1,000 from the middle (start=)", &path, page(jobs / 2)).await;
        let path = jobq("list?count=1000&lacks_tag=all");
        self.list("list lacks_tag, where all have it", &path, 0).await;
        let path = "has_tag=all&lacks_tag=fiftieth-7&count=10";
        let path = format!("/api/jobs/list.json?project={PROJECT}&{path}");
        let total = jobs - jobs / 50;
        self.read("list.json has_tag, lacks_tag: 10, total", &path, |response| {
            assert_eq!(response.json()["total"], total);
        })
        .await;
        let path = jobq("count?lacks_tag=rare-1");
        self.count("count lacks_tag, of a rare tag", &path, jobs - 100).await;
        let path = jobq("count?has_tag=fiftieth-1&has_tag=fiftieth-2");
        self.count("count has_tag, one of two", &path, jobs / 25).await;
        self.count("count", &jobq("count"), jobs).await;
        self.list("jobq summary", &jobq("summary"), 3).await;
        let path = format!("/projects/{PROJECT}/jobsummary");
        self.read("project jobsummary", &path, |response| {
            assert_eq!(response.json()["finished"], jobs);
        })
        .await;
        let path = format!("/spiders/{PROJECT}/lastjobsummary");
        self.list("spiders lastjobsummary", &path, 11).await;
    }

    /// Each call adds another tag to all jobs of one spider.
    async fn updates(&mut self) {
        let updated = UPDATED.min(self.jobs / 4);
        let (http, mut round) = (self.http.clone(), 0);
        let project = PROJECT.to_string();
        self.time(&format!("update of {updated} jobs of a spider"), 3, async || {
            round += 1;
            let tag = format!("round-{round}");
            let form = [("project", project.as_str()), ("spider", "updated"), ("add_tag", &tag)];
            let answer = http.form("/api/jobs/update.json", &form).await.ok();
            assert_eq!(answer.json()["count"], updated);
        })
        .await;
    }

    /// Takes the tag that all have from 1,000 jobs, spread evenly, and lists these. (A quarter of
    /// the jobs, where there are fewer than 4,000.)
    async fn lacking(&mut self, keys: &[String]) {
        let (project, count) = (PROJECT.to_string(), LACKING.min(self.jobs / 4));
        let mut form = vec![("project", project.as_str()), ("remove_tag", "all")];
        let lacking = keys.iter().step_by(self.jobs / count).take(count);
        form.extend(lacking.map(|key| ("job", key.as_str())));
        let answer = self.http.form("/api/jobs/update.json", &form).await.ok();
        assert_eq!(answer.json()["count"], count);
        let path = format!("/jobq/{PROJECT}/list?count=1000&lacks_tag=all");
        self.list("list lacks_tag, where 1,000 lack it", &path, count).await;
    }

    async fn list(&mut self, name: &str, path: &str, lines: usize) {
        self.read(name, path, |response| assert_eq!(response.text().lines().count(), lines)).await;
    }

    async fn count(&mut self, name: &str, path: &str, count: usize) {
        self.read(name, path, |response| assert_eq!(response.json(), count)).await;
    }

    async fn read(&mut self, name: &str, path: &str, check: impl Fn(&Response)) {
        let http = self.http.clone();
        self.time(name, CALLS, async || check(&http.get(path).await.ok())).await;
    }

    /// Times calls, and what Redis does for them.
    async fn time(&mut self, name: &str, calls: usize, call: impl AsyncFnMut()) {
        let watch =
            self.target.private_redis().map(|redis| RedisWatch::begin(redis).before_others());
        let times = Times::of(calls, call).await;
        let store = self.target.store();
        self.figures.of("scale", store, self.jobs).add(name, times.median(), "ms");
        if let Some(watch) = watch {
            let longest = watch.longest() as f64 / 1e3;
            let commands = watch.commands() as f64 / times.count() as f64;
            self.figures.of("scale_commands", store, self.jobs).add(name, commands, "commands");
            self.figures.of("scale_longest", store, self.jobs).add(name, longest, "ms");
        }
    }
}
