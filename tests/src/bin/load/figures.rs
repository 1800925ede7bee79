//! What measurements found: printed for people, and appended to a results file for `report`.

use std::{
    env, fs,
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    process::Command,
};

use serde::{Deserialize, Serialize};

/// One number, with all that is needed to tell what it says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Figure {
    /// The subcommand, or one of several tables of it.
    pub(crate) measurement: String,
    /// What was measured: a store, or another program.
    pub(crate) system: String,
    /// Jobs that were there or passed; 0 where their number has no effect.
    pub(crate) jobs: usize,
    /// What the number is about.
    pub(crate) figure: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// Arguments of this program.
    pub(crate) command: String,
    /// Day in UTC.
    pub(crate) date: String,
    /// Cores, processor and memory.
    pub(crate) machine: String,
    /// Processes that ran or wanted to when the run began, as an average of the minute before.
    pub(crate) load_average: f64,
    /// Whether the program was built with `--release`.
    pub(crate) release: bool,
    /// Whether it was a short run, whose numbers say nothing.
    pub(crate) short: bool,
}

/// Where figures go.
pub(crate) struct Figures {
    /// Whether runs are short.
    pub(crate) short: bool,
    file: Option<File>,
    command: String,
    date: String,
    machine: String,
    load_average: f64,
}

impl Figures {
    pub(crate) fn new(results: Option<&Path>, short: bool) -> Self {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.unwrap_or_else(|why| panic!("can't write {}: {why}", path.display()))
        };
        Self {
            short,
            file: results.map(open),
            command: command(env::args().skip(1)),
            date: output("date", &["-u", "+%F"]),
            machine: machine(),
            load_average: load_average(),
        }
    }

    /// `few` in a short run, else `asked`, else `usual`.
    pub(crate) fn amount(&self, asked: Option<usize>, usual: usize, few: usize) -> usize {
        asked.unwrap_or(if self.short { few } else { usual })
    }

    /// Figures of one measurement of one system.
    pub(crate) fn of(&mut self, measurement: &str, system: &str, jobs: usize) -> Series<'_> {
        let (measurement, system) = (measurement.to_owned(), system.to_owned());
        Series { figures: self, measurement, system, jobs }
    }

    fn add(&mut self, figure: &Figure) {
        let Figure { measurement, system, figure: name, unit, .. } = figure;
        assert!(figure.value.is_finite(), "{measurement}: {system}: {name}: nothing was measured");
        println!("{measurement}: {system}: {name}: {} {unit}", rounded(figure.value));
        if let Some(file) = &mut self.file {
            let line = serde_json::to_string(figure).expect("a line");
            writeln!(file, "{line}").expect("a line in the file of results");
        }
    }
}

/// Takes figures of one measurement of one system.
pub(crate) struct Series<'a> {
    figures: &'a mut Figures,
    measurement: String,
    system: String,
    jobs: usize,
}

impl Series<'_> {
    /// Takes one.
    pub(crate) fn add(&mut self, figure: &str, value: f64, unit: &str) {
        let figure = Figure {
            measurement: self.measurement.clone(),
            system: self.system.clone(),
            jobs: self.jobs,
            figure: figure.to_owned(),
            value,
            unit: unit.to_owned(),
            command: self.figures.command.clone(),
            date: self.figures.date.clone(),
            machine: self.figures.machine.clone(),
            load_average: self.figures.load_average,
            release: !cfg!(debug_assertions),
            short: self.figures.short,
        };
        self.figures.add(&figure);
    }
}

/// Three digits that count, and commas.
pub(crate) fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        small if small < 1e-9 => 0,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

/// The arguments but for those that say where files are.
fn command(mut arguments: impl Iterator<Item = String>) -> String {
    let mut words = Vec::new();
    while let Some(word) = arguments.next() {
        match word.split('=').next() {
            Some("--results" | "--folder") if word.contains('=') => {}
            Some("--results" | "--folder") => drop(arguments.next()),
            _ => words.push(word),
        }
    }
    words.join(" ")
}

fn machine() -> String {
    let lines = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = value(&lines("/proc/cpuinfo"), "model name");
    let memory = value(&lines("/proc/meminfo"), "MemTotal");
    let kib: f64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
    format!("{cores} cores ({processor}), {:.0} GiB of memory", kib / 1_048_576.0)
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or_default()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("a program that runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{command, rounded};

    #[test]
    fn numbers_are_rounded_to_what_they_can_say() {
        let numbers = [0.0, 0.0456, 1.239, 45.67, 999.4, 1_234.5, 12_345_678.0];
        let expected = ["0", "0.046", "1.24", "45.7", "999", "1,234", "12,345,678"];
        assert_eq!(numbers.map(rounded), expected);
        assert_eq!(rounded(-123_456.0), "-123,456");
    }

    #[test]
    fn a_command_is_told_without_places() {
        let words = ["life", "--results", "x", "--short", "--folder=y"].map(str::to_owned);
        assert_eq!(command(words.into_iter()), "life --short");
    }
}
