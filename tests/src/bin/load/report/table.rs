//! Figures of one measurement as a table: a row for each figure, a column for each system and
//! number of jobs. A figure that was measured several times is the median of them.

use crate::figures::{Figure, rounded};

/// Rows and columns are in the order in which the figures came.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// What a column is about.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Column {
    system: String,
    jobs: usize,
}

impl Column {
    pub(super) fn name(&self) -> String {
        match self.jobs {
            0 => self.system.clone(),
            jobs => format!("{}, {} jobs", self.system, rounded(jobs as f64)),
        }
    }
}

/// A figure of each column, where it was measured.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) values: Vec<Option<f64>>,
}

impl Table {
    pub(super) fn of<'a>(figures: impl Iterator<Item = &'a Figure>) -> Self {
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        let mut cells: Vec<(usize, usize, f64)> = Vec::new();
        for figure in figures {
            let column = Column { system: figure.system.clone(), jobs: figure.jobs };
            let row = (figure.figure.clone(), figure.unit.clone());
            cells.push((place(&mut rows, row), place(&mut columns, column), figure.value));
        }
        let value = |row: usize, column: usize| {
            let here = cells.iter().filter(|cell| (cell.0, cell.1) == (row, column));
            median(here.map(|cell| cell.2).collect())
        };
        let row = |(at, (name, unit)): (usize, (String, String))| {
            let values = (0..columns.len()).map(|column| value(at, column)).collect();
            Row { name, unit, values }
        };
        let rows = rows.into_iter().enumerate().map(row).collect();
        Self { columns, rows }
    }

    pub(super) fn markdown(&self) -> String {
        let names = self.columns.iter().map(Column::name);
        let mut text = line("", names);
        text.push_str(&line("---", self.columns.iter().map(|_| "---:".to_owned())));
        for row in &self.rows {
            text.push_str(&line(
                &row.name,
                row.values.iter().map(|value| shown(*value, &row.unit)),
            ));
        }
        text
    }
}

/// A value with its unit; empty where there is none.
pub(super) fn shown(value: Option<f64>, unit: &str) -> String {
    let unit = if unit == "us" { "µs" } else { unit };
    value.map_or(String::new(), |value| format!("{} {unit}", rounded(value)).trim_end().to_owned())
}

fn line(first: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!(" {cell} |")).collect();
    let first = if first.is_empty() { String::new() } else { format!(" {first}") };
    format!("|{first} |{cells}\n")
}

/// Where `item` is, or is put.
fn place<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len().is_multiple_of(2) {
        Some(f64::midpoint(values[middle - 1], upper))
    } else {
        Some(upper)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Figure, Table};

    pub(crate) fn figure(system: &str, jobs: usize, name: &str, value: f64, unit: &str) -> Figure {
        Figure {
            measurement: "m".to_owned(),
            system: system.to_owned(),
            jobs,
            figure: name.to_owned(),
            value,
            unit: unit.to_owned(),
            command: "m".to_owned(),
            date: "2026-01-01".to_owned(),
            machine: "2 cores".to_owned(),
            load_average: 0.5,
            release: true,
            short: false,
        }
    }

    #[test]
    fn repeated_figures_are_medians_and_missing_ones_empty() {
        let figures = [
            figure("Redis", 1_000, "list", 9.0, "ms"),
            figure("Redis", 1_000, "list", 1.0, "ms"),
            figure("Redis", 1_000, "list", 2.0, "ms"),
            figure("SQLite", 1_000, "list", 4.0, "ms"),
            figure("SQLite", 1_000, "size", 5_000.0, "bytes"),
        ];
        let expected = "| | Redis, 1,000 jobs | SQLite, 1,000 jobs |\n| --- | ---: | ---: |\n\
            | list | 2.00 ms | 4.00 ms |\n| size |  | 5,000 bytes |\n";
        assert_eq!(Table::of(figures.iter()).markdown(), expected);
    }
}
