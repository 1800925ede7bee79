//! The real `spiderq` program on a pseudo-terminal, and what a terminal would show of it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::{process::command, wait::TIMEOUT};

/// A running `spiderq` whose standard input and error are a terminal. Killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    screen: Screen,
}

struct Screen(vt100::Parser);

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.screen().contents())
    }
}

impl Terminal {
    /// Runs `spiderq ARGS` on a terminal of so many columns and rows, with more in its environment.
    #[must_use]
    pub fn spawn(
        (columns, rows): (u16, u16),
        environment: &[(&str, &str)],
        args: &[String],
    ) -> Self {
        let (master, slave) = open_terminal(columns, rows);
        let mut command: Command = command(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let input = slave.try_clone().expect("its input");
        command.envs(environment.iter().copied()).stdin(input).stderr(slave);
        let child = command.spawn().expect("spiderq");
        // The last writer of the terminal's other end is now the program.
        drop(command);
        let keyboard = master.try_clone().expect("its keyboard");
        let (sender, output) = mpsc::channel();
        let mut master = master;
        thread::spawn(move || {
            let mut buffer = vec![0; 4096];
            // The system answers with an error when the program has ended.
            while let Ok(count) = master.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = Screen(vt100::Parser::new(rows, columns, 0));
        Self { child, keyboard, output, bytes: Vec::new(), screen }
    }

    /// The lines on the terminal, as soon as `look` says that they are those it looks for.
    pub fn wait_for(&mut self, look: impl Fn(&[String]) -> bool) -> Vec<String> {
        let end = Instant::now() + TIMEOUT;
        loop {
            let lines = self.lines();
            if look(&lines) {
                return lines;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else {
                panic!("the terminal does not show it:\n{}", lines.join("\n"));
            };
            self.show(&bytes);
        }
    }

    /// Types; the terminal shows it too.
    pub fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("a keyboard");
    }

    /// Sends the program SIGTERM.
    pub fn signal(&self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill").success());
    }

    /// Waits for the program's end; the lines that are left.
    #[must_use]
    pub fn join(mut self) -> Vec<String> {
        self.read_to_end();
        self.lines()
    }

    /// Waits for the program's end; all that it has written.
    #[must_use]
    pub fn join_raw(mut self) -> String {
        self.read_to_end();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn read_to_end(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(TIMEOUT) {
            self.show(&bytes);
        }
        self.child.wait().expect("its end");
    }

    fn show(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.screen.0.process(bytes);
    }

    /// Without spaces at their ends.
    fn lines(&self) -> Vec<String> {
        let screen = self.screen.0.screen();
        let (_, columns) = screen.size();
        screen.rows(0, columns).map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends of a new terminal.
fn open_terminal(columns: u16, rows: u16) -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("a terminal");
    unlockpt(&master).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).expect("its size");
    (File::from(master), slave)
}
