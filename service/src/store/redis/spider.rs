//! Names and numbers of spiders.

use serde::Serialize;

use super::{
    RedisStore,
    errors::bad_reply,
    keys::{Keys, spider_field},
    scripts,
};
use crate::{
    error::Result,
    model::{ProjectId, SpiderId, SpiderName},
};

#[derive(Serialize)]
struct SpiderArg<'a> {
    name: &'a str,
}

/// [`Store::spider_name`](crate::store::Store::spider_name).
pub(super) async fn name(
    store: &RedisStore,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let mut pipe = redis::pipe();
    pipe.hget(Keys(project).spiders(), spider.get());
    let (name,): (Option<String>,) = store.connection.pipe(&pipe).await?;
    name.map(|name| SpiderName::parse(&name).map_err(bad_reply))
        .transpose()
}

/// [`Store::spider_id`](crate::store::Store::spider_id).
pub(super) async fn id(
    store: &RedisStore,
    project: ProjectId,
    name: &SpiderName,
    create: bool,
) -> Result<Option<SpiderId>> {
    let number: Option<String> = if create {
        let argument = SpiderArg {
            name: name.as_str(),
        };
        let keys = Keys(project).script(None);
        store
            .connection
            .run(&scripts::SPIDER, &keys, &argument)
            .await?
    } else {
        let mut pipe = redis::pipe();
        pipe.hget(Keys(project).counters(), spider_field(name.as_str()));
        let (number,) = store.connection.pipe(&pipe).await?;
        number
    };
    number
        .map(|number| SpiderId::parse(&number).map_err(bad_reply))
        .transpose()
}
