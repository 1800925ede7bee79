//! The fields of a job over gRPC that are read out of its metadata, in both views.

use spiderq_proto::v1::*;
use spiderq_tests::{Stack, by_keys, job_of};

use crate::{helpers::texts, on_each_store};

#[tokio::test]
async fn a_job_has_typed_fields_beside_its_exact_metadata() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let job = NewJob {
            spider_args: texts([("a", "1")]),
            cmd_args: Some("x 'y z'".to_owned()),
            environment: texts([("E", "e")]),
            job_settings_json: r#"{"S": 1.0}"#.to_owned(),
            version: "v1".to_owned(),
            // A field above wins.
            metadata_json: texts([
                ("version", "\"v0\""),
                ("n", "[ 1.0 ]"),
                ("scrapystats", r#"{"x": 2}"#),
            ]),
            ..job_of("py:report.py")
        };
        let request = ScheduleJobRequest { project: 1, job: Some(job), ..Default::default() };
        let made = grpc.jobs().schedule_job(request).await.unwrap().into_inner().job.unwrap();
        let request = GetJobRequest { key: made.key.clone() };
        let job = grpc.jobs().get_job(request).await.unwrap().into_inner().job.unwrap();
        assert_eq!(made, job, "as it was made, in full view");
        assert_eq!((job.project, job.spider_id, job.spider_name.as_str()), (1, 1, "py:report.py"));
        assert_eq!((job.spider_type(), job.state()), (SpiderType::Script, JobState::Pending));
        assert_eq!(job.state_time, job.pending_time);
        assert_eq!((job.running_time, job.finished_time, job.deleted_time), (None, None, None));
        assert_eq!((job.spider_args, job.environment), (texts([("a", "1")]), texts([("E", "e")])));
        assert_eq!((job.cmd_args.as_str(), job.version.as_str()), ("x 'y z'", "v1"));
        assert_eq!(job.job_settings_json, r#"{"S": 1.0}"#);
        assert_eq!(job.scrapystats_json, r#"{"x": 2}"#);
        assert_eq!(
            (job.metadata_json["version"].as_str(), job.metadata_json["n"].as_str()),
            ("\"v1\"", "[ 1.0 ]")
        );
        assert_eq!(job.metadata_json["job_cmd"], r#"["py:report.py","x","y z"]"#);

        let list = ListJobsRequest {
            filter: by_keys([made.key]),
            metadata_fields: vec!["n".to_owned()],
            ..Default::default()
        };
        let row = grpc.jobs().list_jobs(list).await.unwrap().into_inner().jobs.remove(0);
        assert_eq!((row.version.as_str(), &row.spider_args), ("v1", &texts([("a", "1")])));
        assert_eq!(row.metadata_json, texts([("n", "[ 1.0 ]")]));
        assert_eq!((row.cmd_args.as_str(), row.environment.len()), ("", 0));
        assert_eq!((row.job_settings_json.as_str(), row.scrapystats_json.as_str()), ("", ""));
    })
    .await;
}
