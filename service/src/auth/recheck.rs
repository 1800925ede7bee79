//! Calls that last: whether their caller still may make them, asked again while they wait.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::{Auth, Caller, Credentials};
use spiderq_core::{
    backoff::jittered,
    error::{Error, Result},
    limits::RECHECK_INTERVAL,
};

/// Within about this time calls that wait hear of a revocation by their own process. Thousands of
/// them must not ask the store in the same moment.
const REVOCATION_SPREAD: Duration = Duration::from_secs(1);

impl Auth {
    /// An error when the credentials are no longer good, or `may` refuses their owner.
    pub async fn recheck(
        &self,
        credentials: Option<&Credentials>,
        may: impl Fn(&Caller) -> Result<()>,
    ) -> Result<()> {
        may(&self.caller(credentials.cloned()).await?)
    }

    /// Returns once [`Auth::recheck`] refuses. It is asked after each revocation by this process,
    /// and every [`RECHECK_INTERVAL`] at the latest: credentials end in other ways too.
    pub async fn refused(
        &self,
        credentials: Option<&Credentials>,
        may: impl Fn(&Caller) -> Result<()>,
    ) -> Error {
        let mut revocations = self.cache.revocations();
        loop {
            let revocation = timeout(jittered(RECHECK_INTERVAL), revocations.changed()).await;
            if revocation.is_ok() {
                sleep_until(Instant::now() + jittered(REVOCATION_SPREAD)).await;
            }
            match self.recheck(credentials, &may).await {
                // While the store can't be asked, nobody knows; what is read of it fails by itself.
                Ok(()) | Err(Error::Unavailable { .. }) => {}
                Err(error) => return error,
            }
        }
    }
}
