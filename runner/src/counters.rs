//! The counters of a running job, shared by the sink that counts, the heartbeat that sends them
//! and the terminal that shows them.

use std::sync::atomic::{AtomicI64, Ordering};

use spiderq_proto::v1::JobCounters;

use crate::message::LEVEL_ERROR;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    items: AtomicI64,
    pages: AtomicI64,
    logs: AtomicI64,
    errors: AtomicI64,
}

impl Counters {
    pub(crate) fn item(&self) {
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn log(&self, level: i64) {
        self.logs.fetch_add(1, Ordering::Relaxed);
        if level >= LEVEL_ERROR {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> JobCounters {
        let read = |counter: &AtomicI64| Some(counter.load(Ordering::Relaxed));
        JobCounters {
            items: read(&self.items),
            pages: read(&self.pages),
            logs: read(&self.logs),
            errors: read(&self.errors),
        }
    }
}

/// The counters in Scrapy's statistics, which leave out a count that was never raised: it is 0.
pub(crate) fn from_stats(stats: &str) -> Option<JobCounters> {
    let stats: serde_json::Map<String, serde_json::Value> = serde_json::from_str(stats).ok()?;
    let stat = |name: &str| stats.get(name).and_then(serde_json::Value::as_i64);
    let logs = stats
        .iter()
        .filter(|(name, _)| name.starts_with("log_count/"))
        .filter_map(|(_, count)| count.as_i64());
    let errors = ["log_count/ERROR", "log_count/CRITICAL"];
    Some(JobCounters {
        items: stat("item_scraped_count").or(Some(0)),
        pages: stat("response_received_count").or(Some(0)),
        logs: Some(logs.sum()),
        errors: Some(errors.into_iter().filter_map(stat).sum()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_logs_of_level_error_and_above() {
        let counters = Counters::default();
        counters.item();
        counters.page();
        counters.page();
        for level in [10, 20, 30, 40, 50] {
            counters.log(level);
        }
        let expected =
            JobCounters { items: Some(1), pages: Some(2), logs: Some(5), errors: Some(2) };
        assert_eq!(counters.snapshot(), expected);
    }

    #[test]
    fn statistics_hold_counters() {
        let stats = r#"{"item_scraped_count":3,"log_count/INFO":10,"log_count/ERROR":2,
            "log_count/CRITICAL":1,"start_time":1566311819357.0}"#;
        let expected =
            JobCounters { items: Some(3), pages: Some(0), logs: Some(13), errors: Some(3) };
        assert_eq!(from_stats(stats), Some(expected));
    }
}
