//! The users that jobs run as: `--user`.

use std::{collections::BTreeMap, ffi::OsString, fs};

use rustix::process::geteuid;

/// The file in which names of users are looked up.
const ACCOUNTS: &str = "/etc/passwd";

/// Who runs the jobs of which project; by default the runner's own user runs all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// Of projects that have no user of their own.
    other: Option<User>,
    of_project: BTreeMap<i64, User>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Its name and its home; `None` for a user that was given by numbers.
    account: Option<(String, String)>,
}

impl Users {
    /// Each word is `PROJECT=USER`, or `USER` for all other projects; a user is a name in
    /// `/etc/passwd` or `UID:GID`.
    ///
    /// # Errors
    /// The runner is not root, a user is unknown or root, or a project has none or two.
    pub fn parse(words: &[String], projects: &[i64]) -> Result<Self, String> {
        if words.is_empty() {
            return Ok(Self::default());
        }
        if !geteuid().is_root() {
            return Err("only a runner of root can run jobs as another user".to_owned());
        }
        let accounts = fs::read_to_string(ACCOUNTS);
        let accounts = accounts.map_err(|error| format!("can't read {ACCOUNTS}: {error}"))?;
        Self::resolve(words, projects, &accounts)
    }

    fn resolve(words: &[String], projects: &[i64], accounts: &str) -> Result<Self, String> {
        let mut users = Self::default();
        for word in words {
            let earlier = match word.split_once('=') {
                Some((project, user)) => {
                    let known = |project: &i64| projects.contains(project);
                    let project = project.parse().ok().filter(known);
                    let project = project
                        .ok_or_else(|| format!("{word}: must begin with a project of --project"))?;
                    users.of_project.insert(project, User::find(user, accounts)?)
                }
                None => users.other.replace(User::find(word, accounts)?),
            };
            if earlier.is_some() {
                return Err(format!("{word}: there is a user for these jobs already"));
            }
        }
        match projects.iter().find(|project| users.of(**project).is_none()) {
            Some(project) => Err(format!("project {project} has none, so its jobs would be root")),
            None => Ok(users),
        }
    }

    /// `None`: the runner's own.
    pub(crate) fn of(&self, project: i64) -> Option<&User> {
        self.of_project.get(&project).or(self.other.as_ref())
    }

    /// Whether the runner is root and so are its jobs.
    pub(crate) fn are_root(&self) -> bool {
        *self == Self::default() && geteuid().is_root()
    }
}

impl User {
    fn find(user: &str, accounts: &str) -> Result<Self, String> {
        let numbers = user.split_once(':');
        let numbers = numbers.and_then(|(uid, gid)| Some((number(uid)?, number(gid)?)));
        let found = match numbers {
            Some((uid, gid)) => Some(Self { uid, gid, account: None }),
            None => accounts.lines().find_map(|line| Self::of_account(user, line)),
        };
        match found {
            None => Err(format!("{user}: neither a user of {ACCOUNTS} nor UID:GID")),
            Some(user) if user.uid == 0 => Err("jobs must not run as root".to_owned()),
            Some(user) => Ok(user),
        }
    }

    /// The user of a line of `/etc/passwd` if it is called `name`.
    fn of_account(name: &str, line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        if fields.next() != Some(name) || name.is_empty() {
            return None;
        }
        let (uid, gid) = (number(fields.nth(1)?)?, number(fields.next()?)?);
        let home = fields.nth(1)?.to_owned();
        Some(Self { uid, gid, account: Some((name.to_owned(), home)) })
    }

    /// What tells a program whose user it is: without this it would look for root's files.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let (name, home) = match &self.account {
            Some((name, home)) => (name.clone(), home.clone()),
            None => (self.uid.to_string(), "/".to_owned()),
        };
        let variables = [("HOME", home), ("USER", name.clone()), ("LOGNAME", name)];
        variables.map(|(name, value)| (name.into(), value.into())).into()
    }
}

/// A user's or a group's number. The highest means "none" to the kernel.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1001:1002:Ann,,,:/home/ann:/bin/sh\n\
                          bad:x\nbob:x:1003:1004::/home/bob:\n";

    fn resolve(words: &[&str], projects: &[i64]) -> Result<Users, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Users::resolve(&words, projects, PASSWD)
    }

    fn ids(users: &Users, project: i64) -> Option<(u32, u32)> {
        users.of(project).map(|user| (user.uid, user.gid))
    }

    #[test]
    fn each_project_has_its_user() {
        let users = resolve(&["9=ann", "bob", "10=77:88"], &[9, 10, 11]).unwrap();
        let found = [9, 10, 11].map(|project| ids(&users, project).unwrap());
        assert_eq!(found, [(1001, 1002), (77, 88), (1003, 1004)]);
        let variables = users.of(9).unwrap().variables();
        let expected = [("HOME", "/home/ann"), ("USER", "ann"), ("LOGNAME", "ann")];
        assert_eq!(variables, expected.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(Users::parse(&[], &[9]).unwrap(), Users::default());
        assert_eq!(ids(&Users::default(), 9), None);
    }

    #[test]
    fn a_user_that_cannot_be_is_named() {
        let cases: [(&[&str], &str); 9] = [
            (&["zoe"], "zoe: neither a user of /etc/passwd nor UID:GID"),
            (&["bad"], "bad: neither a user of /etc/passwd nor UID:GID"),
            (&[""], ": neither a user of /etc/passwd nor UID:GID"),
            (&["1:4294967295"], "1:4294967295: neither a user of /etc/passwd nor UID:GID"),
            (&["root"], "jobs must not run as root"),
            (&["0:5"], "jobs must not run as root"),
            (&["3=ann", "bob"], "3=ann: must begin with a project of --project"),
            (&["9=ann", "9=bob"], "9=bob: there is a user for these jobs already"),
            (&["9=ann"], "project 10 has none, so its jobs would be root"),
        ];
        for (words, expected) in cases {
            assert_eq!(resolve(words, &[9, 10]).unwrap_err(), expected);
        }
    }
}
