//! Spiders over gRPC: named by number or by name, made, and changed field by field.

use spiderq_proto::{FieldMask, v1::*};
use spiderq_tests::{Grpc, Stack, by_name, by_number, item_error, job_of, pushed_key};
use tonic::{Code, Status};

use crate::{helpers::scheduled, on_each_store};

async fn ensure(grpc: &Grpc, name: &str) -> Spider {
    let request = EnsureSpiderRequest { project: 1, name: name.to_owned() };
    let answer = grpc.projects().ensure_spider(request).await.unwrap();
    answer.into_inner().spider.unwrap()
}

async fn get(grpc: &Grpc, spider: SpiderRef) -> Result<Spider, Status> {
    let request = GetSpiderRequest { project: 1, spider: Some(spider) };
    let answer = grpc.projects().get_spider(request).await?;
    Ok(answer.into_inner().spider.unwrap())
}

#[tokio::test]
async fn a_spider_is_made_once_and_found_by_number_and_by_name() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let missing = get(&grpc, by_name("books")).await.unwrap_err();
        assert_eq!(missing.code(), Code::NotFound);
        let books = ensure(&grpc, "books").await;
        let expected = Spider {
            project: 1,
            id: 1,
            name: "books".to_owned(),
            r#type: SpiderType::Manual.into(),
            project_name: "1".to_owned(),
            ..Spider::default()
        };
        assert_eq!(books, expected);
        assert_eq!(ensure(&grpc, "books").await, expected);
        let script = ensure(&grpc, "py:report.py").await;
        assert_eq!((script.id, script.r#type()), (2, SpiderType::Script));
        for spider in [by_number(1), by_name("books")] {
            assert_eq!(get(&grpc, spider).await.unwrap(), expected);
        }
        for spider in [by_number(3), by_name("Books")] {
            assert_eq!(get(&grpc, spider).await.unwrap_err().code(), Code::NotFound);
        }
        // A read makes none.
        let list = ListSpidersRequest { project: 1, with_total_size: true, ..Default::default() };
        let list = grpc.projects().list_spiders(list).await.unwrap().into_inner();
        assert_eq!((list.spiders.len(), list.total_size), (2, 2));
        assert_eq!(stack.http().get("/ids/1/spider/books").await.ok().json(), 1);
    })
    .await;
}

#[tokio::test]
async fn jobs_are_scheduled_pushed_and_started_by_the_number_of_their_spider() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        for name in ["a", "b"] {
            ensure(&grpc, name).await;
        }
        let of = |id| NewJob { spider: Some(by_number(id)), ..NewJob::default() };
        let schedule =
            |id| ScheduleJobRequest { project: 1, job: Some(of(id)), ..Default::default() };
        assert_eq!(scheduled(&grpc, schedule(2)).await.unwrap(), "1/2/1");
        let missing = scheduled(&grpc, schedule(3)).await.unwrap_err();
        assert_eq!((missing.code(), missing.message()), (Code::NotFound, "there is no spider 1/3"));
        let jobs = vec![of(1), of(3), job_of("c")];
        let push = PushJobsRequest { project: 1, jobs, ..Default::default() };
        let pushed = grpc.queue().push_jobs(push).await.unwrap().into_inner().results;
        let pushed: Vec<_> = pushed.into_iter().map(pushed_key).collect();
        assert_eq!(pushed[0].as_ref().unwrap(), "1/1/1");
        let refused = item_error(pushed[1].as_ref().unwrap_err());
        let told = "there is no spider 1/3".to_owned();
        assert_eq!(refused, (Code::NotFound, "NOT_FOUND".to_owned(), told));
        assert_eq!(pushed[2].as_ref().unwrap(), "1/3/1");

        let start = async |spiders: Vec<SpiderRef>| {
            let request = StartJobRequest { project: 1, spiders, ..Default::default() };
            let started = grpc.queue().start_job(request).await.unwrap().into_inner();
            started.job.map(|job| (job.key, job.spider_name, job.spider_id))
        };
        let found = start(vec![by_number(99), by_number(1)]).await;
        assert_eq!(found, Some(("1/1/1".to_owned(), "a".to_owned(), 1)));
        assert_eq!(start(vec![by_number(99)]).await, None);
        let found = start(vec![by_number(3), by_name("a")]).await;
        assert_eq!(found, Some(("1/3/1".to_owned(), "c".to_owned(), 3)));
    })
    .await;
}

#[tokio::test]
async fn summaries_and_last_jobs_may_be_of_one_spider() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let state = JobState::Finished.into();
        let jobs = ["a", "b", "b"].map(|name| NewJob { state, ..job_of(name) });
        let push = PushJobsRequest { project: 1, jobs: jobs.to_vec(), ..Default::default() };
        grpc.queue().push_jobs(push).await.unwrap();
        let cases: [(Option<SpiderRef>, i64, &[&str]); 6] = [
            (Some(by_name("b")), 2, &["1/2/2"]),
            (Some(by_number(2)), 2, &["1/2/2"]),
            (Some(by_number(1)), 1, &["1/1/1"]),
            (None, 3, &["1/1/1", "1/2/2"]),
            (Some(by_number(99)), 0, &[]),
            (Some(by_name("z")), 0, &[]),
        ];
        for (spider, count, last) in cases {
            let request = SummarizeQueueRequest {
                project: 1,
                spider: spider.clone(),
                state,
                jobs_per_state: Some(0),
                ..Default::default()
            };
            let summary = grpc.queue().summarize_queue(request).await.unwrap().into_inner();
            let [finished] = &summary.states[..] else { panic!("{summary:?}") };
            assert_eq!((finished.count, finished.jobs.len()), (count, 0));
            let request = ListLastJobsRequest { project: 1, spider, ..Default::default() };
            let jobs = grpc.queue().list_last_jobs(request).await.unwrap().into_inner().jobs;
            let keys: Vec<&str> = jobs.iter().map(|job| job.key.as_str()).collect();
            assert_eq!(keys, last);
        }
    })
    .await;
}

async fn update(grpc: &Grpc, mask: &[&str], values: Spider) -> Result<Spider, Status> {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let request = UpdateSpiderRequest {
        project: 1,
        spider: Some(by_name("s")),
        values: Some(values),
        update_mask: Some(FieldMask { paths }),
        tag_changes: None,
    };
    let answer = grpc.projects().update_spider(request).await?;
    Ok(answer.into_inner().spider.unwrap())
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

/// What the mask does not name stays; what it names and the values do not set is emptied.
#[tokio::test]
async fn an_update_changes_the_fields_of_its_mask() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        assert_eq!(
            update(&grpc, &["tags"], Spider::default()).await.unwrap_err().code(),
            Code::NotFound
        );
        ensure(&grpc, "s").await;
        let values = Spider { tags: tags(&["t", "u"]), max_running: Some(3), ..Spider::default() };
        let spider = update(&grpc, &["tags", "max_running"], values.clone()).await.unwrap();
        assert_eq!((spider.tags, spider.max_running), (tags(&["t", "u"]), Some(3)));
        let none = Spider { max_running: Some(0), ..Spider::default() };
        let spider = update(&grpc, &["max_running"], none).await.unwrap();
        assert_eq!((spider.tags, spider.max_running), (tags(&["t", "u"]), Some(0)));
        let spider = update(&grpc, &["max_running"], Spider::default()).await.unwrap();
        assert_eq!((spider.tags, spider.max_running), (tags(&["t", "u"]), None));
        let other = Spider { tags: tags(&["u", "x"]), ..Spider::default() };
        assert_eq!(update(&grpc, &["tags"], other).await.unwrap().tags, tags(&["u", "x"]));
        let bad = Spider { max_running: Some(-1), tags: tags(&["y"]), ..Spider::default() };
        let refused = update(&grpc, &["tags", "max_running"], bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let changes = TagChanges { add: tags(&["y"]), remove: tags(&["u"]), replace: false };
        let request = UpdateSpiderRequest {
            project: 1,
            spider: Some(by_number(1)),
            tag_changes: Some(changes),
            ..Default::default()
        };
        let changed = grpc.projects().update_spider(request).await.unwrap().into_inner();
        assert_eq!(changed.spider.unwrap().tags, tags(&["x", "y"]));
        assert_eq!(update(&grpc, &["tags"], Spider::default()).await.unwrap().tags, tags(&[]));
        assert_eq!(
            update(&grpc, &["name"], values).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    })
    .await;
}
