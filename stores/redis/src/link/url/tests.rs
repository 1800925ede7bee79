//! Redis URLs, good and bad.

use super::*;

fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp(host.to_owned(), port)
}

fn login(user: &str, password: &str) -> Login {
    Login { user: Some(user.to_owned()), password: Some(password.to_owned()) }
}

fn plain(topology: Topology) -> RedisUrl {
    RedisUrl { topology, login: Login::default(), tls: None, db: 0 }
}

fn parsed(text: &str) -> RedisUrl {
    RedisUrl::parse(text).unwrap()
}

fn refusal(text: &str) -> String {
    RedisUrl::parse(text).unwrap_err().to_string()
}

#[test]
fn a_server_has_a_host_and_perhaps_a_port_and_a_database() {
    let server = |address| plain(Topology::Server(address));
    assert_eq!(parsed("redis://one"), server(tcp("one", 6379)));
    assert_eq!(parsed("redis://one:7/"), server(tcp("one", 7)));
    assert_eq!(parsed("redis://[::1]:7"), server(tcp("::1", 7)));
    let third = RedisUrl { db: 3, ..server(tcp("10.0.0.1", 6379)) };
    assert_eq!(parsed("redis://10.0.0.1/3"), third);
}

#[test]
fn a_socket_is_a_path() {
    let socket = Topology::Server(Address::Unix(PathBuf::from("/run/a b@c")));
    let expected = RedisUrl { db: 2, ..plain(socket) };
    assert_eq!(parsed("redis+unix:///run/a%20b%40c?db=2"), expected);
}

#[test]
fn users_and_passwords_are_percent_decoded() {
    let url = parsed("redis://a%40b:p%2F%3F%23+%25@one");
    assert_eq!(url.login, login("a@b", "p/?#+%"));
    let url = parsed("redis://:only@one");
    let password = Some("only".to_owned());
    assert_eq!((url.login.user, url.login.password), (None, password));
}

#[test]
fn a_cluster_has_nodes_to_begin_with() {
    let url = parsed("rediss+cluster://u:p@one:7000,two,[fe80::2]:7002?tls_ca=/ca.pem");
    let nodes = vec![tcp("one", 7000), tcp("two", 6379), tcp("fe80::2", 7002)];
    let expected = RedisUrl {
        topology: Topology::Cluster(nodes),
        login: login("u", "p"),
        tls: Some(TlsFiles { ca: Some(PathBuf::from("/ca.pem")), client: None }),
        db: 0,
    };
    assert_eq!(url, expected);
}

#[test]
fn sentinels_have_a_login_of_their_own() {
    let url = parsed(
        "redis+sentinel://u:p@one,two:7/my.master-1/4?sentinel_user=s&sentinel_password=a%26b",
    );
    let expected = RedisUrl {
        topology: Topology::Sentinel {
            sentinels: vec![tcp("one", 26379), tcp("two", 7)],
            master: "my.master-1".to_owned(),
            login: login("s", "a&b"),
        },
        login: login("u", "p"),
        tls: None,
        db: 4,
    };
    assert_eq!(url, expected);
}

#[test]
fn a_client_certificate_comes_with_its_key() {
    let url = parsed("rediss://one?tls_cert=/c.pem&tls_key=/k.pem");
    let client = Some((PathBuf::from("/c.pem"), PathBuf::from("/k.pem")));
    assert_eq!(url.tls, Some(TlsFiles { ca: None, client }));
    assert_eq!(parsed("rediss://one").tls, Some(TlsFiles::default()));
    let missing = refusal("rediss://one?tls_cert=/c.pem");
    assert_eq!(missing, "store: tls_cert needs tls_key");
    let missing = refusal("rediss://one?tls_key=/k.pem");
    assert_eq!(missing, "store: tls_key needs tls_cert");
}

#[test]
fn bad_parts_are_refused_by_what_they_are() {
    let number = "store: a port must be a number up to 65535";
    for (text, expected) in [
        ("redis://one:x", number),
        ("redis://one:65536", number),
        ("redis://one,two", "store: several hosts need redis+cluster:// or redis+sentinel://"),
        ("redis://one/first", "store: the database must be a number"),
        ("redis+cluster://one/1", "store: a Redis Cluster has no databases but 0"),
        ("redis://%ff@one", "store: the user is not UTF-8"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    for text in ["redis://", "redis://a b", "redis://[::1", "redis+cluster://one,,two"] {
        assert!(refusal(text).starts_with("store: a host must be"), "{text}");
    }
    for text in ["redis+sentinel://one", "redis+sentinel://one/a:b"] {
        let expected = "store: the name of the master must follow the hosts";
        assert!(refusal(text).starts_with(expected), "{text}");
    }
    for text in ["redis", "rediss+unix:///x", "redis+x://one", "redis+://one", "mysql://one"] {
        assert!(refusal(text).starts_with("store: must be sqlite:FILE"), "{text}");
    }
}

#[test]
fn an_unknown_parameter_is_refused_by_its_name() {
    for (text, name) in [
        ("redis://one?protocol=resp3", "protocol"),
        ("redis://one?tls_ca=/ca.pem", "tls_ca"),
        ("rediss://one?db=1", "db"),
        ("redis+cluster://one?sentinel_user=x", "sentinel_user"),
    ] {
        let expected = format!("store: unknown parameter: {name}; there are");
        assert!(refusal(text).starts_with(&expected), "{text}");
    }
}

#[test]
fn nothing_of_a_password_is_shown() {
    for text in [
        "redis://user:s3cret@one:x",
        "redis://user:s3cret/more@one",
        "redis://user:12/s3cret@one",
        "redis://user:a?s3cret@one",
        "redis://user:s3cret@one two",
        "redis://one:s3cret",
        "redis+unix://user:a/s3cret@/socket",
        "redis+sentinel://user:26/s3cret@one/master",
        "redis+sentinel://one/master/s3cret",
        "rediss://user:a?tls_ca=s3cret@one",
    ] {
        let shown = match RedisUrl::parse(text) {
            Ok(url) => format!("{url} {url:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains("s3cret"), "{text}: {shown}");
    }
    let url = parsed("redis+sentinel://user:s3cret@one/master/2?sentinel_password=s3cret");
    assert_eq!(
        format!("{url} {url:?} {:?}", url.topology),
        "redis+sentinel://one:26379/master/2 RedisUrl(redis+sentinel://one:26379/master/2) \
         Sentinel { sentinels: [Tcp(\"one\", 26379)], master: \"master\", login: Login(…) }"
    );
}
