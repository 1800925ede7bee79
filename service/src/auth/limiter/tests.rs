use super::*;

fn quotas(given: &[(Quota, u64)]) -> Quotas {
    Quotas::new(given.iter().map(|(quota, most)| (*quota, Some(*most))))
}

fn of(id: &str, given: &[(Quota, u64)]) -> CallerQuotas {
    CallerQuotas::new(id.to_owned(), quotas(given))
}

/// The quota that refuses the call, and after how long it would not.
fn refused<T>(done: Result<T>) -> Option<(Quota, Duration)> {
    match done {
        Err(Error::QuotaExceeded { quota, retry_after, .. }) => Some((quota, retry_after)),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn calls_come_at_their_rate_after_a_burst() {
    let limiter = Limiter::default();
    let ann = || of("ann", &[(Quota::Rate, 10), (Quota::Burst, 3)]);
    let call = || refused(limiter.begin(ann(), Quota::Calls));
    let tenth = Duration::from_millis(100);
    for _ in 0..3 {
        assert_eq!(call(), None);
    }
    assert_eq!(call(), Some((Quota::Rate, tenth)));
    tokio::time::advance(tenth).await;
    assert_eq!((call(), call()), (None, Some((Quota::Rate, tenth))));
    // Another caller has quotas of its own, and a pause fills no more than the burst.
    assert_eq!(refused(limiter.begin(of("bob", &[]), Quota::Calls)), None);
    tokio::time::advance(Duration::from_secs(60)).await;
    let calls: Vec<bool> = (0..5).map(|_| call().is_none()).collect();
    assert_eq!(calls, [true, true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn calls_waits_and_watches_are_counted_apart_while_they_last() {
    let limiter = Limiter::new(quotas(&[(Quota::Calls, 1), (Quota::Waits, 2)]));
    let begin = |kind| limiter.begin(of("ann", &[(Quota::Watches, 1)]), kind);
    let call = begin(Quota::Calls).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(refused(begin(Quota::Calls)), Some((Quota::Calls, second)));
    let waits = [begin(Quota::Waits).unwrap(), begin(Quota::Waits).unwrap()];
    assert_eq!(refused(begin(Quota::Waits)), Some((Quota::Waits, second)));
    let watch = begin(Quota::Watches).unwrap();
    assert_eq!(refused(begin(Quota::Watches)), Some((Quota::Watches, second)));
    drop((call, waits, watch));
    let again = [Quota::Calls, Quota::Waits, Quota::Waits, Quota::Watches].map(begin);
    assert!(again.iter().all(Result::is_ok), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_uses_nothing_up() {
    let limiter = Limiter::default();
    let ann = || of("ann", &[(Quota::Rate, 1), (Quota::Burst, 1), (Quota::Calls, 2)]);
    let _call = limiter.begin(ann(), Quota::Calls).unwrap();
    for _ in 0..9 {
        let wait = Some((Quota::Rate, Duration::from_secs(1)));
        assert_eq!(refused(limiter.begin(ann(), Quota::Calls)), wait);
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(refused(limiter.begin(ann(), Quota::Calls)), None);
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_none() {
    let none: Vec<(Quota, u64)> = Quota::ALL.into_iter().map(|quota| (quota, 0)).collect();
    let limiter = Limiter::new(quotas(&none));
    let calls: Vec<_> = (0..20_000).map(|_| limiter.begin(of("ann", &[]), Quota::Calls)).collect();
    assert!(calls.iter().all(Result::is_ok));
    assert!(calls.iter().flatten().all(|permit| limiter.new_project(permit).is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_taken_whole_and_then_made_good() {
    let limiter = Limiter::new(quotas(&[(Quota::Bytes, 1_000)]));
    let permit = limiter.begin(of("ann", &[]), Quota::Calls).unwrap();
    let bring = |bytes| refused(limiter.take_bytes(&permit, bytes));
    let wait = |ms| Some((Quota::Bytes, Duration::from_millis(ms)));
    assert_eq!((bring(900), bring(100), bring(3_000), bring(1)), (None, None, None, wait(3_000)));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(bring(1), wait(1_000));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bring(1), None);
    let other = limiter.begin(of("bob", &[(Quota::Bytes, 0)]), Quota::Calls).unwrap();
    assert_eq!(refused(limiter.take_bytes(&other, usize::MAX)), None);
}

#[tokio::test(start_paused = true)]
async fn projects_come_at_their_rate_a_day() {
    let limiter = Limiter::new(quotas(&[(Quota::Projects, 2)]));
    let permit = limiter.begin(of("ann", &[]), Quota::Calls).unwrap();
    let new = || refused(limiter.new_project(&permit));
    assert_eq!((new(), new(), new()), (None, None, Some((Quota::Projects, DAY / 2))));
    tokio::time::advance(DAY / 2).await;
    assert_eq!((new(), new()), (None, Some((Quota::Projects, DAY / 2))));
}

#[tokio::test(start_paused = true)]
async fn callers_that_use_nothing_are_forgotten() {
    let limiter = Limiter::default();
    let busy = limiter.begin(of("busy", &[]), Quota::Watches).unwrap();
    for n in 0..MAX_IDLE_CALLERS - 1 {
        limiter.begin(of(&n.to_string(), &[]), Quota::Calls).unwrap();
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    limiter.begin(of("one more", &[]), Quota::Calls).unwrap();
    assert_eq!(lock(&limiter.usages).len(), 2);
    drop(busy);
}
