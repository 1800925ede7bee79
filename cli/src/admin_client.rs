//! Calls of an admin to a running server: the connection, the credentials, and what its refusals
//! mean on the command line.

use std::{error::Error as _, time::Duration};

use spiderq_core::TlsFailure;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
    transport::Channel,
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    args::{AdminKey, Connection},
    error::Error,
    secrets,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the server that the flags name.
pub(crate) async fn connect(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.endpoint()?.connect_timeout(CONNECT_TIMEOUT).connect().await;
    let server = &connection.server;
    channel.map_err(|error| match TlsFailure::find(&error) {
        Some(failure) => Error::new(format!("can't connect to {server}: {failure}")),
        None => Error::new(format!("no server answers at {server}; start it with `spiderq serve`")),
    })
}

/// Adds the admin key to each call, and an id by which logs and the audit name the calls of this
/// command.
#[derive(Clone)]
pub(crate) struct Credentials {
    bearer: MetadataValue<Ascii>,
    request_id: MetadataValue<Ascii>,
}

impl Credentials {
    pub(crate) fn new(flags: AdminKey) -> Result<Self, Error> {
        let (key, file) = (flags.admin_key, flags.admin_key_file.as_deref());
        let key = secrets::required("admin-key", key, file, "an API key of role admin")?;
        let bearer = format!("Bearer {}", key.expose()).parse();
        let bad = |_| Error::option("admin-key", "must be 32 hexadecimal characters");
        let mut bearer: MetadataValue<Ascii> = bearer.map_err(bad)?;
        bearer.set_sensitive(true);
        let request_id = Uuid::now_v7().to_string().parse();
        let request_id = request_id.map_err(|_| Error::new("can't make a request id"))?;
        Ok(Self { bearer, request_id })
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request.metadata_mut().insert("x-request-id", self.request_id.clone());
        Ok(request)
    }
}

/// Why a call failed. `flags`: what sets each field of the request on the command line.
pub(crate) fn call_error(status: &Status, server: &str, flags: &[(&str, &str)]) -> Error {
    if let Some(failure) = TlsFailure::find(status) {
        return Error::new(format!("can't talk to {server}: {failure}"));
    }
    // Only errors of our own side have a source.
    if status.source().is_some() {
        let failed = format!("the connection to {server} failed: {}", status.message());
        // A server's refusal of a client's certificate may be lost with the connection.
        let hint = match server.starts_with("https://") {
            true => "; where the server has --tls-client-ca, it wants --tls-client-cert",
            false => "",
        };
        return Error::new(failed + hint);
    }
    let wrong = status.get_details_bad_request().map(|details| details.field_violations);
    let wrong = wrong.unwrap_or_default();
    let texts = wrong.iter().map(|wrong| {
        let field = wrong.field.split('[').next().unwrap_or(&wrong.field);
        let flag = flags.iter().find(|(name, _)| *name == field).map_or(field, |(_, flag)| flag);
        format!("{flag}: {}", with_flags(&wrong.description, flags))
    });
    let texts: Vec<String> = texts.collect();
    Error::new(if texts.is_empty() { status.message().to_owned() } else { texts.join("; ") })
}

/// The same text with flags in place of names that are no words, such as `all_projects`.
fn with_flags(text: &str, flags: &[(&str, &str)]) -> String {
    let names = flags.iter().filter(|(name, _)| name.contains('_'));
    names.fold(text.to_owned(), |text, (name, flag)| text.replace(name, flag))
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    const FLAGS: [(&str, &str); 2] =
        [("projects", "--project"), ("all_projects", "--all-projects")];

    fn shown(wrong: &[(&str, &str)]) -> String {
        let wrong = wrong.iter().map(|(field, text)| FieldViolation::new(*field, *text));
        let details = ErrorDetails::with_bad_request(wrong.collect::<Vec<_>>());
        let status = Status::with_error_details(Code::InvalidArgument, "message", details);
        call_error(&status, "http://s", &FLAGS).to_string()
    }

    #[test]
    fn an_error_of_a_call_speaks_of_flags() {
        let told = shown(&[("projects[2]", "must be positive")]);
        assert_eq!(told, "--project: must be positive");
        let told = shown(&[("projects", "must be empty with all_projects"), ("other", "is bad")]);
        assert_eq!(told, "--project: must be empty with --all-projects; other: is bad");
        assert_eq!(shown(&[]), "message");
    }

    #[test]
    fn a_broken_connection_is_told_from_an_answer() {
        let broken = Status::from_error(Box::new(std::io::Error::other("gone")));
        let told = call_error(&broken, "http://s", &FLAGS).to_string();
        assert!(told.starts_with("the connection to http://s failed: "), "{told}");
        let told = call_error(&broken, "https://s", &FLAGS).to_string();
        assert!(told.ends_with("it wants --tls-client-cert"), "{told}");
    }
}
