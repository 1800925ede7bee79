//! Counts the elements of an encoded message, before memory is taken for them: an element of two
//! bytes decodes to a hundred times as much. What is a list and what a text, the descriptors of
//! the API say.

use std::{collections::HashMap, sync::LazyLock};

use prost::{
    Message as _,
    bytes::Buf as _,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use spiderq_core::{
    error::Error,
    limits::{MAX_ITEMS, MAX_MESSAGE_ELEMENTS, MAX_OUTPUT_BATCH_LINES},
};
use spiderq_proto::DESCRIPTOR_SET;
use tonic::Status;

/// What is known of one kind of message.
#[derive(Debug, Default)]
struct Shape {
    fields: HashMap<u32, Field>,
    is_map_entry: bool,
}

#[derive(Debug)]
struct Field {
    name: String,
    is_list: bool,
    /// How many elements of it a request may have, if it is a list of the request itself.
    most: usize,
    /// Whether it is a number, a flag or an enum: a list of them may be packed into bytes.
    is_number: bool,
    /// Full name of the message that it holds, if it holds one.
    message: Option<String>,
}

/// By full name.
type Shapes = HashMap<String, Shape>;

static SHAPES: LazyLock<Shapes> = LazyLock::new(shapes);
static REQUESTS: LazyLock<HashMap<String, String>> = LazyLock::new(requests);

/// Counts the elements of the requests of one method.
#[derive(Debug)]
pub(super) struct Elements(Option<&'static Shape>);

impl Elements {
    /// Of the method at `path`, as `/spiderq.v1.JobService/GetJob`.
    pub(super) fn of_call(path: &str) -> Self {
        Self(REQUESTS.get(path).and_then(|request| SHAPES.get(request)))
    }

    /// Texts, bytes, messages and listed numbers in `message`, at any depth. `RESOURCE_EXHAUSTED`
    /// with more than [`MAX_ITEMS`] in a list of the request itself or in one of numbers, or more
    /// than [`MAX_MESSAGE_ELEMENTS`] in all. What can't be decoded is left to tonic to refuse.
    pub(super) fn count(&self, message: &[u8]) -> Result<usize, Status> {
        let Some(shape) = self.0 else { return Ok(0) };
        let mut counter = Counter { all: 0, lists: HashMap::new() };
        counter
            .walk(message, Some(shape), 0)
            .map_err(|error| spiderq_service::status_of(&error))?;
        Ok(counter.all)
    }
}

struct Counter {
    all: usize,
    /// Elements of lists, by depth and field number.
    lists: HashMap<(usize, u32), usize>,
}

impl Counter {
    fn walk(
        &mut self,
        mut rest: &[u8],
        shape: Option<&'static Shape>,
        depth: usize,
    ) -> Result<(), Error> {
        while rest.has_remaining() {
            let Ok((number, wire_type)) = decode_key(&mut rest) else { return Ok(()) };
            if wire_type != WireType::LengthDelimited {
                if skip_field(wire_type, number, &mut rest, DecodeContext::default()).is_err() {
                    return Ok(());
                }
                let field = shape.and_then(|shape| shape.fields.get(&number));
                if field.is_some_and(|field| field.is_list && field.is_number) {
                    self.add(number, field, depth, 1)?;
                }
                continue;
            }
            let length = decode_varint(&mut rest).ok().and_then(|length| length.try_into().ok());
            let Some((value, after)) =
                length.and_then(|length: usize| rest.split_at_checked(length))
            else {
                return Ok(());
            };
            rest = after;
            let field = shape.and_then(|shape| shape.fields.get(&number));
            let is_packed = field.is_some_and(|field| field.is_number);
            self.add(number, field, depth, if is_packed { packed(value) } else { 1 })?;
            let inner = field.and_then(|field| field.message.as_deref());
            if let Some(inner) = inner {
                self.walk(value, SHAPES.get(inner), depth + 1)?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        number: u32,
        field: Option<&Field>,
        depth: usize,
        count: usize,
    ) -> Result<(), Error> {
        self.all += count;
        if self.all > MAX_MESSAGE_ELEMENTS {
            let accepted = format!("must have at most {MAX_MESSAGE_ELEMENTS} elements in all");
            return Err(Error::too_large("message", accepted));
        }
        let is_bounded = |field: &&Field| field.is_list && (depth == 0 || field.is_number);
        let Some(field) = field.filter(is_bounded) else { return Ok(()) };
        let elements = self.lists.entry((depth, number)).or_default();
        *elements += count;
        let most = field.most;
        if *elements > most {
            return Err(Error::too_large(&field.name, format!("at most {most} in one call")));
        }
        Ok(())
    }
}

/// How many numbers are packed into these bytes: the last byte of each has no high bit. No message
/// has numbers of a fixed width, which would count as more than they are.
fn packed(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte < 0x80).count()
}

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap_or_default()
}

fn requests() -> HashMap<String, String> {
    let mut requests = HashMap::new();
    for file in descriptors().file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                requests.insert(path, full_name(method.input_type()));
            }
        }
    }
    requests
}

fn shapes() -> Shapes {
    let mut shapes = Shapes::new();
    for file in descriptors().file {
        for message in &file.message_type {
            add_shape(&mut shapes, file.package(), message);
        }
    }
    let entries: Vec<String> = shapes
        .iter()
        .filter(|(_, shape)| shape.is_map_entry)
        .map(|(name, _)| name.clone())
        .collect();
    // The fields of a map are bounded by their bytes.
    for field in shapes.values_mut().flat_map(|shape| shape.fields.values_mut()) {
        field.is_list &= !field.message.as_ref().is_some_and(|message| entries.contains(message));
    }
    shapes
}

fn add_shape(shapes: &mut Shapes, outer: &str, message: &DescriptorProto) {
    let name = format!("{outer}.{}", message.name());
    for inner in &message.nested_type {
        add_shape(shapes, &name, inner);
    }
    let number = |field: &FieldDescriptorProto| u32::try_from(field.number()).unwrap_or_default();
    let fields = message.field.iter().map(|one| (number(one), field(one))).collect();
    let is_map_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
    shapes.insert(name, Shape { fields, is_map_entry });
}

fn field(field: &FieldDescriptorProto) -> Field {
    Field {
        name: field.name().to_owned(),
        is_list: field.label() == Label::Repeated,
        // The only lists of bytes are lines of output.
        most: if field.r#type() == Type::Bytes { MAX_OUTPUT_BATCH_LINES } else { MAX_ITEMS },
        is_number: !matches!(
            field.r#type(),
            Type::String | Type::Bytes | Type::Message | Type::Group
        ),
        message: (field.r#type() == Type::Message).then(|| full_name(field.type_name())),
    }
}

/// Names of types begin with a dot.
fn full_name(name: &str) -> String {
    name.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use spiderq_proto::v1::{
        AppendOutputRequest, JobFilter, JobUpdate, NewJob, PushJobsRequest, SetJobMetadataRequest,
        UpdateJobsRequest, UpdateQueueRequest,
    };
    use tonic::Code;

    use super::*;

    fn count(path: &str, message: &[u8]) -> Result<usize, String> {
        let counted = Elements::of_call(&format!("/spiderq.v1.{path}")).count(message);
        counted.map_err(|status| {
            assert_eq!(status.code(), Code::ResourceExhausted);
            status.message().to_owned()
        })
    }

    #[test]
    fn a_list_of_the_request_ends_at_its_limit() {
        let updates = |n| UpdateQueueRequest {
            project: 1,
            updates: vec![JobUpdate::default(); n],
            ..UpdateQueueRequest::default()
        };
        let path = "JobQueueService/UpdateQueue";
        assert_eq!(count(path, &updates(MAX_ITEMS).encode_to_vec()), Ok(MAX_ITEMS));
        let refused = Err("updates: at most 1000 in one call".to_owned());
        assert_eq!(count(path, &updates(MAX_ITEMS + 1).encode_to_vec()), refused);
        // Behind a group, which no message of ours has, too.
        let hidden = [&[0x73, 0x74][..], &updates(MAX_ITEMS + 1).encode_to_vec()].concat();
        assert_eq!(count(path, &hidden), refused);
    }

    #[test]
    fn lines_of_output_have_a_limit_of_their_own() {
        let append = |n| AppendOutputRequest {
            lines: vec![bytes::Bytes::new(); n],
            ..AppendOutputRequest::default()
        };
        let path = "JobOutputService/AppendOutput";
        let most = MAX_OUTPUT_BATCH_LINES;
        assert_eq!(count(path, &append(most).encode_to_vec()), Ok(most));
        let refused = Err("lines: at most 100000 in one call".to_owned());
        assert_eq!(count(path, &append(most + 1).encode_to_vec()), refused);
    }

    #[test]
    fn elements_count_at_any_depth_and_maps_only_in_all() {
        let metadata = |n: usize| (0..n).map(|i| (i.to_string(), "1".to_owned())).collect();
        let set = SetJobMetadataRequest {
            key: "1/1/1".to_owned(),
            metadata_json: metadata(2_000),
            ..SetJobMetadataRequest::default()
        };
        let path = "JobService/SetJobMetadata";
        assert_eq!(count(path, &set.encode_to_vec()), Ok(1 + 3 * 2_000));
        let job = NewJob { tags: vec![String::new(); MAX_MESSAGE_ELEMENTS], ..NewJob::default() };
        let push = PushJobsRequest { project: 1, jobs: vec![job], ..PushJobsRequest::default() };
        assert_eq!(
            count("JobQueueService/PushJobs", &push.encode_to_vec()),
            Err("message: must have at most 250000 elements in all".to_owned())
        );
    }

    #[test]
    fn numbers_count_in_a_list_at_any_depth_packed_or_not() {
        let states = |n| UpdateJobsRequest {
            filter: Some(JobFilter { states: vec![1; n], ..JobFilter::default() }),
            ..UpdateJobsRequest::default()
        };
        let path = "JobService/UpdateJobs";
        let refused = Err("states: at most 1000 in one call".to_owned());
        assert_eq!(count(path, &states(MAX_ITEMS).encode_to_vec()), Ok(1 + MAX_ITEMS));
        assert_eq!(count(path, &states(MAX_ITEMS + 1).encode_to_vec()), refused);
        // Numbers of two bytes and of ten.
        let priorities = |n, priority| UpdateJobsRequest {
            filter: Some(JobFilter { priorities: vec![priority; n], ..JobFilter::default() }),
            ..UpdateJobsRequest::default()
        };
        let refused_priorities = Err("priorities: at most 1000 in one call".to_owned());
        for priority in [1, 300, -1] {
            let most = priorities(MAX_ITEMS, priority).encode_to_vec();
            assert_eq!(count(path, &most), Ok(1 + MAX_ITEMS));
            let more = priorities(MAX_ITEMS + 1, priority).encode_to_vec();
            assert_eq!(count(path, &more), refused_priorities);
        }
        // Field 2 of the filter, one by one.
        let filter = [0x10, 1].repeat(MAX_ITEMS + 1);
        let unpacked = [&[0x12, 0xd2, 0x0f][..], &filter].concat();
        assert_eq!(filter.len(), 0x52 | 0x0f << 7);
        assert_eq!(count(path, &unpacked), refused);
    }

    #[test]
    fn texts_are_not_looked_into_and_broken_messages_are_left_to_tonic() {
        let path = "JobQueueService/PushJobs";
        // A text that would be a message of 500 elements.
        let unique_key = "\n\0".repeat(500);
        let job = NewJob { unique_key, ..NewJob::default() };
        let push = PushJobsRequest { project: 1, jobs: vec![job], ..PushJobsRequest::default() };
        let message = push.encode_to_vec();
        assert_eq!(count(path, &message), Ok(2));
        assert_eq!(count(path, &message[..message.len() - 1]), Ok(0));
        assert_eq!(count("JobService/Unknown", &message), Ok(0));
    }
}
