//! Whose credentials a request brings, asked of the services before its body is read. The answer
//! is kept for a moment, as the call that follows is authenticated anyway: it decides only whether
//! the body is worth reading, and whose memory that takes.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use spiderq_core::Origin;
use spiderq_proto::v1::GetIdentityRequest;
use tokio::time::Instant;
use tonic::Code;

use crate::{auth::Credentials, errors::Problem, services::Services};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(1);
/// Answers that are kept at a time; then all are forgotten.
const MAX_KEPT: usize = 10_000;

/// The callers of the last moment. Keeps no secret: credentials are hashed with a random key.
#[derive(Debug, Default)]
pub(crate) struct KnownCallers {
    hasher: RandomState,
    kept: Mutex<HashMap<u64, (Instant, Arc<str>)>>,
}

impl KnownCallers {
    /// The owner of the API key, or a name for the bearer of a token. A problem when the credentials are wrong, or can't be checked.
    pub(crate) async fn name_of(
        &self,
        services: &Services,
        credentials: &Credentials,
        origin: Option<&Origin>,
    ) -> Result<Arc<str>, Problem> {
        let hash = self.hasher.hash_one(credentials.as_encoded_bytes());
        if let Some(name) = self.recall(hash) {
            return Ok(name);
        }
        let mut request = tonic::Request::new(GetIdentityRequest {});
        request.metadata_mut().insert("authorization", credentials.clone());
        if let Some(origin) = origin {
            request.extensions_mut().insert(origin.clone());
        }
        let name: Arc<str> = match services.api_keys.get_identity(request).await {
            Ok(identity) => identity.into_inner().owner.into(),
            // The bearer of a job's token has no name.
            Err(status) if status.code() == Code::PermissionDenied => {
                format!("job token {hash:x}").into()
            }
            Err(status) => return Err(status.into()),
        };
        self.keep(hash, Arc::clone(&name));
        Ok(name)
    }

    fn recall(&self, hash: u64) -> Option<Arc<str>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, name) = kept.get(&hash)?;
        (since.elapsed() < KEPT).then(|| Arc::clone(name))
    }

    fn keep(&self, hash: u64, name: Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(hash, (Instant::now(), name));
    }
}
