//! Comma-separated values, with the parameters of the original service.

use super::json::Json;
use crate::{accepted_values, errors::Problem, params::Params};

/// How a table looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Csv {
    /// The columns from left to right; empty where the request names none.
    pub(crate) fields: Vec<String>,
    has_header: bool,
    separator: String,
    quote: String,
    /// Stands before a quote in a cell.
    escape: String,
    line_end: String,
}

impl Csv {
    /// `fields`, `include_headers`, `sep`, `quote`, `escape` and `lineend`.
    pub(crate) fn of(params: &Params) -> Result<Self, Problem> {
        let text = |name, default: &str| -> Result<String, Problem> {
            match params.one(name)? {
                Some("") => Err(Problem::invalid(name, accepted_values::NOT_EMPTY)),
                text => Ok(text.unwrap_or(default).to_owned()),
            }
        };
        let quote = text("quote", "\"")?;
        Ok(Self {
            fields: params.all("fields").iter().flat_map(|list| names(list)).collect(),
            has_header: params.flag("include_headers")?,
            separator: text("sep", ",")?,
            escape: text("escape", &quote)?,
            quote,
            line_end: text("lineend", "\n")?,
        })
    }

    pub(super) fn write_header(&self, out: &mut String) {
        if self.has_header {
            self.write_cells(self.fields.iter().map(String::as_str), out);
        }
    }

    pub(super) fn write_row(&self, value: &Json<'_>, out: &mut String) {
        let cells = self.fields.iter().map(|field| value.field(field).map(Json::plain));
        self.write_cells(cells.map(Option::unwrap_or_default), out);
    }

    fn write_cells(&self, cells: impl Iterator<Item = impl AsRef<str>>, out: &mut String) {
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                out.push_str(&self.separator);
            }
            self.write_cell(cell.as_ref(), out);
        }
        out.push_str(&self.line_end);
    }

    fn write_cell(&self, cell: &str, out: &mut String) {
        let special = [&self.separator, &self.quote, &self.escape, &self.line_end];
        let is_plain =
            !cell.contains(['\r', '\n']) && !special.iter().any(|part| cell.contains(*part));
        if is_plain {
            return out.push_str(cell);
        }
        let mut cell = cell.replace(&self.escape, &self.escape.repeat(2));
        if self.escape != self.quote {
            cell = cell.replace(&self.quote, &format!("{}{}", self.escape, self.quote));
        }
        out.extend([self.quote.as_str(), &cell, &self.quote]);
    }
}

/// The names of a list with commas between them.
pub(crate) fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(query: &str, lines: &[&str]) -> String {
        let csv = Csv::of(&Params::parse(query.as_bytes())).unwrap();
        let mut out = String::new();
        csv.write_header(&mut out);
        for line in lines {
            csv.write_row(&Json::of(line.as_bytes()), &mut out);
        }
        out
    }

    #[test]
    fn cells_are_in_the_order_of_the_fields_and_quoted_where_they_must_be() {
        let line = r#"{"b":"x,y","a":"say \"hi\"","c":[1,{"d":null}],"e":null,"f":1.0,"g":"1\n2"}"#;
        let found = table("fields=a,b,c,d,e&fields=f,g", &[line, "[1]"]);
        let expected =
            "\"say \"\"hi\"\"\",\"x,y\",\"[1,{\"\"d\"\":null}]\",,,1.0,\"1\n2\"\n,,,,,,\n";
        assert_eq!(found, expected);
    }

    #[test]
    fn a_header_comes_where_it_is_asked_for() {
        for (flag, header) in [("1", "a,b\n"), ("Y", "a,b\n"), ("0", ""), ("n", "")] {
            let query = format!("fields=a,b&include_headers={flag}");
            assert_eq!(table(&query, &[r#"{"a":1}"#]), format!("{header}1,\n"));
        }
    }

    #[test]
    fn separators_quotes_and_line_ends_can_be_chosen() {
        let query = "fields=a,b&sep=%3B&quote=%27&escape=%5C&lineend=%0D%0A";
        let found = table(query, &[r#"{"a":"it's; \\","b":"x,y"}"#]);
        assert_eq!(found, "'it\\'s; \\\\';x,y\r\n");
        for name in ["sep", "quote", "escape", "lineend"] {
            let refused = Csv::of(&Params::parse(format!("{name}=").as_bytes())).unwrap_err();
            assert_eq!(refused.into_message(), format!("{name}: must not be empty"));
        }
    }
}
