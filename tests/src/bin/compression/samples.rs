//! Synthetic metadata of jobs, as Scrapy and its users write it: what the dictionary is made of,
//! and what the measurements compress. Names are those of Scrapy's documentation and of widely used
//! plugins; numbers are random, from a fixed seed, so that every run makes the same.

/// Counters that nearly every crawl has.
const ALWAYS: [&str; 15] = [
    "downloader/request_bytes",
    "downloader/request_count",
    "downloader/request_method_count/GET",
    "downloader/response_bytes",
    "downloader/response_count",
    "downloader/response_status_count/200",
    "log_count/DEBUG",
    "log_count/INFO",
    "memusage/max",
    "memusage/startup",
    "response_received_count",
    "scheduler/dequeued",
    "scheduler/dequeued/disk",
    "scheduler/enqueued",
    "scheduler/enqueued/disk",
];
/// Groups of counters that come together.
const SOMETIMES: [&[&str]; 26] = [
    &["item_scraped_count"],
    &["log_count/WARNING"],
    &["log_count/ERROR"],
    &["request_depth_max"],
    &["dupefilter/filtered"],
    &["scheduler/dequeued/memory", "scheduler/enqueued/memory"],
    &["robotstxt/request_count", "robotstxt/response_count", "robotstxt/response_status_count/200"],
    &["robotstxt/forbidden", "robotstxt/response_status_count/404"],
    &["downloader/response_status_count/404", "httperror/response_ignored_count"],
    &["httperror/response_ignored_status_count/404"],
    &["httperror/response_ignored_status_count/403", "downloader/response_status_count/403"],
    &["downloader/response_status_count/301", "downloader/response_status_count/302"],
    &["downloader/response_status_count/429", "downloader/response_status_count/500"],
    &["downloader/response_status_count/503", "downloader/response_status_count/504"],
    &["retry/count", "retry/reason_count/500 Internal Server Error"],
    &["retry/max_reached", "retry/reason_count/503 Service Unavailable"],
    &[
        "downloader/exception_count",
        "downloader/exception_type_count/twisted.internet.error.TimeoutError",
        "retry/reason_count/twisted.internet.error.TimeoutError",
    ],
    &[
        "downloader/exception_type_count/twisted.web._newclient.ResponseNeverReceived",
        "retry/reason_count/twisted.web._newclient.ResponseNeverReceived",
        "downloader/exception_type_count/twisted.internet.error.ConnectionRefusedError",
        "downloader/exception_type_count/scrapy.exceptions.IgnoreRequest",
    ],
    &["offsite/domains", "offsite/filtered"],
    &["item_dropped_count", "item_dropped_reasons_count/DropItem"],
    &["httpcompression/response_bytes", "httpcompression/response_count"],
    &["downloader/request_method_count/POST", "urllength/request_ignored_count"],
    &["spider_exceptions/count", "spider_exceptions/AttributeError", "spider_exceptions/KeyError"],
    &["file_count", "file_status_count/downloaded", "file_status_count/uptodate"],
    &["httpcache/hit", "httpcache/miss", "httpcache/store", "httpcache/firsthand"],
    &[
        "feedexport/success_count/FileFeedStorage",
        "feedexport/success_count/S3FeedStorage",
        "depth/request_ignored_count",
        "scheduler/unserializable",
        "spider_exceptions/ValueError",
        "spider_exceptions/IndexError",
        "memdebug/gc_garbage_count",
    ],
];
const CLOSE_REASONS: [&str; 7] = [
    "finished",
    "finished",
    "finished",
    "finished",
    "cancelled",
    "closespider_timeout",
    "closespider_itemcount",
];
/// Arguments of spiders: names, and values of which one is taken.
const ARGUMENTS: [(&str, &[&str]); 14] = [
    ("start_url", &["https://www.example.com/", "https://shop.example.org/products?page=1"]),
    ("url", &["https://www.example.com/category/index.html", "http://example.net/sitemap.xml"]),
    ("urls", &["https://example.com/a,https://example.com/b"]),
    ("category", &["books", "electronics", "home-garden"]),
    ("country", &["us", "de", "fr", "gb"]),
    ("language", &["en", "de", "fr"]),
    ("max_pages", &["10", "100", "500"]),
    ("max_items", &["1000", "50000"]),
    ("date_from", &["2024-01-01", "2025-06-30"]),
    ("date_to", &["2024-12-31", "2025-12-31"]),
    ("query", &["laptop", "running shoes"]),
    ("proxy", &["true", "false"]),
    ("debug", &["0", "1"]),
    ("job_id", &["12345", "987654"]),
];
/// Settings of jobs, as JSON.
const SETTINGS: [(&str, &[&str]); 14] = [
    ("CONCURRENT_REQUESTS", &["\"16\"", "\"32\"", "8"]),
    ("CONCURRENT_REQUESTS_PER_DOMAIN", &["\"8\"", "4"]),
    ("DOWNLOAD_DELAY", &["\"0.5\"", "1", "0.25"]),
    ("DOWNLOAD_TIMEOUT", &["\"180\"", "60"]),
    ("AUTOTHROTTLE_ENABLED", &["\"True\"", "true"]),
    ("HTTPCACHE_ENABLED", &["\"False\"", "false"]),
    ("CLOSESPIDER_TIMEOUT", &["\"3600\"", "86400"]),
    ("CLOSESPIDER_ITEMCOUNT", &["\"1000\"", "100"]),
    ("LOG_LEVEL", &["\"INFO\"", "\"DEBUG\""]),
    ("RETRY_TIMES", &["\"2\"", "5"]),
    ("COOKIES_ENABLED", &["\"False\"", "true"]),
    ("ROBOTSTXT_OBEY", &["\"True\"", "false"]),
    ("USER_AGENT", &["\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\""]),
    ("DEPTH_LIMIT", &["\"3\"", "0"]),
];
/// Fields of a job beside statistics and arguments, as JSON.
const FIELDS: [(&str, &[&str]); 12] = [
    ("_reported_version", &["\"1.0\"", "\"6d32f52-master\""]),
    ("api_url", &["\"http://127.0.0.1:6900/api/\""]),
    ("cmd_args", &["\"\""]),
    ("deploy_id", &["1", "217"]),
    ("environment", &["{}", "{\"TZ\":\"UTC\",\"STAGE\":\"production\"}"]),
    ("job_cmd", &["[\"py:report.py\",\"--days\",\"7\"]"]),
    ("meta", &["{}", "{\"batch\":\"42\",\"customer\":\"acme\"}"]),
    ("spider_type", &["\"manual\"", "\"auto\""]),
    ("started_by", &["\"runner\""]),
    ("stop_requested", &["true", "false"]),
    ("version", &["\"1.0\"", "\"6d32f52-master\""]),
    ("worker", &["\"host-1\"", "\"runner-7c9f\""]),
];

/// Counters of a spider's own code, which no sample of the dictionary has.
pub(crate) const CUSTOM: [&str; 24] = [
    "books/parsed",
    "books/price_missing",
    "captcha/failed",
    "captcha/solved",
    "db/errors",
    "db/upserts",
    "images/broken",
    "language/unknown",
    "login/failed",
    "login/ok",
    "pagination/last_page",
    "proxy/banned",
    "proxy/rotated",
    "queue/dropped",
    "queue/pushed",
    "reviews/items",
    "reviews/pages",
    "schema/v2",
    "search/empty",
    "session/renewed",
    "stock/updates",
    "validation/errors/isbn",
    "validation/errors/title",
    "variants/merged",
];

/// How a program spaces JSON.
#[derive(Clone, Copy, Debug)]
struct Spacing {
    comma: &'static str,
    colon: &'static str,
}

const SPACINGS: [Spacing; 3] = [
    // The runner's entry point, and most others.
    Spacing { comma: ",", colon: ":" },
    Spacing { comma: ",", colon: ":" },
    // Python's own.
    Spacing { comma: ", ", colon: ": " },
];

/// Random numbers of which each seed has its own row, on every machine the same (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A number of so many digits at most, small ones as often as large ones.
    fn number(&mut self, digits: usize) -> u64 {
        let digits = u32::try_from(1 + self.below(digits)).unwrap_or(1);
        self.next() % 10_u64.pow(digits)
    }
}

/// An object's members, name by name.
struct Members(Vec<(String, String)>);

impl Members {
    fn add(&mut self, name: impl Into<String>, json: impl ToString) {
        self.0.push((name.into(), json.to_string()));
    }

    fn object(&self, spacing: Spacing) -> String {
        let member = |(name, json): &(String, String)| format!("\"{name}\"{}{json}", spacing.colon);
        let members: Vec<String> = self.0.iter().map(member).collect();
        format!("{{{}}}", members.join(spacing.comma))
    }

    fn len(&self) -> usize {
        self.0.iter().map(|(name, json)| name.len() + json.len() + 4).sum::<usize>() + 1
    }
}

/// Statistics of about so many bytes. Beyond what Scrapy itself counts, `custom` names counters of
/// the spider's own code.
pub(crate) fn stats(random: &mut Random, bytes: usize, custom: &[&str]) -> String {
    let spacing = random.one_of(&SPACINGS);
    let mut all = Members(Vec::new());
    let begin = 1_700_000_000_000 + random.number(11);
    let length = random.number(8);
    all.add("elapsed_time_seconds", format!("{}.{:06}", length / 1000, random.number(6)));
    all.add("finish_reason", format!("\"{}\"", random.one_of(&CLOSE_REASONS)));
    for (name, time) in [("finish_time", begin + length), ("start_time", begin)] {
        let point = if spacing.colon.len() > 1 { ".0" } else { "" };
        all.add(name, format!("{time}{point}"));
    }
    for name in ALWAYS {
        let digits = if name.contains("bytes") || name.contains("memusage") { 9 } else { 6 };
        all.add(name, random.number(digits));
    }
    if random.below(2) == 0 {
        all.add("items_per_minute", format!("{}.{}", random.number(4), random.number(2)));
        all.add("responses_per_minute", format!("{}.{}", random.number(4), random.number(2)));
    }
    let mut groups: Vec<&[&str]> = SOMETIMES.to_vec();
    while all.len() < bytes && !groups.is_empty() {
        let group = groups.swap_remove(random.below(groups.len().min(8)));
        for name in group {
            all.add(*name, random.number(5));
        }
    }
    for name in custom {
        if all.len() < bytes {
            all.add(*name, random.number(5));
        }
    }
    let mut depth = 0;
    while all.len() < bytes {
        all.add(format!("request_depth_count/{depth}"), random.number(5));
        depth += 1;
    }
    while all.0.len() > 4 && all.len() > bytes + bytes / 10 {
        all.0.remove(random.below(all.0.len()));
    }
    if random.below(2) == 0 {
        all.0.sort();
    }
    all.object(spacing)
}

/// Some of a table's names, each with one of its values.
fn some(random: &mut Random, table: &[(&str, &[&str])], json: impl Fn(&str) -> String) -> String {
    let spacing = random.one_of(&SPACINGS);
    let mut all = Members(Vec::new());
    for (name, values) in table {
        if random.below(3) == 0 {
            all.add(*name, json(random.one_of(values)));
        }
    }
    all.object(spacing)
}

/// Arguments of a spider: an object of strings.
pub(crate) fn arguments(random: &mut Random) -> String {
    some(random, &ARGUMENTS, |text| format!("\"{text}\""))
}

/// Settings of a job.
pub(crate) fn settings(random: &mut Random) -> String {
    some(random, &SETTINGS, str::to_owned)
}

/// All metadata of a finished job as one object, as the store on SQLite keeps it.
pub(crate) fn whole_job(random: &mut Random, stats: &str) -> String {
    let mut all = Members(Vec::new());
    all.add("close_reason", format!("\"{}\"", random.one_of(&CLOSE_REASONS)));
    all.add("scrapystats", stats);
    all.add("spider_args", arguments(random));
    if random.below(3) == 0 {
        all.add("job_settings", settings(random));
    }
    for (name, values) in FIELDS {
        if random.below(3) == 0 {
            all.add(name, random.one_of(values));
        }
    }
    all.0.sort();
    all.object(SPACINGS[0])
}
