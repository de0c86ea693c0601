//! Privileges on an object, as `pg_class.relacl` shows them: `joe=r*w/ann`, the star for the right
//! to grant it.

use std::fmt;

/// Letters and words of the privileges, in the order in which PostgreSQL writes them.
pub const PRIVILEGES: [(char, &str); 12] = [
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
];

/// Finds the letter of a privilege's word.
pub(super) fn privilege_letter(word: &str) -> Option<char> {
    if word.eq_ignore_ascii_case("temp") {
        return Some('T');
    }
    PRIVILEGES.iter().find(|(_, known)| word.eq_ignore_ascii_case(known)).map(|(letter, _)| *letter)
}

/// What one role was granted by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclItem {
    /// Empty for everybody.
    pub grantee: String,
    pub grantor: String,
    /// Letters, each with the right to grant it.
    pub privileges: Vec<(char, bool)>,
}

/// What stands between the items in the text that is kept.
const SEPARATOR: char = '\u{1f}';

/// The privileges on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl(pub Vec<AclItem>);

impl Acl {
    /// What holds before anything is granted.
    pub fn initial(owner: &str, of_owner: &str, of_public: &str) -> Acl {
        let mut acl = Acl::default();
        if !of_public.is_empty() {
            acl.grant("", owner, of_public, false);
        }
        acl.grant(owner, owner, of_owner, false);
        acl
    }

    /// Reads what [`Acl`]'s text says; what is damaged is left out.
    pub fn parse(text: &str) -> Acl {
        Acl(text.split(SEPARATOR).filter_map(AclItem::parse).collect())
    }

    /// Grants privileges, given as letters.
    pub fn grant(&mut self, grantee: &str, grantor: &str, letters: &str, option: bool) {
        let place = self.0.iter().position(|i| i.grantee == grantee && i.grantor == grantor);
        let place = place.unwrap_or_else(|| {
            let (grantee, grantor) = (grantee.to_owned(), grantor.to_owned());
            self.0.push(AclItem { grantee, grantor, privileges: Vec::new() });
            self.0.len() - 1
        });
        let Some(item) = self.0.get_mut(place) else { return };
        for letter in letters.chars() {
            match item.privileges.iter_mut().find(|(known, _)| *known == letter) {
                Some((_, may_grant)) => *may_grant |= option,
                None => item.privileges.push((letter, option)),
            }
        }
    }

    /// Takes privileges back, or only the right to grant them.
    pub fn revoke(&mut self, grantee: &str, letters: &str, option_only: bool) {
        for item in self.0.iter_mut().filter(|item| item.grantee == grantee) {
            if option_only {
                let of = item.privileges.iter_mut().filter(|(l, _)| letters.contains(*l));
                of.for_each(|(_, may_grant)| *may_grant = false);
            } else {
                item.privileges.retain(|(letter, _)| !letters.contains(*letter));
            }
        }
        self.0.retain(|item| !item.privileges.is_empty());
    }

    /// Tells whether one of some roles, or everybody, has a privilege.
    pub fn allows(&self, roles: &[String], letter: char) -> bool {
        self.0.iter().any(|item| {
            (item.grantee.is_empty() || roles.contains(&item.grantee))
                && item.privileges.iter().any(|(known, _)| *known == letter)
        })
    }

    /// Tells whether a role is named.
    pub fn names(&self, role: &str) -> bool {
        self.0.iter().any(|item| item.grantee == role || item.grantor == role)
    }

    /// A role is another now: it has another name, or its objects are another's.
    pub fn replace(&mut self, from: &str, to: &str) {
        let named = std::mem::take(&mut self.0);
        for mut item in named {
            let is = |name: &str| if name == from { to.to_owned() } else { name.to_owned() };
            (item.grantee, item.grantor) = (is(&item.grantee), is(&item.grantor));
            for (letter, option) in item.privileges {
                self.grant(&item.grantee, &item.grantor, &letter.to_string(), option);
            }
        }
    }
}

impl AclItem {
    fn parse(text: &str) -> Option<AclItem> {
        let (grantee, rest) = name(text)?;
        let rest = rest.strip_prefix('=')?;
        let (letters, grantor) = rest.split_once('/')?;
        let mut privileges: Vec<(char, bool)> = Vec::new();
        for letter in letters.chars() {
            match (letter, privileges.last_mut()) {
                ('*', Some((_, may_grant))) => *may_grant = true,
                ('*', None) => return None,
                _ => privileges.push((letter, false)),
            }
        }
        Some(AclItem { grantee, grantor: name(grantor)?.0, privileges })
    }
}

/// Reads a name, which may stand in quotes, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find('=').unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl fmt::Display for AclItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", quoted(&self.grantee))?;
        for (letter, _) in PRIVILEGES {
            if let Some((_, option)) = self.privileges.iter().find(|(known, _)| *known == letter) {
                write!(f, "{letter}{}", if *option { "*" } else { "" })?;
            }
        }
        write!(f, "/{}", quoted(&self.grantor))
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            if place > 0 {
                write!(f, "{SEPARATOR}")?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let mut acl = Acl::initial("ann", "arwdDxt", "");
        acl.grant("odd \"one\"", "ann", "ra", true);
        acl.grant("", "ann", "r", false);
        let text = acl.to_string();
        assert_eq!(text, "ann=arwdDxt/ann\u{1f}\"odd \"\"one\"\"\"=a*r*/ann\u{1f}=r/ann");
        assert_eq!(Acl::parse(&text).to_string(), text);
        assert!(acl.allows(&[], 'r'));
        assert!(!acl.allows(&["joe".to_owned()], 'a'));
        acl.revoke("odd \"one\"", "a", false);
        acl.revoke("", "r", false);
        assert_eq!(acl.to_string(), "ann=arwdDxt/ann\u{1f}\"odd \"\"one\"\"\"=r*/ann");
        acl.replace("ann", "bob");
        assert_eq!(acl.to_string(), "bob=arwdDxt/bob\u{1f}\"odd \"\"one\"\"\"=r*/bob");
    }
}
