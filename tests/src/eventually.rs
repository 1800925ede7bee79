//! Looking again and again for what is about to be so, where nothing tells.

use std::time::Duration;

use tokio::time::{interval, timeout};

/// How long it may take; after that the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often to look.
const OFTEN: Duration = Duration::from_millis(20);

/// What `look` finds, as soon as it finds anything. Ends the test with `complaint` where it
/// finds nothing for a minute.
pub async fn eventually<T>(complaint: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut again = interval(OFTEN);
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                break found;
            }
        }
    };
    let found = timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("{complaint}"))
}
