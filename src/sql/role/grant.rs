//! GRANT and REVOKE.

use sqlparser::tokenizer::Token;

use super::parse::{behavior, role, roles, written_name};
use super::{ObjectClass, Objects, PrivilegeChange, RoleAction, WrittenName, privilege_letter};
use crate::error::{Error, Result};
use crate::sql::define::Cursor;
use crate::sqlstate::SqlState;

/// Privileges, or roles, before it is known which they are.
struct Listed {
    /// Words with the columns behind them; none for ALL.
    words: Vec<(String, Vec<String>)>,
    all_columns: Vec<String>,
}

pub(super) fn grant(cursor: &mut Cursor<'_>) -> Result<(String, RoleAction)> {
    let listed = listed(cursor)?;
    let tag = "GRANT".to_owned();
    if !cursor.take(&["on"]) {
        cursor.expect("to")?;
        let to = roles(cursor)?;
        let admin = cursor.take(&["with", "admin", "option"]);
        granted_by(cursor)?;
        let tag = format!("{tag} ROLE");
        return Ok((tag, RoleAction::GrantRoles { roles: names(listed, cursor)?, to, admin }));
    }
    let of = objects(cursor)?;
    cursor.expect("to")?;
    let grantees = grantees(cursor)?;
    let grant_option = cursor.take(&["with", "grant", "option"]);
    granted_by(cursor)?;
    let change = change(listed, of, grantees, false, grant_option)?;
    Ok((tag, RoleAction::Privileges(change)))
}

pub(super) fn revoke(cursor: &mut Cursor<'_>) -> Result<(String, RoleAction)> {
    let grant_option = cursor.take(&["grant", "option", "for"]);
    let admin_only = cursor.take(&["admin", "option", "for"]);
    let listed = listed(cursor)?;
    let tag = "REVOKE".to_owned();
    if !cursor.take(&["on"]) {
        cursor.expect("from")?;
        let from = roles(cursor)?;
        granted_by(cursor)?;
        behavior(cursor);
        let roles = names(listed, cursor)?;
        let tag = format!("{tag} ROLE");
        return Ok((tag, RoleAction::RevokeRoles { roles, from, admin_only }));
    }
    let of = objects(cursor)?;
    cursor.expect("from")?;
    let grantees = grantees(cursor)?;
    granted_by(cursor)?;
    behavior(cursor);
    Ok((tag, RoleAction::Privileges(change(listed, of, grantees, true, grant_option)?)))
}

fn granted_by(cursor: &mut Cursor<'_>) -> Result<()> {
    if cursor.take(&["granted", "by"]) { role(cursor).map(drop) } else { Ok(()) }
}

fn listed(cursor: &mut Cursor<'_>) -> Result<Listed> {
    if cursor.take(&["all"]) {
        cursor.take(&["privileges"]);
        let all_columns = columns(cursor)?;
        return Ok(Listed { words: Vec::new(), all_columns });
    }
    let mut words = Vec::new();
    loop {
        let word = cursor.word()?;
        words.push((word, columns(cursor)?));
        if !cursor.takes(&Token::Comma) {
            return Ok(Listed { words, all_columns: Vec::new() });
        }
    }
}

fn columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut columns = Vec::new();
    if !cursor.takes(&Token::LParen) {
        return Ok(columns);
    }
    loop {
        columns.push(cursor.word()?);
        if cursor.takes(&Token::RParen) {
            return Ok(columns);
        }
        if !cursor.takes(&Token::Comma) {
            return Err(cursor.error());
        }
    }
}

/// The listed words as names of roles.
fn names(listed: Listed, cursor: &Cursor<'_>) -> Result<Vec<String>> {
    if listed.words.is_empty() || listed.words.iter().any(|(_, columns)| !columns.is_empty()) {
        return Err(cursor.error());
    }
    Ok(listed.words.into_iter().map(|(word, _)| word).collect())
}

fn grantees(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    loop {
        cursor.take(&["group"]);
        if cursor.take(&["public"]) {
            all.push(String::new());
        } else {
            all.push(role(cursor)?);
        }
        if !cursor.takes(&Token::Comma) {
            return Ok(all);
        }
    }
}

fn objects(cursor: &mut Cursor<'_>) -> Result<Objects> {
    const ALL: [(&str, ObjectClass); 5] = [
        ("tables", ObjectClass::Table),
        ("sequences", ObjectClass::Sequence),
        ("functions", ObjectClass::Routine),
        ("procedures", ObjectClass::Routine),
        ("routines", ObjectClass::Routine),
    ];
    const WORDS: [(&[&str], ObjectClass); 14] = [
        (&["table"], ObjectClass::Table),
        (&["sequence"], ObjectClass::Sequence),
        (&["schema"], ObjectClass::Schema),
        (&["database"], ObjectClass::Database),
        (&["function"], ObjectClass::Routine),
        (&["procedure"], ObjectClass::Routine),
        (&["routine"], ObjectClass::Routine),
        (&["type"], ObjectClass::Type),
        (&["domain"], ObjectClass::Type),
        (&["language"], ObjectClass::Other),
        (&["tablespace"], ObjectClass::Other),
        (&["foreign", "data", "wrapper"], ObjectClass::Other),
        (&["foreign", "server"], ObjectClass::Other),
        (&["parameter"], ObjectClass::Other),
    ];
    for (word, class) in ALL {
        if cursor.take(&["all", word, "in", "schema"]) {
            let plain = |name| WrittenName { schema: None, name, arguments: None };
            let names = roles(cursor)?.into_iter().map(plain).collect();
            return Ok(Objects { class, names, all_in_schema: true });
        }
    }
    // A table may be called by such a word.
    let word = WORDS.iter().find(|(words, _)| {
        !cursor.is(words.len(), "to") && !cursor.is(words.len(), "from") && cursor.take(words)
    });
    let class = word.map_or(ObjectClass::Table, |(_, class)| *class);
    let mut names = vec![written_name(cursor)?];
    while cursor.takes(&Token::Comma) {
        names.push(written_name(cursor)?);
    }
    Ok(Objects { class, names, all_in_schema: false })
}

fn change(
    listed: Listed,
    of: Objects,
    grantees: Vec<String>,
    revoke: bool,
    grant_option: bool,
) -> Result<PrivilegeChange> {
    let mut privileges = Vec::new();
    for (word, columns) in listed.words {
        let Some(letter) = privilege_letter(&word) else {
            return Err(Error::syntax(format!("unrecognized privilege type \"{word}\"")));
        };
        let allowed = of.class.privileges();
        if !columns.is_empty() && !"arwx".contains(letter) {
            return Err(wrong(&word, "column"));
        }
        // A table's privileges may be granted on a sequence that is called a table.
        let on_sequence = of.class == ObjectClass::Table && letter == 'U';
        if !allowed.contains(letter) && !on_sequence {
            return Err(wrong(&word, class_word(of.class)));
        }
        privileges.push((letter, columns));
    }
    let all_columns = listed.all_columns;
    Ok(PrivilegeChange { revoke, grant_option, privileges, all_columns, of, grantees })
}

fn wrong(privilege: &str, class: &str) -> Error {
    Error::new(
        SqlState::INVALID_GRANT_OPERATION,
        format!("invalid privilege type {} for {class}", privilege.to_uppercase()),
    )
}

fn class_word(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::Table => "relation",
        ObjectClass::Sequence => "sequence",
        ObjectClass::Routine => "function",
        ObjectClass::Schema => "schema",
        ObjectClass::Database => "database",
        ObjectClass::Type => "type",
        ObjectClass::Other => "object",
    }
}
