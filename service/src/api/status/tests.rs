use super::*;
use crate::domain::RunningLimit;
use spiderq_core::model::{JobKey, Quota, Role, State};

fn key() -> JobKey {
    JobKey::parse("53/7/81").unwrap()
}

fn info(error: &Error) -> (Code, String, Vec<(String, String)>) {
    let status = of(error);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, "spiderq");
    let mut metadata: Vec<_> = info.metadata.clone().into_iter().collect();
    metadata.sort();
    (status.code(), info.reason.clone(), metadata)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_wrong_field_is_named_by_its_path() {
    let units = Error::invalid("units", "must be an integer from 1 to 6").within("jobs[3]");
    let tags = Error::invalid("tags", "each must be short").at("[1]").within("jobs[3].tags");
    let status = of(&units.and(tags));
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "units: must be an integer from 1 to 6");
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    let found: Vec<_> =
        violations.iter().map(|one| (one.field.as_str(), one.description.as_str())).collect();
    let expected = [
        ("jobs[3].units", "must be an integer from 1 to 6"),
        ("jobs[3].tags[1]", "each must be short"),
    ];
    assert_eq!(found, expected);
    assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELD");
}

#[test]
fn errors_say_their_reason_and_what_they_are_about() {
    let (message, job) = ("m".to_owned(), key());
    for (error, code, reason, metadata) in [
        (
            Error::Duplicate { message: message.clone(), job },
            Code::AlreadyExists,
            "DUPLICATE",
            pairs(&[("key", "53/7/81")]),
        ),
        (
            Error::WrongState { message: message.clone(), job, state: State::Running },
            Code::FailedPrecondition,
            "WRONG_STATE",
            pairs(&[("key", "53/7/81"), ("state", "running")]),
        ),
        (
            Error::Forbidden { message, required: Some(Role::User) },
            Code::PermissionDenied,
            "ROLE_REQUIRED",
            pairs(&[("required_role", "user")]),
        ),
        (
            Error::fields_forbidden([("units", "units".to_owned())], Role::User),
            Code::PermissionDenied,
            "ROLE_REQUIRED",
            pairs(&[("required_role", "user")]),
        ),
        (Error::forbidden("m"), Code::PermissionDenied, "NOT_REACHED", Vec::new()),
        (
            Error::AtLimit(RunningLimit::Units),
            Code::FailedPrecondition,
            "AT_LIMIT",
            pairs(&[("limit", "max_running_units")]),
        ),
        (Error::Stale(job), Code::FailedPrecondition, "STALE_FENCE", pairs(&[("key", "53/7/81")])),
        (Error::EtagChanged(job), Code::Aborted, "ETAG_CHANGED", pairs(&[("key", "53/7/81")])),
        (Error::LastAdminKey, Code::FailedPrecondition, "LAST_ADMIN_KEY", Vec::new()),
        (
            Error::KeyReplaced("5f0c23ab".to_owned()),
            Code::FailedPrecondition,
            "KEY_REPLACED",
            pairs(&[("replaced_by", "5f0c23ab")]),
        ),
        (
            quota_exceeded(),
            Code::ResourceExhausted,
            "QUOTA_EXCEEDED",
            pairs(&[("limit", "10"), ("quota", "rate")]),
        ),
    ] {
        assert_eq!(info(&error), (code, reason.to_owned(), metadata), "{error:?}");
    }
}

#[test]
fn what_is_missing_and_what_is_in_the_way_are_named() {
    let name = "53/books".to_owned();
    let missing = Error::NotFound { message: "m".to_owned(), kind: ResourceKind::Spider, name };
    let details = of(&missing).get_error_details();
    let resource = details.resource_info().unwrap();
    let found = (resource.resource_type.as_str(), resource.resource_name.as_str());
    assert_eq!(found, ("spiderq.v1.Spider", "53/books"));
    let details = of(&Error::Stale(key())).get_error_details();
    let violation = &details.precondition_failure().unwrap().violations[0];
    assert_eq!((violation.r#type.as_str(), violation.subject.as_str()), ("STALE_FENCE", "53/7/81"));
}

#[test]
fn an_exceeded_quota_says_when_to_try_again() {
    let status = of(&quota_exceeded());
    assert_eq!(status.message(), "at most 10 calls a second; try again later");
    let details = status.get_error_details();
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(300)));
    let violation = &details.quota_failure().unwrap().violations[0];
    assert_eq!(
        (violation.subject.as_str(), violation.description.as_str()),
        ("rate", status.message())
    );
}

fn quota_exceeded() -> Error {
    let retry_after = Duration::from_millis(300);
    Error::QuotaExceeded { quota: Quota::Rate, most: 10, retry_after }
}

#[test]
fn the_error_of_an_item_has_all_that_a_status_has() {
    let error = Error::invalid("units", "must be an integer from 1 to 6").within("jobs[3]");
    let item = item_error(&error);
    let status = of(&error);
    assert_eq!((item.code, item.message.as_str()), (status.code().into(), status.message()));
    assert_eq!(item.details.len(), 2);
    let details: Vec<&str> = item.details.iter().map(|any| any.type_url.as_str()).collect();
    assert!(details.iter().any(|url| url.ends_with("google.rpc.BadRequest")), "{details:?}");
}

#[test]
fn what_the_store_said_is_not_sent_to_the_caller() {
    let away = Error::unavailable("redis at 10.0.0.1 refused");
    let Error::Unavailable { retry_after, source, .. } = away.clone() else { panic!("{away:?}") };
    let unknown = Error::OutcomeUnknown { retry_after, source };
    for (error, reason) in [(away, "STORE_UNAVAILABLE"), (unknown, "OUTCOME_UNKNOWN")] {
        let status = of(&error);
        assert_eq!(info(&error), (Code::Unavailable, reason.to_owned(), Vec::new()));
        assert!(!format!("{status:?}").contains("10.0.0.1"));
        let retry = status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(retry, Some(Duration::from_secs(1)));
    }
}

#[test]
fn a_server_without_memory_says_when_to_try_again() {
    let status = of(&Error::Overloaded);
    assert_eq!(
        info(&Error::Overloaded),
        (Code::ResourceExhausted, "OVERLOADED".to_owned(), vec![])
    );
    let retry = status.get_error_details().retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(1)));
}
