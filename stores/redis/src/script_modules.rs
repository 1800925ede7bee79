//! Links a script with the modules of `lua/lib` that its header names (`-- needs: names, jobs`),
//! and with those that they need. A module is a file that returns a table of functions; it sees
//! nothing of other files but the tables that it needs.
//!
//! Redis runs the whole text at every call, and tables and functions that are made anew each time
//! cost more than what most calls do with them. So the field `names.set` becomes a local
//! `names_set`, and what the script does not reach is left out.

use std::collections::BTreeSet;

use crate::script_parts::{Part, code, flat, mentions, words};

/// Modules by their names.
pub(crate) type Modules<'a> = &'a [(&'a str, &'a str)];

/// The text of a script, or what is wrong with the needs of it or of a module.
pub(crate) fn assemble(script: &str, modules: Modules<'_>) -> Result<String, String> {
    let mut assembly = Assembly { modules, order: Vec::new(), open: Vec::new(), parts: Vec::new() };
    assembly.add_needs("the script", script)?;
    assembly.link(script)
}

struct Assembly<'a> {
    modules: Modules<'a>,
    /// Modules that are needed, each behind those that it needs.
    order: Vec<&'a str>,
    /// Modules whose needs are being added.
    open: Vec<&'a str>,
    /// Those of all modules in `order`.
    parts: Vec<Part<'a>>,
}

impl<'a> Assembly<'a> {
    fn add_needs(&mut self, user: &str, text: &'a str) -> Result<(), String> {
        let needs = needs(text).ok_or_else(|| format!("{user} has no line `-- needs:`"))?;
        for (module, _) in self.modules {
            match (needs.contains(module), user != *module && is_used(text, module)) {
                (true, false) => return Err(format!("{user} needs {module} and does not use it")),
                (false, true) => return Err(format!("{user} uses {module} and does not need it")),
                (true, true) | (false, false) => {}
            }
        }
        needs.into_iter().try_for_each(|module| self.add(user, module))
    }

    fn add(&mut self, user: &str, name: &'a str) -> Result<(), String> {
        if self.open.contains(&name) {
            return Err(format!("{user} needs {name}, which needs it in turn"));
        }
        if self.order.contains(&name) {
            return Ok(());
        }
        let module = self.modules.iter().find(|(module, _)| *module == name);
        let (_, text) = module.ok_or_else(|| format!("{user} needs {name}, which is no module"))?;
        self.open.push(name);
        self.add_needs(name, text)?;
        self.open.pop();
        self.order.push(name);
        self.parts.extend(Part::all_of(name, text));
        Ok(())
    }

    /// Puts the script behind the parts that it reaches. A part uses only those before it.
    fn link(mut self, script: &str) -> Result<String, String> {
        let script: String = code(script).map(|line| format!("{line}\n")).collect();
        let mut used = mentions("", &script);
        let mut defined = BTreeSet::new();
        let mut parts = Vec::new();
        while let Some(part) = self.parts.pop() {
            let defines = part.defines();
            if !defines.is_disjoint(&used) {
                used.append(&mut part.mentions());
                defined.extend(defines);
                parts.push(part);
            }
        }
        parts.reverse();
        let modules: BTreeSet<_> = self.order.iter().copied().collect();
        let is_field = |name: &&String| name.split('.').next().is_some_and(|m| modules.contains(m));
        if let Some(name) = used.difference(&defined).find(is_field) {
            return Err(format!("{name} is used, but not defined before that"));
        }
        let blocks = self.order.iter().map(|module| block(module, &parts, &defined));
        Ok(flat(&(blocks.collect::<String>() + &script), &modules))
    }
}

/// The parts of a module in a scope of their own, so that no other module sees their locals.
fn block(module: &str, parts: &[Part<'_>], defined: &BTreeSet<String>) -> String {
    let prefix = format!("{module}.");
    let fields = defined.iter().map(String::as_str).filter(|name| name.starts_with(&prefix));
    let fields = fields.collect::<Vec<_>>().join(", ");
    if fields.is_empty() {
        return String::new();
    }
    let own = parts.iter().filter(|part| part.module == module);
    let text: String = own.map(|part| part.text.as_str()).collect();
    format!("local {fields}\ndo\n{text}end\n")
}

fn needs(text: &str) -> Option<Vec<&str>> {
    let line = text.lines().find_map(|line| line.strip_prefix("-- needs: "))?;
    Some(if line == "nothing" { Vec::new() } else { line.split(", ").collect() })
}

/// Whether the code uses a field of the module's table.
fn is_used(text: &str, module: &str) -> bool {
    let is_field = |word: &str| word.split_once('.').is_some_and(|(table, _)| table == module);
    code(text).flat_map(words).any(|(_, word)| is_field(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "-- needs: nothing\nlocal names = {}\nlocal Z = 1\n\n-- Why.\nnames.y = Z\n\
                         function names.unused()\n  return Z\nend\n\nreturn names\n";

    fn fault(script: &str, modules: Modules<'_>) -> String {
        assemble(script, modules).unwrap_err()
    }

    #[test]
    fn what_a_script_reaches_comes_once_and_before_its_users_with_fields_as_locals() {
        let jobs = "-- needs: names\nlocal jobs = {}\nfunction jobs.x() return names.y end\n";
        let script = "-- needs: jobs, names\nreturn jobs.x() .. names.y\n";
        let more = "function jobs.unused() return idle.z() end\nreturn jobs\n";
        let jobs = jobs.replace("-- needs: names\n", "-- needs: idle, names\n") + more;
        let idle = "-- needs: nothing\nlocal idle = {}\nfunction idle.z() return 1 end\n";
        let modules: Modules<'_> = &[("idle", idle), ("jobs", &jobs), ("names", NAMES)];
        let text = assemble(script, modules).unwrap();
        let expected = "local names_y\ndo\nlocal Z = 1\nnames_y = Z\nend\n\
                        local jobs_x\ndo\nfunction jobs_x() return names_y end\nend\n\
                        return jobs_x() .. names_y\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_field_that_is_not_defined_before_its_use_is_refused() {
        let script = "-- needs: names\nreturn names.typo\n";
        let expected = "names.typo is used, but not defined before that";
        assert_eq!(fault(script, &[("names", NAMES)]), expected);
        let late = "-- needs: nothing\nlocal late = {}\nfunction late.a() return late.b() end\n\
                    function late.b() return 1 end\nreturn late\n";
        let script = "-- needs: late\nreturn late.a()\n";
        let expected = "late.b is used, but not defined before that";
        assert_eq!(fault(script, &[("late", late)]), expected);
    }

    #[test]
    fn needs_that_are_missing_unused_unknown_or_circular_are_refused() {
        let modules: Modules<'_> = &[("names", NAMES)];
        assert_eq!(fault("return 1", modules), "the script has no line `-- needs:`");
        let unused = "-- needs: names\n-- names.y\nreturn arg.names.y\n";
        assert_eq!(fault(unused, modules), "the script needs names and does not use it");
        let missing = "-- needs: nothing\nreturn names.y\n";
        assert_eq!(fault(missing, modules), "the script uses names and does not need it");
        let unknown = "-- needs: jobs\n";
        assert_eq!(fault(unknown, modules), "the script needs jobs, which is no module");
        let one = "-- needs: two\nlocal one = {}\none.x = two.x\nreturn one\n";
        let two = "-- needs: one\nlocal two = {}\ntwo.x = one.x\nreturn two\n";
        let circle = fault("-- needs: one\nreturn one.x\n", &[("one", one), ("two", two)]);
        assert_eq!(circle, "two needs one, which needs it in turn");
    }
}
