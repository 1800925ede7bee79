//! Measures durable pushes a second, one job a call, from 50 clients at once, on the store
//! that the first argument names (`sqlite:FILE` or a Redis URL).

#![allow(clippy::print_stdout, reason = "its answer is what it prints")]

use std::{sync::Arc, time::Instant};

use spiderq_service::{
    error::{Error, Result},
    model::{Actor, Counters, JsonText, Metadata, Millis, Priority, ProjectId, SpiderName},
    model::{State, Tags, Units},
    store::{NewJob, Store, StoreUrl, open},
};

const CLIENTS: usize = 50;
const PUSHES: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1);
    let url = url.ok_or_else(|| Error::invalid("store", "is the first argument"))?;
    let store = open(&StoreUrl::parse(&url)?).await?;
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(push(Arc::clone(&store)))).collect();
    for client in clients {
        client.await.map_err(Error::bug)??;
    }
    let rate = (CLIENTS * PUSHES) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} pushes/s");
    Ok(())
}

async fn push(store: Arc<dyn Store>) -> Result<()> {
    let mut metadata = Metadata::default();
    metadata.set("spider_type", JsonText::string("manual"));
    metadata.set("spider_args", JsonText::parse(r#"{"category": "books"}"#)?);
    let job = NewJob {
        spider: SpiderName::parse("books")?,
        state: State::Pending,
        scheduled: false,
        actor: Actor::parse("load")?,
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::default(),
        unique: None,
        counters: Counters::default(),
        metadata,
        start: None,
    };
    let project = ProjectId::new(1)?;
    for _ in 0..PUSHES {
        let now = Millis(1_700_000_000_000);
        store.push(project, vec![job.clone()], now, None).await?;
    }
    Ok(())
}
