//! A Redis Cluster: a link to each master, and a map of slots that a task of its own renews.
//! A master that is away holds up the calls to its own slots, never those of others: that is
//! why this is not the redis crate's cluster client (`docs/decisions/005`).

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures::future::select_ok;
use redis::{
    ErrorKind, FromRedisValue, RedisError, RedisResult, Value, aio::MultiplexedConnection,
};
use spiderq_core::backoff::jittered;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout, timeout_at},
};

use super::{
    command::{Command, Redirect},
    reconnecting::{CONNECTION_WAIT, Link, Live, Pushes},
    server::{Access, CONNECT_TIMEOUT, Server},
    slots::{self, Range, Slot},
    url::Address,
};
use crate::error::{ends_connection, misplaced, not_connected};

/// Most nodes that one call may be sent on to.
const MAX_REDIRECTS: usize = 5;
/// Between two renewals of the map, with jitter, however many ask for one.
const RENEWAL_PAUSE: Duration = Duration::from_millis(100);

/// The handle; the task ends with the last of them.
#[derive(Clone)]
pub(crate) struct Cluster {
    map: watch::Receiver<Arc<Map>>,
    /// Asks for a new map, of this node first. At most one wish waits: one renewal serves all.
    wanted: mpsc::Sender<Option<Node>>,
}

/// A master.
#[derive(Clone, Debug)]
struct Node {
    address: Address,
    link: Link,
}

/// Which master has which slot.
struct Map {
    nodes: Vec<Node>,
    /// By slot, an index of `nodes`; beyond its end where no master serves the slot.
    owners: Vec<u16>,
}

impl Map {
    fn owner(&self, slot: Slot) -> Option<&Node> {
        let index = self.owners.get(usize::from(slot))?;
        self.nodes.get(usize::from(*index))
    }
}

impl Cluster {
    /// Reads the map from any of `seeds`.
    pub(crate) async fn open(access: Access, seeds: Vec<Address>) -> RedisResult<Self> {
        let access = Arc::new(access);
        let ranges = ask_seeds(&access, &seeds).await?;
        let (publish, map) = watch::channel(Arc::new(build(&ranges, &[], &access)));
        let (wanted, wishes) = mpsc::channel(1);
        tokio::spawn(renew(access, seeds, publish, wishes));
        Ok(Self { map, wanted })
    }

    /// Sends `command` to the node that has its slot. It is sent again only where a node
    /// said that it did nothing.
    pub(crate) async fn send<T: FromRedisValue>(&self, command: &Command<'_>) -> RedisResult<T> {
        let mut last = not_connected();
        for _ in 0..MAX_REDIRECTS {
            let (node, live) = self.node(command.slot()).await?;
            let error = match live.send(command).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            match Redirect::of(&error) {
                Some(Redirect::Moved) => self.renewed(node).await,
                Some(Redirect::Ask(target)) if command.has_one_key() => {
                    return self.ask(&target, &node, command).await;
                }
                Some(Redirect::Ask(_)) | None => {
                    if ends_connection(&error) || misplaced(&error) {
                        self.want(None);
                    }
                    return Err(error);
                }
            }
            last = error;
        }
        Err(last)
    }

    /// Sends `command` to every master; what each answers, by its name.
    pub(crate) async fn send_to_each<T: FromRedisValue>(
        &self,
        command: &Command<'_>,
    ) -> Vec<(String, RedisResult<T>)> {
        let map = Arc::clone(&self.map.borrow());
        let each = map.nodes.iter().map(|node| async {
            let answer = node.link.send(command).await;
            if answer.is_err() {
                self.want(None);
            }
            (node.address.to_string(), answer)
        });
        futures::future::join_all(each).await
    }

    /// A link to each master that is known.
    pub(crate) fn masters(&self) -> Vec<Link> {
        let map = self.map.borrow();
        map.nodes.iter().map(|node| node.link.clone()).collect()
    }

    /// A connection of its own to any master.
    pub(crate) async fn subscriber(
        &self,
        access: &Access,
        pushes: Pushes,
    ) -> RedisResult<MultiplexedConnection> {
        let map = Arc::clone(&self.map.borrow());
        let tries = map.nodes.iter().map(|node| {
            let connecting = access.connect(&node.address, Some(pushes.clone()));
            Box::pin(connecting)
        });
        let tries: Vec<_> = tries.collect();
        if tries.is_empty() {
            self.want(None);
            return Err(not_connected());
        }
        let (connection, _) = select_ok(tries).await.inspect_err(|_| self.want(None))?;
        Ok(connection)
    }

    /// The node of a slot, or any, with its connection; waits for both, but not long.
    async fn node(&self, slot: Option<Slot>) -> RedisResult<(Node, Live)> {
        let mut map = self.map.clone();
        let until = Instant::now() + CONNECTION_WAIT;
        loop {
            let known = Arc::clone(&map.borrow_and_update());
            let node = match slot {
                Some(slot) => known.owner(slot),
                None => {
                    let up = |node: &&Node| node.link.now().is_some();
                    known.nodes.iter().find(up).or(known.nodes.first())
                }
            };
            if let Some(node) = node
                && let Some(live) = node.link.now()
            {
                return Ok((node.clone(), live));
            }
            self.want(None);
            let ready = async {
                match node {
                    Some(node) => node.link.wait().await,
                    None => std::future::pending().await,
                }
            };
            // Either way it is looked up again.
            let change = async {
                tokio::select! {
                    _ = ready => {}
                    _ = map.changed() => {}
                }
            };
            timeout_at(until, change).await.map_err(|_| not_connected())?;
        }
    }

    /// To a node that takes a slot over, and may have no slot yet.
    async fn ask<T: FromRedisValue>(
        &self,
        target: &str,
        from: &Node,
        command: &Command<'_>,
    ) -> RedisResult<T> {
        let unreadable = || RedisError::from((ErrorKind::Io, "ASK to an unreadable address"));
        let (host, port) = target.rsplit_once(':').ok_or_else(unreadable)?;
        let port = port.parse().map_err(|_| unreadable())?;
        let address = slots::address(host, port, &from.address);
        let map = Arc::clone(&self.map.borrow());
        let Some(node) = map.nodes.iter().find(|node| node.address == address) else {
            self.want(Some(from.clone()));
            return Err(not_connected());
        };
        // The map may be so new that the link to this node is not up yet.
        let live = timeout(CONNECTION_WAIT, node.link.wait()).await;
        live.map_err(|_| not_connected())??.send_asking(command).await
    }

    /// Waits until the map has been renewed by what `node` says: it has just redirected us.
    async fn renewed(&self, node: Node) {
        let mut map = self.map.clone();
        map.mark_unchanged();
        self.want(Some(node));
        // If it was not renewed, the next node redirects again.
        let _ = timeout(CONNECTION_WAIT, map.changed()).await;
    }

    fn want(&self, by: Option<Node>) {
        // A full channel means that a renewal is under way.
        let _ = self.wanted.try_send(by);
    }
}

/// Renews the map when asked to, until the last handle is gone.
async fn renew(
    access: Arc<Access>,
    seeds: Vec<Address>,
    publish: watch::Sender<Arc<Map>>,
    mut wishes: mpsc::Receiver<Option<Node>>,
) {
    while let Some(by) = wishes.recv().await {
        let known = Arc::clone(&publish.borrow());
        match ask(&access, &seeds, by, &known).await {
            Ok(ranges) => {
                let map = build(&ranges, &known.nodes, &access);
                // Also when it is the same: callers wait for it.
                publish.send_replace(Arc::new(map));
            }
            Err(error) => {
                tracing::debug!(%error, "can't read the slots of the cluster from any node")
            }
        }
        if timeout(jittered(RENEWAL_PAUSE), publish.closed()).await.is_ok() {
            return;
        }
    }
}

/// The first good answer: of `by` alone, else of the masters, else of the seeds.
async fn ask(
    access: &Access,
    seeds: &[Address],
    by: Option<Node>,
    known: &Map,
) -> RedisResult<Vec<Range>> {
    if let Some(node) = by
        && let Ok(ranges) = ask_node(&node).await
    {
        return Ok(ranges);
    }
    let up = known.nodes.iter().filter(|node| node.link.now().is_some());
    let asked: Vec<_> = up.map(|node| Box::pin(ask_node(node))).collect();
    if !asked.is_empty()
        && let Ok((ranges, _)) = select_ok(asked).await
    {
        return Ok(ranges);
    }
    ask_seeds(access, seeds).await
}

async fn ask_node(node: &Node) -> RedisResult<Vec<Range>> {
    let mut question = redis::pipe();
    question.cmd("CLUSTER").arg("SLOTS");
    let live = node.link.now().ok_or_else(not_connected)?;
    let command = Command::Pipeline(&question);
    let answer = timeout(CONNECT_TIMEOUT, live.send(&command)).await;
    let (slots,): (Value,) = answer.map_err(|_| not_connected())??;
    slots::ranges(slots, &node.address)
}

async fn ask_seeds(access: &Access, seeds: &[Address]) -> RedisResult<Vec<Range>> {
    let ask = |seed| async move {
        let mut connection = access.connect(seed, None).await?;
        let mut question = redis::cmd("CLUSTER");
        let slots = question.arg("SLOTS").query_async(&mut connection).await?;
        slots::ranges(slots, seed)
    };
    let asked: Vec<_> = seeds.iter().map(|seed| Box::pin(ask(seed))).collect();
    Ok(select_ok(asked).await?.0)
}

/// Links to masters that are known already are kept; those to others end.
fn build(ranges: &[Range], known: &[Node], access: &Arc<Access>) -> Map {
    let mut indexes: HashMap<&Address, u16> = HashMap::new();
    let mut map = Map { nodes: Vec::new(), owners: vec![u16::MAX; slots::COUNT] };
    for range in ranges {
        let index = *indexes.entry(&range.master).or_insert_with(|| {
            let same = known.iter().find(|node| node.address == range.master);
            map.nodes.push(same.cloned().unwrap_or_else(|| Node {
                address: range.master.clone(),
                link: Link::start(Server {
                    access: access.as_ref().clone(),
                    address: range.master.clone(),
                }),
            }));
            (map.nodes.len() - 1) as u16
        });
        map.owners[usize::from(range.first)..=usize::from(range.last)].fill(index);
    }
    map
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster(…)")
    }
}
