//! Tests of the variables that describe a job to its program.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;
use spiderq_proto::time::timestamp;

use super::*;

fn job(metadata: &[(&str, &str)]) -> Job {
    let metadata = metadata.iter();
    Job {
        key: "53/7/81".to_owned(),
        project: 53,
        spider_name: "somespider".to_owned(),
        spider_type: SpiderType::Manual.into(),
        priority: 3,
        units: 2,
        tags: vec!["a".to_owned()],
        pending_time: Some(timestamp(1)),
        running_time: Some(timestamp(2)),
        scheduled_by: "ann".to_owned(),
        started_by: "runner".to_owned(),
        metadata_json: metadata
            .map(|(name, json)| ((*name).to_owned(), (*json).to_owned()))
            .collect(),
        ..Job::default()
    }
}

fn environment(job: &Job) -> JobEnvironment<'_> {
    let server = "http://localhost:6900";
    JobEnvironment { job, token: "token", server, unit_memory: 950, allowed: None }
}

fn variables(job: &Job, folder: &Path) -> BTreeMap<OsString, OsString> {
    let variables = environment(job).variables(Path::new("/pipe"), folder);
    variables.unwrap().into_iter().collect()
}

#[test]
fn a_spider_finds_its_job_in_the_variables() {
    let job = job(&[
        ("spider_args", r#"{"a":"1","long":"18446744073709551616"}"#),
        ("spider_type", r#""manual""#),
        ("version", r#""1.0""#),
        ("deploy_id", "7"),
        ("job_settings", r#"{"DEPTH":1566311822568.0}"#),
        ("environment", r#"{"COLOUR":"blue","SHUB_JOBKEY":"1/1/1","A=":"x","N":1}"#),
    ]);
    let variables = variables(&job, Path::new("/none"));
    let get = |name: &str| variables[&OsString::from(name)].to_str().unwrap();
    let names: Vec<_> = variables.keys().map(|name| name.to_str().unwrap()).collect();
    let expected = [
        "COLOUR",
        "N",
        "SHUB_FIFO_PATH",
        "SHUB_JOBKEY",
        "SHUB_JOB_DATA",
        "SHUB_JOB_ENV",
        "SHUB_JOB_MEMORY_LIMIT",
        "SHUB_SETTINGS",
        "SHUB_SPIDER",
        "SHUB_STORAGE",
    ];
    assert_eq!(names, expected);
    assert_eq!((get("COLOUR"), get("N")), ("blue", "1"));
    assert_eq!(get("SHUB_FIFO_PATH"), "/pipe");
    assert_eq!(get("SHUB_JOBKEY"), "53/7/81");
    assert_eq!(get("SHUB_JOB_ENV"), "{}");
    assert_eq!(get("SHUB_JOB_MEMORY_LIMIT"), "1900");
    assert_eq!(get("SHUB_SPIDER"), "somespider");
    assert_eq!(get("SHUB_STORAGE"), "http://localhost:6900");
    let data: Value = serde_json::from_str(get("SHUB_JOB_DATA")).unwrap();
    let expected = json!({
        "key": "53/7/81", "auth": "token", "project": 53, "spider": "somespider",
        "spider_args": {"a": "1", "long": "18446744073709551616"}, "tags": ["a"],
        "priority": 3, "units": 2, "state": "running", "pending_time": 1, "running_time": 2,
        "scheduled_by": "ann", "started_by": "runner", "spider_type": "manual",
        "version": "1.0", "deploy_id": 7, "api_url": "http://localhost:6900/api/",
    });
    assert_eq!(data, expected);
    assert!(get("SHUB_SETTINGS").contains(r#""job_settings":{"DEPTH":1566311822568.0}"#));
    let settings: Value = serde_json::from_str(get("SHUB_SETTINGS")).unwrap();
    let expected = json!({
        "organization_settings": {
            "REMOTE_CONTROL_ENABLED": false,
            "TELNETCONSOLE_ENABLED": false,
            "TELNETCONSOLE_HOST": "127.0.0.1",
        },
        "project_settings": {}, "spider_settings": {},
        "job_settings": {"DEPTH": 1_566_311_822_568.0}, "enabled_addons": [],
    });
    assert_eq!(settings, expected);
}

#[test]
fn only_allowed_variables_of_the_job_are_set() {
    let job = job(&[("environment", r#"{"COLOUR":"blue","BASH_ENV":"$(id)","SHUB_X":"1"}"#)]);
    let allowed = AllowedEnvironment::parse(&["COLOUR".to_owned()]).unwrap();
    for (allowed, expected) in
        [(allowed, vec!["COLOUR"]), (AllowedEnvironment::default(), Vec::new())]
    {
        let environment = JobEnvironment { allowed: Some(&allowed), ..environment(&job) };
        let own: Vec<_> = environment.own_variables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(own, expected);
    }
}

#[test]
fn a_script_gets_its_command_line() {
    for (fields, expected) in [
        (
            vec![("job_cmd", r#"["py:report.py","--name","two words"]"#), ("cmd_args", "\"no\"")],
            json!(["py:report.py", "--name", "two words"]),
        ),
        (vec![], json!(["py:report.py"])),
    ] {
        let mut job = job(&fields);
        job.spider_name = "py:report.py".to_owned();
        job.spider_type = SpiderType::Script.into();
        let environment = environment(&job);
        let data: Value = serde_json::from_str(&environment.data().unwrap()).unwrap();
        assert_eq!((&data["job_cmd"], &data["job_env"]), (&expected, &json!({})));
        assert_eq!(json!(environment.cmd_args()), json!(expected.as_array().unwrap()[1..]));
    }
}

#[test]
fn arguments_of_another_program_are_split_as_by_a_shell() {
    let job = job(&[("cmd_args", r#""--name 'two words' x""#)]);
    assert_eq!(environment(&job).cmd_args(), ["--name", "two words", "x"]);
}

#[test]
fn a_value_that_is_too_long_for_a_variable_is_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(r#"{{"X":"{}"}}"#, "x".repeat(MAX_VARIABLE_BYTES));
    let job = job(&[("job_settings", &settings)]);
    let variables = variables(&job, folder.path());
    let path = folder.path().join("SHUB_SETTINGS.json");
    assert_eq!(variables[&OsString::from("SHUB_SETTINGS")], path);
    assert!(fs::read_to_string(&path).unwrap().contains(&settings));
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn fields_of_the_wrong_type_count_as_empty() {
    let job = job(&[
        ("spider_args", "[1]"),
        ("environment", r#""x""#),
        ("job_settings", "3"),
        ("cmd_args", r#"{"a":1}"#),
    ]);
    let environment = environment(&job);
    assert!(environment.spider_args().is_empty() && environment.own_variables().is_empty());
    assert!(environment.cmd_args().is_empty());
    assert!(environment.settings().unwrap().contains(r#""job_settings":{}"#));
}
