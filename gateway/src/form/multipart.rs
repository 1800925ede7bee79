//! A multipart body without files in place of a form: each part is a parameter.

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use futures::stream;
use multer::Multipart;

use crate::{errors::Problem, params::Params};

/// `content_type` names the boundary between the parts.
pub(super) async fn parse(content_type: &str, body: Bytes) -> Params {
    let mut params = Params::default();
    if let Err(error) = read(&mut params, content_type, body).await {
        let accepted = format!("must be the parts of multipart/form-data: {error}");
        params.refuse(Problem::invalid("body", accepted));
    }
    params
}

async fn read(params: &mut Params, content_type: &str, body: Bytes) -> multer::Result<()> {
    let boundary = multer::parse_boundary(content_type)?;
    let body = stream::once(ready(Ok::<_, Infallible>(body)));
    let mut parts = Multipart::new(body, boundary);
    while let Some(part) = parts.next_field().await? {
        let Some(name) = part.name().map(str::to_owned) else {
            params.refuse(Problem::invalid("body", "must have a name in each of its parts"));
            continue;
        };
        if part.file_name().is_some() {
            params.refuse(Problem::invalid(&name, "must be text: files are not taken here"));
            continue;
        }
        params.add_bytes(name.as_bytes(), part.bytes().await?.into());
    }
    Ok(())
}
