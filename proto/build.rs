//! Compiles the .proto files with protox, so that no `protoc` needs to be installed. Besides
//! what tonic generates, it writes the `upstream` module of `src/lib.rs`.

use std::{env, error::Error, fs, path::PathBuf};

use heck::ToSnakeCase as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use protox::Compiler;

const ROOT: &str = ".";
const FOLDER: &str = "spiderq/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-changed=google");
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        files.push(entry?.path());
    }
    files.sort();
    // No message names it, but it is what the details of every `google.rpc.Status` hold: tools that
    // know the API by reflection could not print a refused item without it.
    files.push(PathBuf::from("google/rpc/error_details.proto"));
    let mut compiler = Compiler::new([ROOT])?;
    compiler.include_imports(true).open_files(files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Encoded by the compiler, as the types of prost drop the options that Google's files define.
    fs::write(out.join("spiderq_v1.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();
    fs::write(out.join("upstream.rs"), upstream(&descriptors))?;
    tonic_prost_build::configure()
        .btree_map(".")
        // Lines are slices of what was received or read, not copies.
        .bytes(".spiderq.v1.AppendOutputRequest.lines")
        .bytes(".spiderq.v1.ReadOutputResponse.lines")
        .generate_default_stubs(true)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds(descriptors)?;
    Ok(())
}

/// For each service a type that implements the server trait by calling the client.
fn upstream(descriptors: &FileDescriptorSet) -> String {
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    services.map(upstream_service).collect()
}

fn upstream_service(service: &ServiceDescriptorProto) -> String {
    let (name, module) = (service.name(), service.name().to_snake_case());
    let methods: String = service.method.iter().map(upstream_method).collect();
    format!(
        "/// Calls the `{name}` of another process.
#[derive(Clone, Debug)]
pub struct {name}(pub {module}_client::{name}Client<Channel>);

#[tonic::async_trait]
impl {module}_server::{name} for {name} {{{methods}}}
"
    )
}

fn upstream_method(method: &MethodDescriptorProto) -> String {
    assert!(!method.client_streaming(), "{}: client streams are not supported", method.name());
    let name = method.name().to_snake_case();
    let [request, response] = [method.input_type(), method.output_type()].map(message);
    // The server trait boxes a stream, the client does not.
    let (response, boxed) = match method.server_streaming() {
        true => (format!("BoxStream<{response}>"), ".map(|messages| Box::pin(messages) as _)"),
        false => (response.to_owned(), ""),
    };
    format!(
        "
    async fn {name}(&self, request: Request<{request}>) -> Result<Response<{response}>, Status> {{
        Ok(self.0.clone().{name}(request).await?{boxed})
    }}
"
    )
}

/// `GetJobRequest` of `.spiderq.v1.GetJobRequest`.
fn message(full_name: &str) -> &str {
    full_name.rsplit('.').next().unwrap_or(full_name)
}
