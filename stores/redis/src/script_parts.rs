//! The parts of a Lua module: its statements at the left margin, each of which defines functions
//! or values. `script_modules.rs` takes those that a script reaches.

use std::collections::BTreeSet;

/// A statement at the left margin, with the lines that are indented below it.
pub(crate) struct Part<'a> {
    pub(crate) module: &'a str,
    pub(crate) text: String,
}

impl<'a> Part<'a> {
    /// Those of a module in order, without comments, the module's table and its return.
    pub(crate) fn all_of(module: &'a str, text: &'a str) -> Vec<Self> {
        let frame = [format!("local {module} = {{}}"), format!("return {module}")];
        let mut parts: Vec<Self> = Vec::new();
        for line in code(text).filter(|line| !frame.iter().any(|one| one == line)) {
            match parts.last_mut() {
                Some(part) if line.starts_with(' ') || line == "end" => part.add(line),
                Some(_) | None => parts.push(Self { module, text: format!("{line}\n") }),
            }
        }
        parts
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// What it defines: the name of a function; of another statement all before its `=`.
    pub(crate) fn defines(&self) -> BTreeSet<String> {
        let text = self.text.trim_start_matches("local ");
        let names = match text.strip_prefix("function ") {
            Some(function) => function.split('(').next(),
            None => text.split('=').next(),
        };
        let names = words(names.unwrap_or_default()).into_iter();
        names.map(|(_, name)| full_name(self.module, name)).collect()
    }

    /// All that it may use of its own module and of others.
    pub(crate) fn mentions(&self) -> BTreeSet<String> {
        mentions(self.module, &self.text)
    }
}

/// The lines that are neither empty nor a comment.
pub(crate) fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.trim_start().starts_with("--"))
}

/// What a text of a module may use: fields of tables, and names of its own module.
pub(crate) fn mentions(module: &str, text: &str) -> BTreeSet<String> {
    let names = words(text).into_iter().map(|(_, word)| word);
    names
        .flat_map(|word| [Some(word), word.split_once('.').map(|(table, _)| table)])
        .flatten()
        .map(|name| full_name(module, name))
        .collect()
}

/// `module.field` of a field of a module's table, `module:name` of a local.
fn full_name(module: &str, name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{module}:{name}") }
}

/// The text with `module_field` for each `module.field` of `modules`.
pub(crate) fn flat(text: &str, modules: &BTreeSet<&str>) -> String {
    let mut flat = text.to_owned();
    for (at, word) in words(text) {
        if let Some((table, _)) = word.split_once('.').filter(|(table, _)| modules.contains(table))
        {
            let dot = at + table.len();
            flat.replace_range(dot..=dot, "_");
        }
    }
    flat
}

/// The names in a text and where they begin: `name` or `table.field`, not further fields.
pub(crate) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut end = 0;
    while let Some(start) = text[end..].find(starts_word).map(|offset| end + offset) {
        let before = text[..start].chars().next_back();
        end = end_of_word(text, start);
        if text[end..].starts_with('.') && text[end + 1..].starts_with(starts_word) {
            end = end_of_word(text, end + 1);
        }
        if !before.is_some_and(|c| c.is_alphanumeric() || "._'\"".contains(c)) {
            words.push((start, &text[start..end]));
        }
    }
    words
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn end_of_word(text: &str, start: usize) -> usize {
    let length = text[start..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    length.map_or(text.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_part_is_a_statement_with_its_body_and_knows_what_it_defines_and_uses() {
        let text = "-- needs: names\nlocal jobs = {}\nlocal A, B\njobs.x, A = unpack(KEYS)\n\n\
                    -- Says so.\nlocal function one(a)\n  -- why\n  return a.b.c\nend\n\
                    function jobs.two() return names.set('x.y') end\n\nreturn jobs\n";
        let parts = Part::all_of("jobs", text);
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        let two = "function jobs.two() return names.set('x.y') end\n";
        assert_eq!(
            texts,
            [
                "local A, B\n",
                "jobs.x, A = unpack(KEYS)\n",
                "local function one(a)\n  return a.b.c\nend\n",
                two
            ]
        );
        let defined: Vec<_> = parts.iter().map(Part::defines).collect();
        let expected =
            [&["jobs:A", "jobs:B"][..], &["jobs.x", "jobs:A"], &["jobs:one"], &["jobs.two"]];
        assert_eq!(defined, expected.map(set));
        assert!(parts[3].mentions().contains("names.set"));
        assert!(!parts[3].mentions().contains("x.y"));
    }

    #[test]
    fn only_fields_of_modules_become_locals() {
        let modules = BTreeSet::from(["names", "jobs"]);
        let text = "names.set(job.names.x, 'jobs.y', jobs.z.w .. surnames.a)";
        let expected = "names_set(job.names.x, 'jobs.y', jobs_z.w .. surnames.a)";
        assert_eq!(flat(text, &modules), expected);
    }
}
