//! The flags as a whole.

use clap::CommandFactory as _;
use spiderq_server::Network;

use super::*;

#[test]
fn the_commands_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn the_flags_have_the_defaults_of_the_server() {
    let cli = Cli::parse_from(["spiderq"]);
    let network = Network::from(&cli.serve.listener);
    assert_eq!(format!("{network:?}"), format!("{:?}", Network::default()));
}

#[test]
fn debug_output_shows_no_secret() {
    let secret = "0123456789abcdef0123456789abcdef";
    let url = format!("redis://u:{secret}@localhost");
    for args in [
        &["serve", "--admin-key", secret, "--token-secret", secret, "--store", &url][..],
        &["fsck", "--store", &url],
        &["key", "--admin-key", secret, "list"],
        &["runner", "--project", "1", "--api-key", secret, "--command", secret],
    ] {
        let cli = Cli::parse_from([&["spiderq"], args].concat());
        let shown = format!("{cli:?}");
        assert!(shown.contains("***") && !shown.contains(secret), "{shown}");
    }
}
