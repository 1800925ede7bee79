//! What a runner shows on a terminal: live lines below its log. A real pseudo-terminal, read as a
//! terminal would show it.

use spiderq_tests::{StoreKind, Terminal};

use crate::world::{World, run_script, script};

/// What the runner's line at the bottom says.
fn is_summary(line: &str) -> bool {
    line.starts_with("units ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn live_lines_stand_below_the_log_and_are_never_garbled() {
    let world = World::start(StoreKind::Sqlite).await;
    let wide = "蜘蛛".repeat(10);
    let mut jobs = Vec::new();
    for spider in ["short", wide.as_str()] {
        jobs.push(world.schedule(spider, &[]).await);
    }
    let script = script(
        r#"for n in 1 2 3; do echo "ITM {\"n\": $n}"; done > $SHUB_FIFO_PATH; exec tail -f /dev/null"#,
    );
    let command = run_script(&script, "");
    let flags = world.flags(&["--units", "2", "--command", &command]);
    let mut terminal = Terminal::spawn((80, 12), &[], &flags);
    let items = |lines: &[String]| lines.iter().filter(|line| line.contains(" 3 items ")).count();
    let shown = terminal.wait_for(|lines| items(lines) == 2);
    let at = shown.iter().position(|line| is_summary(line)).unwrap();
    assert_eq!(shown[at], "units 2/2  running 2  done 0 (0 failed)  server ok");
    let [short, long] = [&shown[at - 2], &shown[at - 1]];
    assert!(short.starts_with(&format!("{} short ", jobs[0])), "{short}");
    assert!(long.starts_with(&format!("{} 蜘蛛", jobs[1])) && long.contains('…'), "{long}");
    assert!(short.contains("/min") && short.contains("0 pages   0 errors"), "{short}");

    // What is typed is echoed; it stands in no later line.
    terminal.type_text("typed\u{3}");
    world.stop(&jobs[0]).await;
    let shown = terminal.wait_for(|lines| lines.iter().any(|line| line.contains("done 1")));
    assert!(!shown.iter().any(|line| line.contains("typed") || line.contains("^C")), "{shown:?}");
    let ended = format!("ended job=\"{}\"", jobs[0]);
    let log = shown.iter().find(|line| line.contains("INFO") && line.contains("ended"));
    assert!(log.is_some_and(|line| line.starts_with("20")), "{shown:?}");
    assert!(shown.join("").contains(&ended), "{shown:?}");
    // Lines that a terminal wraps would be left behind at each redraw.
    assert_eq!(shown.iter().filter(|line| line.starts_with("1/2/1 ")).count(), 1, "{shown:?}");

    world.stop(&jobs[1]).await;
    let idle = "units 0/2  running 0  done 2 (0 failed)  server ok  waiting 0:";
    terminal.wait_for(|lines| lines.iter().any(|line| line.starts_with(idle)));
    terminal.signal();
    let left = terminal.join();
    assert!(!left.iter().any(|line| is_summary(line)), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_that_find_no_line_are_counted_and_a_small_terminal_suffices() {
    let world = World::start(StoreKind::Sqlite).await;
    for spider in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        world.schedule(spider, &[]).await;
    }
    let flags = world.flags(&["--units", "9", "--command", "tail -f /dev/null"]);
    let mut terminal = Terminal::spawn((40, 7), &[], &flags);
    let shown = terminal.wait_for(|lines| lines.iter().any(|line| line.contains("running 9")));
    assert!(shown.contains(&"+5 more".to_owned()), "{shown:?}");
    assert_eq!(shown.iter().filter(|line| line.starts_with("1/")).count(), 4, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn states_of_jobs_and_of_the_server_are_told() {
    let mut world = World::start(StoreKind::Sqlite).await;
    let silent = world.schedule("silent", &[]).await;
    let deaf = script("trap '' TERM; echo ready; exec tail -f /dev/null");
    let talks = world.schedule("deaf", &[]).await;
    let command = run_script(&deaf, "");
    let command = format!(
        "sh -c 'test $1 = silent && exec tail -f /dev/null || exec {command}' sh {{spider}}"
    );
    let flags = world.flags(&["--units", "2", "--cancel-grace", "3600", "--command", &command]);
    let mut terminal = Terminal::spawn((80, 12), &[], &flags);
    let row = |lines: &[String], job: &str, state: &str| {
        lines.iter().any(|line| line.starts_with(&format!("{job} ")) && line.contains(state))
    };
    terminal.wait_for(|lines| row(lines, &silent, " starting ") && row(lines, &talks, " 0/min "));
    world.stop(&talks).await;
    terminal.wait_for(|lines| row(lines, &talks, " stopping "));
    world.stack.running.take().unwrap().shutdown().await;
    terminal.wait_for(|lines| lines.iter().any(|line| line.contains("server away 0:")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn colours_can_be_switched_off() {
    let world = World::start(StoreKind::Sqlite).await;
    let flags = world.flags(&["--once", "--command", "true"]);
    for (no_color, coloured) in [("", true), ("1", false)] {
        let terminal = Terminal::spawn((80, 24), &[("NO_COLOR", no_color)], &flags);
        let bytes = terminal.join_raw();
        assert_eq!(bytes.contains("\u{1b}[32m INFO"), coloured, "{bytes:?}");
    }
}
