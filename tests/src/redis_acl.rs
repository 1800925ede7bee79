//! A private `redis-server` with the user that `docs/redis.md` tells operators to make.

use std::{fs, path::Path};

use crate::redis_server::RedisServer;

const USER: &str = "spiderq";
const PASSWORD: &str = "p@ss/w?rd";

/// A running server; killed on drop, which fails the test if a command or key was refused.
#[derive(Debug)]
pub struct RedisAcl {
    server: RedisServer,
}

impl RedisAcl {
    /// Starts one, where a user of that name may do all until the documented line is run.
    #[must_use]
    pub fn start() -> Self {
        let server = RedisServer::start(&[]);
        let lax = ["on", ">OTHER", "~*", "&*", "+@all", "(~* &* +@all)"];
        server.command::<()>(&[&["ACL", "SETUSER", USER], &lax[..]].concat());
        let line = line();
        let words = line.split(' ').map(|word| match word {
            ">PASSWORD" => format!(">{PASSWORD}"),
            word => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        server.command::<()>(&words);
        Self { server }
    }

    /// What `--store` takes.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url_of(USER, "p%40ss%2Fw%3Frd")
    }

    /// The same as the redis crate takes it.
    #[must_use]
    pub fn plain_url(&self) -> String {
        let url = self.server.url();
        format!("{url}?user={USER}&pass=p%40ss%2Fw%3Frd")
    }

    /// Takes a command from the user.
    pub fn forbid(&self, command: &str) {
        self.server.command::<()>(&["ACL", "SETUSER", USER, &format!("-{command}")]);
    }

    /// The number of refusals so far. The log is then empty.
    #[must_use]
    pub fn forget_refused(&self) -> usize {
        let refused = self.refused().len();
        self.server.command::<()>(&["ACL", "LOG", "RESET"]);
        refused
    }

    /// What was refused so far, as Redis logs it.
    #[must_use]
    pub fn refused(&self) -> Vec<redis::Value> {
        self.server.command(&["ACL", "LOG"])
    }
}

impl Drop for RedisAcl {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.refused(), [], "add it to docs/redis.md");
        }
    }
}

/// The documented line.
fn line() -> String {
    let doc = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/redis.md");
    let doc = fs::read_to_string(doc).expect("docs/redis.md");
    let line = doc.lines().find(|line| line.starts_with("ACL SETUSER "));
    line.expect("a line of ACL SETUSER").to_owned()
}
