//! Puts a script's text together: its own, behind those of the modules of `lua/lib` that its header
//! names (`-- needs: names, jobs`), and of those that they need. A module is a file that returns a
//! table of functions; it sees nothing of other files but the tables that it needs.

use std::collections::BTreeSet;

/// Modules by their names.
pub(crate) type Modules<'a> = &'a [(&'a str, &'a str)];

/// The text of a script, or what is wrong with the needs of it or of a module.
pub(crate) fn assemble(script: &str, modules: Modules<'_>) -> Result<String, String> {
    let mut assembly =
        Assembly { modules, done: BTreeSet::new(), open: Vec::new(), text: String::new() };
    assembly.add_needs("the script", script)?;
    assembly.text.push_str(script);
    Ok(assembly.text)
}

struct Assembly<'a> {
    modules: Modules<'a>,
    done: BTreeSet<&'a str>,
    /// Modules whose needs are being added.
    open: Vec<&'a str>,
    text: String,
}

impl<'a> Assembly<'a> {
    fn add_needs(&mut self, user: &str, text: &'a str) -> Result<(), String> {
        let needs = needs(text).ok_or_else(|| format!("{user} has no line `-- needs:`"))?;
        for (module, _) in self.modules {
            match (needs.contains(module), is_used(text, module)) {
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
        if !self.done.insert(name) {
            return Ok(());
        }
        let module = self.modules.iter().find(|(module, _)| *module == name);
        let (_, text) = module.ok_or_else(|| format!("{user} needs {name}, which is no module"))?;
        self.open.push(name);
        self.add_needs(name, text)?;
        self.open.pop();
        // A function of its own, so that no other module sees its locals.
        self.text.push_str(&format!("local {name} = (function()\n{text}end)()\n"));
        Ok(())
    }
}

fn needs(text: &str) -> Option<Vec<&str>> {
    let line = text.lines().find_map(|line| line.strip_prefix("-- needs: "))?;
    Some(if line == "nothing" { Vec::new() } else { line.split(", ").collect() })
}

/// Whether the code has `module.`, not as a field of something else. A module of its own name is
/// what a file defines, not what it uses.
fn is_used(text: &str, module: &str) -> bool {
    let defined = format!("local {module} = {{}}");
    if text.contains(&defined) {
        return false;
    }
    let code = text.lines().map(|line| line.split("--").next().unwrap_or(line));
    let access = format!("{module}.");
    code.into_iter().any(|line| {
        line.match_indices(&access).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._'\"".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "-- needs: nothing\nlocal names = {}\nreturn names\n";

    fn fault(script: &str, modules: Modules<'_>) -> String {
        assemble(script, modules).unwrap_err()
    }

    #[test]
    fn a_module_comes_once_and_before_those_that_need_it() {
        let jobs = "-- needs: names\nlocal jobs = {}\njobs.x = names.y\nreturn jobs\n";
        let script = "-- needs: jobs, names\nreturn jobs.x .. names.y\n";
        let text = assemble(script, &[("jobs", jobs), ("names", NAMES)]).unwrap();
        let wrapped = |name, text| format!("local {name} = (function()\n{text}end)()\n");
        assert_eq!(text, [wrapped("names", NAMES), wrapped("jobs", jobs), script.into()].concat());
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
