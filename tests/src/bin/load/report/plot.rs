//! Plots as SVG: bars and lines, with the colours of the reader's light or dark page.

use std::fmt::Write as _;

use super::table::{Column, Row, Table, shown};

const WIDTH: f64 = 800.0;
const LEFT: f64 = 275.0;
const RIGHT: f64 = 110.0;
const BAR: f64 = 13.0;
const GROUP_GAP: f64 = 10.0;
const LEGEND_LINE: f64 = 20.0;
/// Height of the field of a plot of lines.
const FIELD: f64 = 220.0;
/// Values that differ by more than this factor are drawn on a logarithmic scale.
const LINEAR_UP_TO: f64 = 50.0;
const CSS: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}\
    .axis{stroke:#8c959f}.c0{fill:#3b6ea5;stroke:#3b6ea5}.c1{fill:#c2803a;stroke:#c2803a}\
    .c2{fill:#5f8f5a;stroke:#5f8f5a}.c3{fill:#8a6f9e;stroke:#8a6f9e}.c4{fill:#8c8c8c;stroke:#8c8c8c}\
    .c5{fill:#a8555a;stroke:#a8555a}.bar{stroke:none}.line{fill:none;stroke-width:2}\
    @media(prefers-color-scheme:dark){text{fill:#c9d1d9}.axis{stroke:#6e7681}}";

/// Colours that `CSS` has.
const COLOURS: usize = 6;

/// Groups of bars, one for each row of a table.
pub(super) struct Bars<'a> {
    columns: &'a [Column],
    rows: Vec<&'a Row>,
    unit: &'a str,
}

impl<'a> Bars<'a> {
    /// Of the rows in this unit.
    pub(super) fn of(table: &'a Table, unit: &'a str) -> Self {
        let rows = table.rows.iter().filter(|row| row.unit == unit).collect();
        Self { columns: &table.columns, rows, unit }
    }

    pub(super) fn svg(&self) -> String {
        let values = self.rows.iter().flat_map(|row| row.values.iter().flatten().copied());
        let scale = Scale::of(values.collect());
        let mut drawn = legend(self.columns);
        let mut y = top(self.columns);
        for row in &self.rows {
            let values: Vec<(usize, f64)> = present(&row.values);
            let height = values.len() as f64 * BAR;
            text(&mut drawn, LEFT - 8.0, y + height / 2.0 + 4.0, "end", &row.name);
            for (column, value) in values {
                let (width, class) = (scale.width(value), column % COLOURS);
                let bar = BAR - 2.0;
                let _ = write!(
                    drawn,
                    r#"<rect class="bar c{class}" x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{bar}"/>"#
                );
                let label = shown(Some(value), self.unit);
                text(&mut drawn, LEFT + width + 5.0, y + BAR - 3.0, "start", &label);
                y += BAR;
            }
            y += GROUP_GAP;
        }
        let (from, to) = (top(self.columns) - 4.0, y - GROUP_GAP + 4.0);
        line(&mut drawn, (LEFT, from), (LEFT, to));
        let note = if scale.logarithmic { "logarithmic scale" } else { "" };
        text(&mut drawn, LEFT, y + 12.0, "start", note);
        svg(y + 20.0, &drawn)
    }
}

/// Lines over the tenths of a run.
pub(super) struct Lines<'a> {
    columns: &'a [Column],
    rows: Vec<&'a Row>,
}

impl<'a> Lines<'a> {
    /// Of the rows called `figure, median of tenth N`.
    pub(super) fn of(table: &'a Table, figure: &str) -> Self {
        let start = format!("{figure}, median of tenth ");
        let rows = table.rows.iter().filter(|row| row.name.starts_with(&start)).collect();
        Self { columns: &table.columns, rows }
    }

    pub(super) fn svg(&self) -> String {
        let values = self.rows.iter().flat_map(|row| row.values.iter().flatten().copied());
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        let (left, right, top) = (80.0, WIDTH - 30.0, top(self.columns) + 6.0);
        let bottom = top + FIELD;
        let step = (right - left) / self.rows.len().saturating_sub(1).max(1) as f64;
        let mut drawn = legend(self.columns);
        for at in 0..self.columns.len() {
            let point = |(place, row): (usize, &&Row)| {
                let value = row.values.get(at).copied().flatten()?;
                let (x, y) = (left + place as f64 * step, bottom - value / most * FIELD);
                Some(format!("{x:.1},{y:.1}"))
            };
            let points: Vec<String> = self.rows.iter().enumerate().filter_map(point).collect();
            let (class, points) = (at % COLOURS, points.join(" "));
            let _ = write!(
                drawn,
                r#"<polyline class="line c{class}" style="fill:none" points="{points}"/>"#
            );
        }
        line(&mut drawn, (left, top), (left, bottom));
        line(&mut drawn, (left, bottom), (right, bottom));
        let unit = self.rows.first().map_or("", |row| &row.unit);
        text(&mut drawn, left - 6.0, top + 8.0, "end", &shown(Some(most), unit));
        text(&mut drawn, left - 6.0, bottom, "end", "0");
        for place in 0..self.rows.len() {
            let x = left + place as f64 * step;
            text(&mut drawn, x, bottom + 16.0, "middle", &(place + 1).to_string());
        }
        text(&mut drawn, f64::midpoint(left, right), bottom + 34.0, "middle", "tenth of the run");
        svg(bottom + 42.0, &drawn)
    }
}

/// How long a bar is.
struct Scale {
    least: f64,
    most: f64,
    logarithmic: bool,
}

impl Scale {
    fn of(values: Vec<f64>) -> Self {
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let positive = values.iter().copied().filter(|value| *value > 0.0);
        let least = positive.fold(most, f64::min);
        Self { least, most, logarithmic: most / least > LINEAR_UP_TO }
    }

    fn width(&self, value: f64) -> f64 {
        let full = WIDTH - LEFT - RIGHT;
        let part = if value <= 0.0 {
            0.0
        } else if self.logarithmic {
            // The least one has a length too.
            let floor = self.least / 2.0;
            (value / floor).ln() / (self.most / floor).ln()
        } else {
            value / self.most
        };
        full * part
    }
}

/// Where the field begins, below the legend.
fn top(columns: &[Column]) -> f64 {
    12.0 + columns.len().div_ceil(2) as f64 * LEGEND_LINE
}

/// The colours' meaning, two in a line.
fn legend(columns: &[Column]) -> String {
    let mut drawn = String::new();
    for (at, column) in columns.iter().enumerate() {
        let (x, y) = (20.0 + (at % 2) as f64 * WIDTH / 2.0, 6.0 + (at / 2) as f64 * LEGEND_LINE);
        let class = at % COLOURS;
        let _ =
            write!(drawn, r#"<rect class="bar c{class}" x="{x}" y="{y}" width="12" height="12"/>"#);
        text(&mut drawn, x + 18.0, y + 10.0, "start", &column.name());
    }
    drawn
}

fn present(values: &[Option<f64>]) -> Vec<(usize, f64)> {
    let values = values.iter().enumerate();
    values.filter_map(|(at, value)| value.map(|value| (at, value))).collect()
}

fn text(drawn: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = write!(drawn, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
}

fn line(drawn: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = write!(
        drawn,
        r#"<line class="axis" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
    );
}

fn svg(height: f64, drawn: &str) -> String {
    // A line for each element, so that changes can be read.
    let drawn = drawn.replace("><", ">\n<");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\">\n<style>{CSS}</style>\n{drawn}\n</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn bars_are_logarithmic_where_values_differ_much() {
        let linear = Scale::of(vec![10.0, 40.0]);
        assert_eq!(linear.width(20.0) / linear.width(40.0), 0.5);
        let logarithmic = Scale::of(vec![1.0, 1_000.0, 0.0]);
        assert!(logarithmic.width(31.6) / logarithmic.width(1_000.0) > 0.4);
        assert_eq!(logarithmic.width(0.0), 0.0);
    }
}
