//! What a call must pass before its handler runs. Its caller is authenticated by the headers, and
//! only then its message is read: whole, within the limits of its method and of the memory that
//! all calls share. Health, reflection and unknown paths pass as they are.

use axum::http::{Request, request::Parts};
use spiderq_core::{HeldMemory, MemoryBudget, Reservation};
use spiderq_service::Service;
use tonic::{Status, body::Body};

use super::{
    elements::Elements,
    method_limits,
    request_message::{self, Message},
};
use crate::public_paths::is_public_call;

/// Largest message of a call that needs no credentials, bytes: it has no fields.
const MAX_PUBLIC_MESSAGE: usize = 1 << 10;
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

    /// The request with its message in one piece, uncompressed. Among its extensions are its caller
    /// and the memory that it takes, which the handler holds to its end.
    pub(super) async fn admit(&self, request: Request<Body>) -> Result<Request<Body>, Status> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path();
        let (mut memory, limit) = if is_public_call(path) {
            (self.memory.anonymous(), MAX_PUBLIC_MESSAGE)
        } else if path.starts_with("/spiderq.v1.") {
            let identified =
                self.service.authenticate(path, &head.headers, &mut head.extensions).await;
            let account = identified.map_err(|error| spiderq_service::status_of(&error))?;
            let path = head.uri.path();
            let limit = method_limits::max_message_bytes(path, self.max_body);
            (self.memory.account(&account), limit)
        } else {
            return Ok(Request::from_parts(head, body));
        };
        let message = read(&head, body, limit, &mut memory).await;
        // As a handler would, for a call that never comes to it.
        let message = message.inspect_err(|status| {
            spiderq_service::log_refusal(path, &head.headers, status);
        })?;
        head.extensions.insert(HeldMemory::from(memory));
        Ok(Request::from_parts(head, message.into_body()))
    }
}

/// The message, once there is memory for all that it costs.
async fn read(
    head: &Parts,
    body: Body,
    limit: usize,
    memory: &mut Reservation,
) -> Result<Message, Status> {
    let message = request_message::read(&head.headers, body, limit, memory).await?;
    let elements = Elements::of_call(head.uri.path()).count(message.payload())?;
    let cost = COPIES * message.payload().len() + elements * ELEMENT_BYTES;
    let more = cost.saturating_sub(memory.bytes());
    memory.grow_in_time(more).await.map_err(|error| spiderq_service::status_of(&error))?;
    Ok(message)
}
