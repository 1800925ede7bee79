//! Jobs that are not Scrapy's: any program, by a command template.

use serde_json::{Value, json};
use spiderq_tests::StoreKind;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_gets_the_job_and_its_exit_code_is_the_outcome() {
    let world = World::start(StoreKind::Sqlite).await;
    let environment = ("environment", r#"{"COLOUR": "blue"}"#);
    let good = world.schedule("task", &[("n", "1 2"), environment]).await;
    let bad = world.schedule("task", &[("n", "$(exit)"), environment]).await;
    let script = r#"sh -c 'echo "$0 $1 $COLOUR $SPIDERQ_API_KEY$SHUB_JOBKEY"; echo ouch >&2;
        echo "ITM {\"n\":1}" > $SHUB_FIFO_PATH; test "$1" = "n=1 2"' {spider} {args}"#;
    world.runner_of(&["--once", "--allow-env", "COLOUR", "--command", script]).join();
    for (job, n, reason) in [(good, "1 2", "finished"), (bad, "$(exit)", "failed")] {
        let metadata = world.metadata(&job).await;
        assert_eq!(metadata["close_reason"], reason);
        assert!(metadata.get("version").is_none(), "nobody knows it");
        let log = world.lines(&job, "log.1.jl");
        let mut messages: Vec<&Value> = log.iter().map(|line| &line["message"]).collect();
        // Two pipes come in no order.
        messages.sort_by_key(|message| message.to_string());
        let out = format!("[stdout] task n={n} blue {job}");
        assert_eq!(messages, ["[stderr] ouch", out.as_str()]);
        assert_eq!(world.lines(&job, "items.1.jl"), [json!({"n": 1})]);
        let row = world.row(&job).await;
        let counted = ["items_scraped", "responses_received", "logs", "errors_count"];
        assert_eq!(counted.map(|name| &row[name]), [&json!(1), &json!(0), &json!(2), &json!(0)]);
    }
}
