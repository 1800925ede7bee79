//! Metadata of jobs: values byte for byte, names of fields, the limit of their size, etags.

mod etag;
mod json_text;
mod names;
mod size;
mod values;
