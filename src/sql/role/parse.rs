//! CREATE, ALTER and DROP ROLE, OWNER TO, REASSIGN and DROP OWNED.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grant;
use super::{ObjectClass, Objects, RoleAction, RoleOptions, WrittenName};
use crate::error::{Error, Result};
use crate::sql::define::Cursor;
use crate::sql::define_write::DefineWrite;
use crate::sql::statement::{Kind, Statement};
use crate::sql::write::Write;

/// Reads such a statement, with its command tag; `None` when it is another.
///
/// # Errors
/// 42601 when it begins like one and goes on otherwise.
pub(in crate::sql) fn parse(cursor: &mut Cursor<'_>) -> Result<Option<(String, RoleAction)>> {
    let parsed = if let Some(word) = role_word(cursor, "create") {
        Some((format!("CREATE {}", tag_word(word)), create(cursor, word)?))
    } else if let Some(word) = role_word(cursor, "alter") {
        Some((format!("ALTER {}", tag_word(word)), alter(cursor, word)?))
    } else if let Some(word) = role_word(cursor, "drop") {
        Some((format!("DROP {}", tag_word(word)), drop(cursor)?))
    } else if cursor.take(&["grant"]) {
        Some(grant::grant(cursor)?)
    } else if cursor.take(&["revoke"]) {
        Some(grant::revoke(cursor)?)
    } else if cursor.take(&["reassign", "owned", "by"]) {
        let from = roles(cursor)?;
        cursor.expect("to")?;
        let to = role(cursor)?;
        Some(("REASSIGN OWNED".to_owned(), RoleAction::ReassignOwned { from, to }))
    } else if cursor.take(&["drop", "owned", "by"]) {
        let by = roles(cursor)?;
        behavior(cursor);
        Some(("DROP OWNED".to_owned(), RoleAction::DropOwned { by }))
    } else {
        owner(cursor)?
    };
    match parsed {
        Some(_) if !cursor.done() => Err(cursor.error()),
        parsed => Ok(parsed),
    }
}

/// Takes the password out of a statement that may have one: the log of intents shows its text.
pub(in crate::sql) fn without_password(
    statement: Statement,
    tokens: &[TokenWithSpan],
) -> Statement {
    let has_password = match &statement.kind {
        Kind::Write(Write::Define { define: DefineWrite::Role(action), .. }) => {
            matches!(action.as_ref(), RoleAction::Create { .. } | RoleAction::Alter { .. })
        }
        _ => false,
    };
    if !has_password {
        return statement;
    }
    let mut is_behind = false;
    let mut text = String::new();
    for token in tokens {
        match &token.token {
            Token::EOF => {}
            Token::Whitespace(_) => text.push(' '),
            Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) if is_behind => {
                text.push_str("'********'");
            }
            other => {
                is_behind = matches!(other, Token::Word(word)
                    if word.value.eq_ignore_ascii_case("password"));
                text.push_str(&other.to_string());
            }
        }
    }
    Statement { text: text.trim().to_owned(), ..statement }
}

fn role_word(cursor: &mut Cursor<'_>, verb: &str) -> Option<&'static str> {
    ["role", "user", "group"].into_iter().find(|word| cursor.take(&[verb, word]))
}

/// Users and groups are roles, and the tags say so.
fn tag_word(_: &str) -> &'static str {
    "ROLE"
}

fn create(cursor: &mut Cursor<'_>, word: &str) -> Result<RoleAction> {
    let name = cursor.word()?;
    check_name(&name)?;
    let mut options = RoleOptions { login: Some(word == "user"), ..RoleOptions::default() };
    let (mut in_roles, mut members, mut admins) = (Vec::new(), Vec::new(), Vec::new());
    cursor.take(&["with"]);
    while !cursor.done() {
        if cursor.take(&["in", "role"]) || cursor.take(&["in", "group"]) {
            in_roles.extend(roles(cursor)?);
        } else if cursor.take(&["role"]) || cursor.take(&["user"]) {
            members.extend(roles(cursor)?);
        } else if cursor.take(&["admin"]) {
            admins.extend(roles(cursor)?);
        } else if cursor.take(&["sysid"]) {
            cursor.integer()?;
        } else {
            option(cursor, &mut options)?;
        }
    }
    Ok(RoleAction::Create { name, options, in_roles, members, admins })
}

fn alter(cursor: &mut Cursor<'_>, word: &str) -> Result<RoleAction> {
    let name = role(cursor)?;
    if cursor.take(&["rename", "to"]) {
        let to = cursor.word()?;
        check_name(&to)?;
        return Ok(RoleAction::Rename { name, to });
    }
    if word == "group" && cursor.take(&["add", "user"]) {
        return Ok(RoleAction::GrantRoles { roles: vec![name], to: roles(cursor)?, admin: false });
    }
    if word == "group" && cursor.take(&["drop", "user"]) {
        let from = roles(cursor)?;
        return Ok(RoleAction::RevokeRoles { roles: vec![name], from, admin_only: false });
    }
    if ["set", "reset", "in"].iter().any(|word| cursor.is(0, word)) {
        return Err(Error::unsupported("settings of a role are not supported")
            .with_hint("SET them in the session, or in the connection's options."));
    }
    let mut options = RoleOptions::default();
    cursor.take(&["with"]);
    while !cursor.done() {
        option(cursor, &mut options)?;
    }
    Ok(RoleAction::Alter { name, options })
}

fn option(cursor: &mut Cursor<'_>, options: &mut RoleOptions) -> Result<()> {
    let known: [(&str, &str, &mut Option<bool>); 7] = [
        ("superuser", "nosuperuser", &mut options.superuser),
        ("inherit", "noinherit", &mut options.inherit),
        ("createrole", "nocreaterole", &mut options.create_role),
        ("createdb", "nocreatedb", &mut options.create_db),
        ("login", "nologin", &mut options.login),
        ("replication", "noreplication", &mut options.replication),
        ("bypassrls", "nobypassrls", &mut options.bypass_rls),
    ];
    for (on, off, place) in known {
        if cursor.take(&[on]) {
            *place = Some(true);
            return Ok(());
        }
        if cursor.take(&[off]) {
            *place = Some(false);
            return Ok(());
        }
    }
    if cursor.take(&["connection", "limit"]) {
        let limit = cursor.integer()?;
        options.connection_limit = Some(i32::try_from(limit).map_err(|_| cursor.error())?);
        return Ok(());
    }
    if cursor.take(&["valid", "until"]) {
        options.valid_until = Some(text(cursor)?);
        return Ok(());
    }
    if cursor.take(&["encrypted", "password"]) || cursor.take(&["password"]) {
        // Nobody is asked for it, so it is not kept.
        if !cursor.take(&["null"]) {
            text(cursor)?;
        }
        return Ok(());
    }
    Err(cursor.error())
}

fn text(cursor: &mut Cursor<'_>) -> Result<String> {
    let text = match cursor.at(0) {
        Some(Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) => text.clone(),
        _ => return Err(cursor.error()),
    };
    cursor.skip(1);
    Ok(text)
}

fn drop(cursor: &mut Cursor<'_>) -> Result<RoleAction> {
    let if_exists = cursor.take(&["if", "exists"]);
    Ok(RoleAction::Drop { names: roles(cursor)?, if_exists })
}

/// CASCADE or RESTRICT.
pub(super) fn behavior(cursor: &mut Cursor<'_>) {
    if !cursor.take(&["cascade"]) {
        cursor.take(&["restrict"]);
    }
}

/// What stands for the session's own role until the statement is run.
pub(in crate::sql) const CURRENT: &str = "\u{1}current_user";

/// A role's name, or a word for the session's own.
pub(super) fn role(cursor: &mut Cursor<'_>) -> Result<String> {
    let own = ["current_user", "current_role", "session_user"];
    if own.iter().any(|word| cursor.is(0, word)) {
        cursor.skip(1);
        return Ok(CURRENT.to_owned());
    }
    cursor.word()
}

pub(super) fn roles(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut roles = vec![role(cursor)?];
    while cursor.takes(&Token::Comma) {
        roles.push(role(cursor)?);
    }
    Ok(roles)
}

fn check_name(name: &str) -> Result<()> {
    if matches!(name, "public" | "none") || name.starts_with("pg_") {
        let error = Error::new(
            crate::sqlstate::SqlState::RESERVED_NAME,
            format!("role name \"{name}\" is reserved"),
        );
        return Err(match name {
            name if name.starts_with("pg_") => {
                error.with_detail("Role names starting with \"pg_\" are reserved.")
            }
            _ => error,
        });
    }
    Ok(())
}

/// ALTER … OWNER TO.
fn owner(cursor: &mut Cursor<'_>) -> Result<Option<(String, RoleAction)>> {
    const OWNED: [(&[&str], ObjectClass, &str); 11] = [
        (&["table"], ObjectClass::Table, "ALTER TABLE"),
        (&["view"], ObjectClass::Table, "ALTER VIEW"),
        (&["materialized", "view"], ObjectClass::Table, "ALTER MATERIALIZED VIEW"),
        (&["sequence"], ObjectClass::Sequence, "ALTER SEQUENCE"),
        (&["schema"], ObjectClass::Schema, "ALTER SCHEMA"),
        (&["database"], ObjectClass::Database, "ALTER DATABASE"),
        (&["type"], ObjectClass::Type, "ALTER TYPE"),
        (&["domain"], ObjectClass::Type, "ALTER DOMAIN"),
        (&["function"], ObjectClass::Routine, "ALTER FUNCTION"),
        (&["procedure"], ObjectClass::Routine, "ALTER PROCEDURE"),
        (&["routine"], ObjectClass::Routine, "ALTER ROUTINE"),
    ];
    if !cursor.is(0, "alter") || !cursor.ends_with_owner() {
        return Ok(None);
    }
    for (words, class, tag) in OWNED {
        let verb: Vec<&str> = ["alter"].iter().chain(words).copied().collect();
        if !cursor.take(&verb) {
            continue;
        }
        cursor.take(&["if", "exists"]);
        cursor.take(&["only"]);
        let name = written_name(cursor)?;
        cursor.expect("owner")?;
        cursor.expect("to")?;
        let to = role(cursor)?;
        let of = Objects { class, names: vec![name], all_in_schema: false };
        return Ok(Some((tag.to_owned(), RoleAction::SetOwner { of, to })));
    }
    Ok(None)
}

/// An object's name; a routine's may have the types of its arguments.
pub(super) fn written_name(cursor: &mut Cursor<'_>) -> Result<WrittenName> {
    let name = cursor.name()?;
    let mut arguments = None;
    if cursor.takes(&Token::LParen) {
        let mut count = usize::from(!matches!(cursor.at(0), Some(Token::RParen)));
        let mut depth = 0_usize;
        loop {
            match cursor.at(0) {
                Some(Token::RParen) if depth == 0 => break,
                Some(Token::RParen) => depth -= 1,
                Some(Token::LParen) => depth += 1,
                Some(Token::Comma) if depth == 0 => count += 1,
                None => return Err(cursor.error()),
                _ => {}
            }
            cursor.skip(1);
        }
        cursor.skip(1);
        arguments = Some(count);
    }
    Ok(WrittenName { schema: name.schema, name: name.table, arguments })
}
