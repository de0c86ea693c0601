//! CREATE, DROP and ALTER TRIGGER, and ALTER TABLE … ENABLE TRIGGER, which the parser does not know
//! as they are needed here.

use sqlparser::tokenizer::Token;

use super::beyond::{Cursor, define};
use crate::error::{Error, Result};
use crate::sql::define_write::DefineWrite;
use crate::sql::statement::Kind;
use crate::sql::trigger::{Event, TriggerSpec, TriggerStatement};
use crate::sqlstate::SqlState;

fn kind(tag: &str, statement: TriggerStatement) -> Result<Kind> {
    define(tag, DefineWrite::Trigger(Box::new(statement)))
}

/// Reads what stands behind `CREATE [OR REPLACE] [CONSTRAINT] TRIGGER`.
pub(super) fn create(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Kind> {
    let name = cursor.word()?;
    for (words, what) in
        [(&["before"][..], "BEFORE triggers"), (&["instead", "of"][..], "INSTEAD OF triggers")]
    {
        if cursor.take(words) {
            return Err(after_only(what));
        }
    }
    if !cursor.take(&["after"]) {
        return Err(cursor.error());
    }
    let mut spec = events(cursor)?;
    if !cursor.take(&["on"]) {
        return Err(cursor.error());
    }
    let table = cursor.name()?;
    referencing(cursor, &mut spec)?;
    if cursor.take(&["for"]) {
        cursor.take(&["each"]);
        if cursor.take(&["row"]) {
            return Err(Error::unsupported("triggers FOR EACH ROW are not supported").with_hint(
                "Use FOR EACH STATEMENT: the rows are in the tables new_table and old_table.",
            ));
        }
        if !cursor.take(&["statement"]) {
            return Err(cursor.error());
        }
    }
    if cursor.take(&["when"]) {
        return Err(Error::unsupported("WHEN of a trigger is not supported")
            .with_hint("Let the procedure's statements choose their rows."));
    }
    if !cursor.take(&["execute"]) || !(cursor.take(&["function"]) || cursor.take(&["procedure"])) {
        return Err(cursor.error());
    }
    let routine = cursor.name()?;
    let arguments = arguments(cursor)?;
    let statement = TriggerStatement::Create { name, table, spec, routine, arguments, or_replace };
    let kind = kind("CREATE TRIGGER", statement)?;
    cursor.end(kind)
}

fn after_only(what: &str) -> Error {
    Error::unsupported(format!("{what} are not supported"))
        .with_hint("Use AFTER … FOR EACH STATEMENT.")
}

/// Refuses what CONSTRAINT makes of a trigger.
pub(super) fn refuse_constraint() -> Error {
    after_only("constraint triggers")
}

fn events(cursor: &mut Cursor<'_>) -> Result<TriggerSpec> {
    let mut spec = TriggerSpec::default();
    loop {
        let event = if cursor.take(&["insert"]) {
            Event::Insert
        } else if cursor.take(&["delete"]) {
            Event::Delete
        } else if cursor.take(&["update"]) {
            if cursor.take(&["of"]) {
                spec.columns.push(cursor.word()?);
                while cursor.takes(&Token::Comma) {
                    spec.columns.push(cursor.word()?);
                }
            }
            Event::Update
        } else if cursor.take(&["truncate"]) {
            return Err(Error::unsupported("TRUNCATE triggers are not supported")
                .with_hint("DELETE without WHERE empties a table, too."));
        } else {
            return Err(cursor.error());
        };
        if spec.events.contains(&event) {
            let word = event.word();
            return Err(Error::syntax(format!(
                "duplicate trigger events specified at or near \"{word}\""
            )));
        }
        spec.events.push(event);
        if !cursor.take(&["or"]) {
            break;
        }
    }
    let order = [Event::Insert, Event::Delete, Event::Update];
    spec.events.sort_by_key(|event| order.iter().position(|other| other == event));
    Ok(spec)
}

fn referencing(cursor: &mut Cursor<'_>, spec: &mut TriggerSpec) -> Result<()> {
    if !cursor.take(&["referencing"]) {
        return Ok(());
    }
    let invalid = |message: &str| Error::new(SqlState::INVALID_OBJECT_DEFINITION, message);
    loop {
        let is_new = if cursor.take(&["new"]) {
            true
        } else if cursor.take(&["old"]) {
            false
        } else {
            break;
        };
        if cursor.take(&["row"]) {
            return Err(Error::unsupported(
                "ROW variable naming in the REFERENCING clause is not supported",
            )
            .with_hint("Use OLD TABLE or NEW TABLE for naming transition tables."));
        }
        if !cursor.take(&["table"]) {
            return Err(cursor.error());
        }
        cursor.take(&["as"]);
        let name = cursor.word()?;
        let (slot, word, fits) = if is_new {
            let fits = spec.events.iter().any(|event| *event != Event::Delete);
            (&mut spec.new_table, "NEW", fits)
        } else {
            let fits = spec.events.iter().any(|event| *event != Event::Insert);
            (&mut spec.old_table, "OLD", fits)
        };
        if !fits {
            let events = if is_new { "an INSERT or UPDATE" } else { "a DELETE or UPDATE" };
            return Err(invalid(&format!(
                "{word} TABLE can only be specified for {events} trigger"
            )));
        }
        if slot.replace(name).is_some() {
            return Err(invalid(&format!("{word} TABLE cannot be specified multiple times")));
        }
    }
    if spec.new_table.is_none() && spec.old_table.is_none() {
        return Err(cursor.error());
    }
    if spec.new_table == spec.old_table {
        return Err(invalid("OLD TABLE name and NEW TABLE name cannot be the same"));
    }
    Ok(())
}

/// The procedure's arguments: constants, each kept as its text.
fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    if !cursor.takes(&Token::LParen) {
        return Err(cursor.error());
    }
    if cursor.takes(&Token::RParen) {
        return Ok(arguments);
    }
    loop {
        let text = match cursor.at(0) {
            Some(
                Token::SingleQuotedString(text)
                | Token::EscapedStringLiteral(text)
                | Token::Number(text, _),
            ) => text.clone(),
            Some(Token::DollarQuotedString(text)) => text.value.clone(),
            Some(Token::Word(word)) => word.value.clone(),
            _ => return Err(cursor.error()),
        };
        cursor.skip(1);
        arguments.push(text);
        if cursor.takes(&Token::RParen) {
            return Ok(arguments);
        }
        if !cursor.takes(&Token::Comma) {
            return Err(cursor.error());
        }
    }
}

/// Reads what stands behind `DROP TRIGGER`.
pub(super) fn drop_trigger(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let if_exists = cursor.take(&["if", "exists"]);
    let name = cursor.word()?;
    if !cursor.take(&["on"]) {
        return Err(cursor.error());
    }
    let table = cursor.name()?;
    if !cursor.take(&["cascade"]) {
        cursor.take(&["restrict"]);
    }
    let kind = kind("DROP TRIGGER", TriggerStatement::Drop { name, table, if_exists })?;
    cursor.end(kind)
}

/// Reads what stands behind `ALTER TRIGGER`.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let name = cursor.word()?;
    if !cursor.take(&["on"]) {
        return Err(cursor.error());
    }
    let table = cursor.name()?;
    if !cursor.take(&["rename", "to"]) {
        return Err(Error::unsupported("ALTER TRIGGER can only rename a trigger"));
    }
    let to = cursor.word()?;
    let kind = kind("ALTER TRIGGER", TriggerStatement::Rename { name, table, to })?;
    cursor.end(kind)
}

/// Reads `ENABLE TRIGGER …` and `DISABLE TRIGGER …` behind `ALTER TABLE name`; `None` for others.
pub(super) fn enable(
    cursor: &mut Cursor<'_>,
    table: &crate::sql::statement::TableRef,
    if_exists: bool,
) -> Result<Option<Kind>> {
    let enabled = if cursor.take(&["enable", "trigger"]) {
        true
    } else if cursor.take(&["enable", "always", "trigger"])
        || cursor.take(&["enable", "replica", "trigger"])
    {
        return Err(Error::unsupported("ENABLE ALWAYS and ENABLE REPLICA are not supported")
            .with_hint("Nothing replicates here: use ENABLE TRIGGER."));
    } else if cursor.take(&["disable", "trigger"]) {
        false
    } else {
        return Ok(None);
    };
    let name =
        if cursor.take(&["all"]) || cursor.take(&["user"]) { None } else { Some(cursor.word()?) };
    let table = table.clone();
    let statement = TriggerStatement::Enable { table, if_exists, name, enabled };
    let kind = kind("ALTER TABLE", statement)?;
    cursor.end(kind).map(Some)
}
