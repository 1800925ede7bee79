//! How messages name a spider.

use spiderq_proto::v1::{SpiderRef, spider_ref::Spider};

pub(crate) fn by_id(number: i64) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Id(number)) }
}

pub(crate) fn by_name(name: impl Into<String>) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Name(name.into())) }
}
