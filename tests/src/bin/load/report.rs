//! `report`: docs/benchmarks.md with its tables and plots, from results files. What the page says
//! around them is in `page.template`; lines of it in double braces are replaced:
//!
//! - `{{table M}}`: all figures of the measurement M, a column for each system and number of jobs;
//! - `{{commands M}}`: how they were made, and when;
//! - `{{bars M UNIT}}`: a plot of those in this unit;
//! - `{{lines M FIGURE}}`: a plot of those that are called `FIGURE, median of tenth N`;
//! - `{{machines}}`: what they were measured on.

mod plot;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use clap::Args;

use self::{
    plot::{Bars, Lines},
    table::Table,
};
use crate::figures::{Figure, Figures};

const TEMPLATE: &str = include_str!("report/page.template");

/// From where to where.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Results files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder of the page; the plots go to `benchmarks/` in it.
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
}

pub(crate) fn write(args: &Report, run: &Figures) {
    let figures: Vec<Figure> = args.files.iter().flat_map(read).collect();
    if !run.short {
        let usable = |figure: &Figure| figure.release && !figure.short;
        let text =
            "these are figures of a short run or without --release: give --short to take them";
        assert!(figures.iter().all(usable), "{text}");
    }
    let page = Page { figures: &figures };
    let plots = args.docs.join("benchmarks");
    fs::create_dir_all(&plots)
        .unwrap_or_else(|why| panic!("can't make the folder {}: {why}", plots.display()));
    for (name, svg) in page.plots(TEMPLATE) {
        fs::write(plots.join(name), svg).expect("a plot");
    }
    fs::write(args.docs.join("benchmarks.md"), page.text(TEMPLATE)).expect("a page");
}

/// The figures of a results file.
fn read(file: &PathBuf) -> Vec<Figure> {
    let path = file.display();
    let text = fs::read_to_string(file).unwrap_or_else(|why| panic!("can't read {path}: {why}"));
    let figure = |(number, line)| {
        let figure = serde_json::from_str(line);
        figure.unwrap_or_else(|why| panic!("{path}, line {}: no figure: {why}", number + 1))
    };
    text.lines().enumerate().map(figure).collect()
}

struct Page<'a> {
    figures: &'a [Figure],
}

impl Page<'_> {
    fn text(&self, template: &str) -> String {
        let mut text = String::new();
        for line in template.lines() {
            match directive(line) {
                Some(words) => text.push_str(&self.replaced(&words)),
                None => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }

    fn replaced(&self, words: &[&str]) -> String {
        match words {
            ["table", measurement] => self.table(measurement).markdown(),
            ["commands", measurement] => self.commands(measurement),
            ["bars" | "lines", measurement, ..] => {
                let alt = format!("Plot of the table on {measurement}");
                format!("![{alt}](benchmarks/{})\n", plot_name(words))
            }
            ["machines"] => {
                let machines = self.figures.iter().map(|figure| figure.machine.clone());
                list(machines.map(|machine| format!("Machine: {machine}.")).collect())
            }
            _ => panic!("{words:?} is no directive"),
        }
    }

    fn plots(&self, template: &str) -> Vec<(String, String)> {
        let directives = template.lines().filter_map(directive);
        let plot = |words: Vec<&str>| {
            let svg = match words[..] {
                ["bars", measurement, unit] => Bars::of(&self.table(measurement), unit).svg(),
                ["lines", measurement, figure] => Lines::of(&self.table(measurement), figure).svg(),
                _ => return None,
            };
            Some((plot_name(&words), svg))
        };
        directives.filter_map(plot).collect()
    }

    fn table(&self, measurement: &str) -> Table {
        Table::of(self.figures.iter().filter(|figure| figure.measurement == measurement))
    }

    fn commands(&self, measurement: &str) -> String {
        let figures = self.figures.iter().filter(|figure| figure.measurement == measurement);
        let mut runs: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for figure in figures {
            let loads = runs.entry((&figure.command, &figure.date)).or_default();
            // Two runs have hardly ever the same.
            let load = figure.load_average.to_string();
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        let line = |((command, date), loads): ((&str, &str), Vec<String>)| {
            format!("`load {command}`, {date}, load average before: {}", loads.join(", "))
        };
        list(runs.into_iter().map(line).collect())
    }
}

/// The words of a line that is replaced.
fn directive(line: &str) -> Option<Vec<&str>> {
    let inside = line.strip_prefix("{{")?.strip_suffix("}}")?;
    Some(inside.split(' ').collect())
}

fn plot_name(words: &[&str]) -> String {
    let name = words[1..].join("-").replace('/', "_");
    format!("{name}.svg")
}

fn list(lines: BTreeSet<String>) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Figure, Page, table::tests::figure};

    #[test]
    fn directives_are_replaced_and_all_else_stays() {
        let figures: [Figure; 2] =
            [figure("Redis", 0, "rate", 1.0, "jobs/s"), figure("Redis", 0, "rate", 3.0, "jobs/s")];
        let page = Page { figures: &figures };
        let template = "# T\n{{commands m}}\n{{table m}}\n{{bars m jobs/s}}\nend\n";
        let expected = "# T\n- `load m`, 2026-01-01, load average before: 0.5\n| | Redis |\n| --- | ---: |\n\
            | rate | 2.00 jobs/s |\n![Plot of the table on m](benchmarks/m-jobs_s.svg)\nend\n";
        assert_eq!(page.text(template), expected);
        let plots = page.plots(template);
        assert_eq!(plots[0].0, "m-jobs_s.svg");
        assert!(plots[0].1.starts_with("<svg "), "{}", plots[0].1);
    }
}
