//! `ProjectService`. Its calls come with a later version; until then the generated stubs
//! answer UNIMPLEMENTED.

use spiderq_proto::v1::project_service_server::ProjectService;
use tonic::async_trait;

/// `spiderq.v1.ProjectService`.
#[derive(Clone, Debug)]
pub struct ProjectApi;

#[async_trait]
impl ProjectService for ProjectApi {}
