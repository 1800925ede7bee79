//! A private Redis Cluster on ports of the loopback interface, each master with or without a
//! replica.

use std::{sync::OnceLock, time::Instant};

use crate::{ports::free_port, redis_server::RedisServer, wait::TIMEOUT};

/// Silence after which a node counts as gone, ms: short where a replica is to take over, and
/// otherwise so long that no node of a busy machine is taken for gone.
const NODE_TIMEOUT_WITH_REPLICAS: &str = "2000";
const NODE_TIMEOUT: &str = "15000";

/// A running cluster; killed on drop.
#[derive(Debug)]
pub struct RedisCluster {
    /// Masters first.
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    server: RedisServer,
    port: u16,
    bus: u16,
}

impl RedisCluster {
    /// Three masters, each with a replica if `replicas`.
    #[must_use]
    pub fn start(replicas: bool, options: &[&str]) -> Self {
        Self::of(3, replicas, options, RedisServer::start)
    }

    /// Three masters for all tests of this process that do not disturb it. Each must use
    /// projects of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::of(3, false, &[], RedisServer::for_all))
    }

    /// One master with all slots, for tests that wipe it.
    #[must_use]
    pub fn small() -> Self {
        Self::of(1, false, &[], RedisServer::for_all)
    }

    /// What `--store` takes.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes = self.nodes.iter();
        let nodes: Vec<String> = nodes.map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The node that has the slot of `project`, by what another node says.
    #[must_use]
    pub fn master_of(&self, project: u64) -> usize {
        self.owner_of(&format!("sq:{{{project}}}:counters"))
    }

    /// The node that has the slot of `key`, by what another node says.
    #[must_use]
    pub fn owner_of(&self, key: &str) -> usize {
        let asked = self.nodes.iter().find(|node| node.server.runs());
        let asked = &asked.expect("a node that runs").server;
        let slot: u16 = asked.command(&["CLUSTER", "KEYSLOT", key]);
        let nodes: String = asked.command(&["CLUSTER", "NODES"]);
        let port = nodes.lines().find_map(|line| owner(line, slot));
        let port = port.expect("an owner of every slot");
        let owner = self.nodes.iter().position(|node| node.port == port);
        owner.expect("a node of ours")
    }

    /// The server of a node.
    #[must_use]
    pub fn server(&self, node: usize) -> &RedisServer {
        &self.nodes[node].server
    }

    /// Kills a node with SIGKILL.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].server.kill();
    }

    /// Kills all nodes, and starts them again.
    pub fn restart(&mut self) {
        for node in &mut self.nodes {
            node.server.kill();
        }
        for node in &mut self.nodes {
            node.server.restart();
        }
        self.every_node("CLUSTER", "the cluster does not serve", serves);
    }

    /// Waits until another node than `node` serves the slot of `project`.
    pub fn wait_for_fail_over(&self, project: u64, node: usize) {
        until("no fail-over", || {
            let master = self.master_of(project);
            let info = || self.server(master).command::<String>(&["CLUSTER", "INFO"]);
            master != node && serves(&info())
        });
    }

    /// Begins to move the slot of `key` from one node to another.
    pub fn begin_move(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key);
        let set = |node: usize, state: &str, other: usize| {
            let id = self.id(other);
            let words = ["CLUSTER", "SETSLOT", &slot, state, &id];
            self.server(node).command::<()>(&words);
        };
        set(to, "IMPORTING", from);
        set(from, "MIGRATING", to);
    }

    /// Moves what is in the slot of `key`.
    pub fn move_keys(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key);
        let list = ["CLUSTER", "GETKEYSINSLOT", &slot, "1000"];
        let keys: Vec<String> = self.server(from).command(&list);
        let port = self.nodes[to].port.to_string();
        for key in keys {
            let words = ["MIGRATE", "127.0.0.1", &port, &key, "0", "1000"];
            self.server(from).command::<()>(&words);
        }
    }

    /// Tells every node that the slot of `key` has moved.
    pub fn end_move(&self, key: &str, to: usize) {
        let (slot, id) = (self.slot(key), self.id(to));
        for node in &self.nodes {
            let words = ["CLUSTER", "SETSLOT", &slot, "NODE", &id];
            node.server.command::<()>(&words);
        }
    }

    fn slot(&self, key: &str) -> String {
        let slot: u16 = self.server(0).command(&["CLUSTER", "KEYSLOT", key]);
        slot.to_string()
    }

    fn id(&self, node: usize) -> String {
        self.server(node).command(&["CLUSTER", "MYID"])
    }

    fn of(
        masters: usize,
        replicas: bool,
        options: &[&str],
        start: impl Fn(&[&str]) -> RedisServer,
    ) -> Self {
        let (count, node_timeout) = match replicas {
            true => (2 * masters, NODE_TIMEOUT_WITH_REPLICAS),
            false => (masters, NODE_TIMEOUT),
        };
        let node = |_| {
            let (port, bus) = (free_port(), free_port());
            let (port_text, bus_text) = (port.to_string(), bus.to_string());
            let own = [
                "--port",
                &port_text,
                "--cluster-port",
                &bus_text,
                "--bind",
                "127.0.0.1",
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                node_timeout,
                // One lost master is no reason to stop the others.
                "--cluster-require-full-coverage",
                "no",
                "--repl-diskless-sync-delay",
                "0",
            ];
            let server = start(&[&own, options].concat());
            Node { server, port, bus }
        };
        let cluster = Self { nodes: (0..count).map(node).collect() };
        cluster.join(masters);
        cluster
    }

    /// Assigns the slots, makes the nodes known to each other, and waits until all agree.
    fn join(&self, masters: usize) {
        let (first, others) = self.nodes.split_first().expect("a node");
        for node in others {
            let (port, bus) = (node.port.to_string(), node.bus.to_string());
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus];
            first.server.command::<()>(&meet);
        }
        for (place, node) in self.nodes[..masters].iter().enumerate() {
            let bound = |place: usize| place * 16_384 / masters;
            let from = bound(place).to_string();
            let to = (bound(place + 1) - 1).to_string();
            let slots = ["CLUSTER", "ADDSLOTSRANGE", &from, &to];
            node.server.command::<()>(&slots);
        }
        let all = format!("cluster_known_nodes:{}\r\n", self.nodes.len());
        self.every_node("CLUSTER", "the nodes do not meet", |info| info.contains(&all));
        for (place, node) in self.nodes[masters..].iter().enumerate() {
            let master: String = self.nodes[place].server.command(&["CLUSTER", "MYID"]);
            let replicate = ["CLUSTER", "REPLICATE", &master];
            node.server.command::<()>(&replicate);
        }
        let served = |info: &str| serves(info) && info.contains("cluster_slots_ok:16384");
        self.every_node("CLUSTER", "the cluster does not serve", served);
        self.every_node("INFO", "a replica does not follow", |info| {
            info.contains("role:master") || info.contains("master_link_status:up")
        });
    }

    fn every_node(&self, command: &str, complaint: &str, good: impl Fn(&str) -> bool) {
        let words: &[&str] = match command {
            "CLUSTER" => &["CLUSTER", "INFO"],
            other => &[other],
        };
        for node in &self.nodes {
            until(complaint, || good(&node.server.command::<String>(words)));
        }
    }
}

fn serves(info: &str) -> bool {
    info.contains("cluster_state:ok")
}

/// The port of the master in a line of CLUSTER NODES, if it has `slot`.
fn owner(line: &str, slot: u16) -> Option<u16> {
    let words: Vec<&str> = line.split(' ').collect();
    let has = |range: &&str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let bound = |text: &str| text.parse::<u16>().unwrap_or(u16::MAX);
        (bound(from)..=bound(to)).contains(&slot)
    };
    words.get(8..)?.iter().find(|range| has(range))?;
    let (address, _) = words[1].split_once('@')?;
    address.rsplit_once(':')?.1.parse().ok()
}

/// Asks until the answer is yes.
pub(crate) fn until(complaint: &str, mut answer: impl FnMut() -> bool) {
    let began = Instant::now();
    while !answer() {
        assert!(began.elapsed() < TIMEOUT, "{complaint}");
    }
}
