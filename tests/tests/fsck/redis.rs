//! Each kind of damage on Redis, done behind the store's back.

use std::sync::Arc;

use spiderq_core::store::Store;
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    redis_cluster::RedisCluster,
    redis_server::RedisServer,
    store_contract::world::{T, place},
};

use crate::sample::{LEASE, begin, check, end, unique};

pub(crate) async fn store_at(url: &str) -> Arc<dyn Store> {
    open(&StoreUrl::parse(url).unwrap()).await.unwrap()
}

/// Does the damage, which must show in these lines; `{P}` is the project, `{U}` the unique key. All
/// of it must be mended, and the jobs then live on.
async fn shows(damage: &[&str], lines: &[&str]) {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    assert_eq!(check(&store, false).await.0, [""; 0]);
    let filled = |text: &str| {
        let text = text.replace("{P}", &world.project.to_string());
        text.replace("{U}", &unique())
    };
    for command in damage {
        let command = filled(command);
        let words: Vec<&str> = command.split(' ').collect();
        let key = match words[1] {
            key if key.starts_with("sq:") => key.to_owned(),
            key => filled(&format!("sq:{{{{P}}}}:{key}")),
        };
        let words = [&[words[0], &key], &words[2..]].concat();
        server.command::<redis::Value>(&words);
    }
    let mut expected: Vec<String> = lines.iter().map(|line| filled(line)).collect();
    expected.sort();
    let (found, _) = check(&store, false).await;
    assert_eq!(found, expected, "{damage:?}");
    let (mended, _) = check(&store, true).await;
    for line in &expected {
        assert!(mended.contains(&format!("{line}; repaired")), "{mended:?}");
    }
    assert!(mended.iter().all(|line| line.ends_with("; repaired")));
    assert_eq!(check(&store, false).await.0, [""; 0], "{damage:?}");
    end(&world).await;
    assert_eq!(check(&store, false).await.0, [""; 0], "{damage:?}");
}

#[tokio::test]
async fn a_job_that_is_not_in_its_sets() {
    shows(&["ZREM z:p2 1/3"], &["{P}/1/3: is not in z:p2"]).await;
    shows(&["ZREM z:s1.e3 1/2"], &["{P}/1/2: is not in z:s1.e3"]).await;
    shows(&["ZREM z:t2.p 1/3"], &["{P}/1/3: is not in z:t2.p"]).await;
    shows(&["ZREM z:f 2/1"], &["{P}/2/1: is not in z:f"]).await;
    shows(&["ZREM z:d 2/2"], &["{P}/2/2: is not in z:d"]).await;
    let units = "project {P}: the units of the running jobs are 0, not 1";
    shows_only(&["ZREM z:r 1/1"], &["{P}/1/1: is not in z:r", units], 1).await;
}

/// The same where mending the first `needed` lines mends the others.
async fn shows_only(damage: &[&str], lines: &[&str], needed: usize) {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    let filled = |text: &str| text.replace("{P}", &world.project.to_string());
    for command in damage {
        let words: Vec<&str> = command.split(' ').collect();
        let key = filled(&format!("sq:{{{{P}}}}:{}", words[1]));
        let words = [&[words[0], &key], &words[2..]].concat();
        server.command::<redis::Value>(&words);
    }
    let expected: Vec<String> = lines.iter().map(|line| filled(line)).collect();
    let mut sorted = expected.clone();
    sorted.sort();
    assert_eq!(check(&store, false).await.0, sorted, "{damage:?}");
    let mut mended: Vec<String> = expected[..needed].to_vec();
    mended.iter_mut().for_each(|line| line.push_str("; repaired"));
    mended.sort();
    assert_eq!(check(&store, true).await.0, mended, "{damage:?}");
    assert_eq!(check(&store, false).await.0, [""; 0], "{damage:?}");
    end(&world).await;
    assert_eq!(check(&store, false).await.0, [""; 0], "{damage:?}");
}

#[tokio::test]
async fn a_job_at_another_place_in_its_set() {
    let line = format!("{{P}}/1/3: is at 5 in z:p2, not at {}", place(T + 5, 0).0);
    shows(&["ZADD z:p2 5 1/3"], &[&line]).await;
    let line = format!("{{P}}/2/1: is at 5 in z:t1.f, not at {}", place(T + 6, 0).0);
    shows(&["ZADD z:t1.f 5 2/1"], &[&line]).await;
}

#[tokio::test]
async fn a_member_that_does_not_belong_in_its_set() {
    for set in ["z:f", "z:p4", "z:e4", "z:s1.d", "z:s2.r", "z:t1.r"] {
        let line = format!("{{P}}/1/1: is in {set}, where it does not belong");
        shows(&[&format!("ZADD {set} 5 1/1")], &[&line]).await;
    }
    let line = "{P}/9/9: is in z:p0, and there is no such job";
    shows(&["ZADD z:p0 5 9/9"], &[line]).await;
    let line = "project {P}: x is in z:r, and there is no such job";
    shows(&["ZADD z:r 5 x"], &[line]).await;
}

#[tokio::test]
async fn what_is_due_of_a_job_is_not_as_its_index_says() {
    let line = "{P}/1/1: is not in the index of what is due";
    shows(&["ZREM due 1/1"], &[line]).await;
    for place in ["5", "99999999999999"] {
        let line = format!("{{P}}/1/1: is at {place} in the index of what is due, not at {LEASE}");
        shows(&[&format!("ZADD due {place} 1/1")], &[&line]).await;
    }
    let line = "{P}/1/3: is in the index of what is due, and nothing is due of it";
    shows(&["ZADD due 5 1/3"], &[line]).await;
    let line = "{P}/8/8: is in the index of what is due, and there is no such job";
    shows(&["ZADD due 5 8/8"], &[line]).await;
}

#[tokio::test]
async fn unique_keys_do_not_agree() {
    let line = "{P}/1/3: does not hold its unique key";
    shows(&["HDEL unique {U}"], &[line]).await;
    let line = "{P}/1/1: is named as holder of a unique key that it does not hold";
    shows(&["HSET unique d 1/1"], &[line]).await;
    let line = "{P}/2/1: is done and holds a unique key";
    shows(&["HSET j:2/1 U d"], &[line]).await;
    let line = "{P}/1/2: has the unique key that 1/3 holds";
    shows(&["HSET j:1/2 U {U}"], &[line]).await;
}

#[tokio::test]
async fn counters_are_too_low_or_wrong() {
    let line = "project {P}: the units of the running jobs are 1, not 7";
    shows(&["HSET counters running_units 7"], &[line]).await;
    for (counter, what) in [("finished_bytes", "finished"), ("deleted_bytes", "deleted")] {
        let line = format!("project {{P}}: the bytes of the {what} jobs are 0, not 7");
        shows(&[&format!("HSET counters {counter} 7")], &[&line]).await;
    }
    let bytes = "{P}/2/1: has 0 bytes of metadata, not 7";
    let sum = "project {P}: the bytes of the finished jobs are 7, not 0";
    shows_only(&["HSET j:2/1 z 7"], &[bytes, sum], 1).await;
    shows(&["HDEL j:2/1 z"], &["{P}/2/1: has 0 bytes of metadata, not none"]).await;
    let pointer = "{P}/2/1: says that it has large spider_args, and has none";
    shows(&["HSET j:2/1 m:spider_args "], &[pointer]).await;
    let line = "project {P}: the last position is below that of a job";
    shows(&["HSET counters last_position 5"], &[line]).await;
    let line = "project {P}: the last job number of spider 1 is below that of a job";
    shows(&["HDEL counters last_job:a"], &[line]).await;
    shows(&["HSET counters last_job:a 2"], &[line]).await;
    let line = "project {P}: the last spider number is below one given";
    shows(&["HSET counters last_spider 1"], &[line]).await;
    let line = "project {P}: the last tag number is below one given";
    shows(&["HDEL counters last_tag"], &[line]).await;
    let line = "project {P}: the number of the last event is below that of one kept";
    shows(&["HSET counters last_event 0"], &[line]).await;
}

#[tokio::test]
async fn names_and_numbers_of_spiders_do_not_agree() {
    let line = "project {P}: spider a has number 1, which is that of nobody";
    let no_name = "project {P}: spider 1 has no name";
    shows_only(&["HDEL spiders 1"], &[line, no_name], 1).await;
    let line = "project {P}: spider 1 is a, which has no number";
    shows(&["HDEL counters spider:a"], &[line]).await;
    let line = "project {P}: spider 1 has no name";
    shows(&["HDEL counters spider:a", "HDEL spiders 1"], &[line]).await;
    let line = "project {P}: spider a has number 7, not 1";
    let number = "project {P}: spider 1 is a, which has number 7";
    shows_only(&["HSET counters spider:a 7"], &[line, number], 1).await;
    let line = "{P}/1/3: is of b, spider 1 is a";
    shows(&["HSET j:1/3 n b"], &[line]).await;
    let name = "project {P}: spider a has number 1, which is that of z";
    let others = [
        name,
        "project {P}: spider 1 is z, which has no number",
        "project {P}: the last job number of spider 1 is below that of a job",
        "{P}/1/1: is of a, spider 1 is z",
        "{P}/1/2: is of a, spider 1 is z",
        "{P}/1/3: is of a, spider 1 is z",
    ];
    shows_only(&["HSET spiders 1 z"], &others, 1).await;
}

#[tokio::test]
async fn what_is_kept_of_a_spider_makes_no_sense() {
    let line = "project {P}: spider 1 has tags that are none: \"\\n\"";
    shows(&["HSET spider_tags 1 \n"], &[line]).await;
    let line = "project {P}: spider 1 may run x jobs";
    shows(&["HSET counters max_running:1 x"], &[line]).await;
}

#[tokio::test]
async fn names_and_numbers_of_tags_do_not_agree() {
    let stray =
        |job: &str, set: &str| format!("{{P}}/{job}: is in {set}, where it does not belong");
    let no_number = "project {P}: tag x has no number";
    let (one, other) = (stray("1/3", "z:t1.p"), stray("2/1", "z:t1.f"));
    shows(&["HDEL counters tag:x"], &[no_number, &one, &other]).await;
    let same = "project {P}: tag y has the number of another";
    shows(&["HSET counters tag:y 1"], &[same, &stray("1/3", "z:t2.p")]).await;
}

#[tokio::test]
async fn records_that_cannot_be_read_are_set_aside() {
    let server = RedisServer::start(&[]);
    let store = store_at(&server.url()).await;
    let world = begin(&store).await;
    let key = |rest: &str| format!("sq:{{{}}}:{rest}", world.project);
    let job = |job: &str| format!("{}/{job}", world.project);
    let record: Vec<String> = server.command(&["HGETALL", &key("j:1/3")]);
    server.command::<()>(&["HDEL", &key("j:1/3"), "o"]);
    server.command::<()>(&["HSET", &key("j:1/1"), "s", "9"]);
    server.command::<()>(&["HSET", &key("j:2/1"), "2", "nobody"]);
    server.command::<()>(&["HSET", &key("x:8/8"), "big", "1"]);
    let mut lines = [
        format!("{}: has a record that cannot be read: no field o", job("1/3")),
        format!("{}: has a record that cannot be read: state 9", job("1/1")),
        format!("{}: has a record that cannot be read: field 2", job("2/1")),
        format!("{}: has large metadata, and there is no such job", job("8/8")),
    ];
    lines.sort();
    assert_eq!(check(&store, false).await.0, lines);
    let (mended, checked) = check(&store, true).await;
    let mut repaired: Vec<String> = lines.iter().map(|line| format!("{line}; repaired")).collect();
    let units = "the units of the running jobs are 0, not 1; repaired";
    repaired.push(format!("project {}: {units}", world.project));
    repaired.sort();
    assert_eq!((mended, checked.jobs, checked.set_aside), (repaired, 5, 5));
    let (left, checked) = check(&store, false).await;
    assert_eq!((left, checked.set_aside, checked.jobs), (vec![], 5, 2));
    // Nothing else waits for them, and nothing of them is lost.
    assert_eq!(world.claim(T + 50).await.unwrap().job.key, world.key(1, 2));
    assert_eq!(world.claim(T + 50).await, None);
    let mut kept: Vec<String> = server.command(&["HGETALL", &key("aside:j:1/3")]);
    let place = record.iter().position(|field| field == "o").unwrap();
    kept.extend(record[place..place + 2].iter().cloned());
    let pairs = |flat: &[String]| {
        let mut pairs: Vec<Vec<String>> = flat.chunks(2).map(<[String]>::to_vec).collect();
        pairs.sort();
        pairs
    };
    assert_eq!(pairs(&kept), pairs(&record));
    // Mended by hand and put back, the job is one again.
    for name in ["j:1/3", "x:1/3"] {
        let aside = key(&format!("aside:{name}"));
        server.command::<()>(&["RENAMENX", &aside, &key(name)]);
    }
    let position = place_of(&record);
    server.command::<()>(&["HSET", &key("j:1/3"), "o", &position]);
    check(&store, true).await;
    assert_eq!(check(&store, false).await.0, [""; 0]);
    assert_eq!(world.claim(T + 60).await.unwrap().job.key, world.key(1, 3));
}

fn place_of(record: &[String]) -> String {
    let place = record.iter().position(|field| field == "o").unwrap();
    record[place + 1].clone()
}

#[tokio::test]
async fn a_job_record_that_is_gone() {
    let sets = ["z:p2", "z:s1.p2", "z:t1.p", "z:t2.p"];
    let in_set = |set| format!("{{P}}/1/3: is in {set}, and there is no such job");
    let mut lines: Vec<String> = sets.map(in_set).to_vec();
    lines.push("{P}/1/3: has large metadata, and there is no such job".to_owned());
    let holder = "{P}/1/3: is named as holder of a unique key that it does not hold";
    lines.push(holder.to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    shows(&["DEL j:1/3"], &lines).await;
}

#[tokio::test]
async fn keys_that_are_nothing_or_of_a_wrong_type() {
    let line = "project {P}: key sq:{{P}}:foo is none of ours";
    shows(&["SET foo bar"], &[line]).await;
    let line = "project {P}: key sq:{{P}}:z:x9 is none of ours";
    shows(&["ZADD z:x9 5 1/1"], &[line]).await;
    let line = "project {P}: key sq:{{P}}:q:a is no kept answer";
    shows(&["SET q:a b"], &[line]).await;
    let answer = "SET q:a 00112233445566778899aabbccddeeff\u{1}";
    let line = "project {P}: key sq:{{P}}:q:a never expires";
    shows(&[answer], &[line]).await;
    let line = "project {P}: key sq:{{P}}:z:p2 is a string, not a zset";
    let not_in = "{P}/1/3: is not in z:p2";
    shows(&["SET z:p2 x"], &[line, not_in]).await;
}

#[tokio::test]
async fn lists_of_projects_do_not_agree() {
    let line = "project {P}: is not in the list of projects";
    shows(&["ZREM sq:{projects} {P}"], &[line]).await;
    let line = "project {P}: is not in the list of projects that have something due";
    shows(&["ZREM sq:{due} {P}"], &[line]).await;
    let line = "store: the list of projects has x at 5";
    shows(&["ZADD sq:{projects} 5 x"], &[line]).await;
}

#[tokio::test]
async fn a_cluster_is_checked_on_every_master() {
    let cluster = RedisCluster::start(false, &[]);
    let store = store_at(&cluster.url()).await;
    let mut lines = Vec::new();
    let mut worlds = Vec::new();
    for _ in 0..9 {
        let world = begin(&store).await;
        let project = world.project;
        let server = cluster.server(cluster.master_of(project.get()));
        server.command::<()>(&["ZREM", &format!("sq:{{{project}}}:z:p2"), "1/3"]);
        lines.push(format!("{project}/1/3: is not in z:p2"));
        worlds.push(world);
    }
    lines.sort();
    let (found, checked) = check(&store, false).await;
    assert_eq!((found, checked.projects, checked.jobs), (lines.clone(), 9, 45));
    let repaired: Vec<String> = lines.iter().map(|line| format!("{line}; repaired")).collect();
    assert_eq!(check(&store, true).await.0, repaired);
    assert_eq!(check(&store, false).await.0, [""; 0]);
    for world in &worlds {
        end(world).await;
    }
    assert_eq!(check(&store, false).await.0, [""; 0]);
}
