//! What a call must pass before its handler runs. Its caller is authenticated by the headers, and
//! only then its message is read: whole, within the limits of its method and of the memory that
//! all calls share. Health, reflection and unknown paths pass as they are.

use axum::http::Request;
use spiderq_core::{MemoryBudget, Reservation};
use spiderq_service::Service;
use tonic::{Status, body::Body};

use super::{elements::Elements, method_limits, request_message};

/// The only call of our services that needs no credentials.
const PUBLIC: &str = "/spiderq.v1.ProjectService/GetServerTime";
/// The account of calls without credentials.
const PUBLIC_ACCOUNT: &str = "no credentials";
/// What an element costs beside its bytes, in memory: a string or a small message.
const ELEMENT_BYTES: usize = 128;
/// What the bytes of a message cost: the message, its decoded copy and that for the store.
const COPIES: usize = 3;

#[derive(Clone, Debug)]
pub(crate) struct Admission {
    service: Service,
    memory: MemoryBudget,
    /// Largest message, bytes after decompression.
    max_body: usize,
}

impl Admission {
    pub(crate) const fn new(service: Service, memory: MemoryBudget, max_body: usize) -> Self {
        Self { service, memory, max_body }
    }

    /// The request with its caller among the extensions and its message in one piece,
    /// uncompressed. The memory is to be held until the handler has responded.
    pub(super) async fn admit(
        &self,
        request: Request<Body>,
    ) -> Result<(Request<Body>, Reservation), Status> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path();
        let account = if path == PUBLIC {
            PUBLIC_ACCOUNT.to_owned()
        } else if path.starts_with("/spiderq.v1.") {
            let identified =
                self.service.authenticate(path, &head.headers, &mut head.extensions).await;
            identified.map_err(|error| spiderq_service::status_of(&error))?
        } else {
            let none = self.memory.account(PUBLIC_ACCOUNT);
            return Ok((Request::from_parts(head, body), none));
        };
        let mut memory = self.memory.account(&account);
        let limit = method_limits::max_message_bytes(path, self.max_body);
        let message = request_message::read(&head.headers, body, limit, &mut memory).await?;
        let elements = Elements::of_call(path).count(message.payload())?;
        let cost = COPIES * message.payload().len() + elements * ELEMENT_BYTES;
        let more = cost.saturating_sub(memory.bytes());
        memory.grow(more).map_err(|error| spiderq_service::status_of(&error))?;
        Ok((Request::from_parts(head, message.into_body()), memory))
    }
}
