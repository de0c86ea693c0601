//! Statements that the parser does not know: ALTER SEQUENCE, SET SCHEMA, identity columns' ALTER,
//! renaming of views; materialized views (in `materialized.rs`), triggers (in `trigger.rs`),
//! comments (in `comment_on.rs`), roles and privileges (in `role/`).

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::comment_on::comment_on;
use super::sequence::{Bound, OwnerChange, Restart, SequenceOwner};
use super::{SequenceChange, TableAction, domain, materialized, trigger};
use crate::error::{Error, Result};
use crate::sql::define_write::DefineWrite;
use crate::sql::role;
use crate::sql::setting::TransactionStatement;
use crate::sql::statement::{Kind, TableRef, Tag};
use crate::sql::write::Write;
use crate::sqlstate::SqlState;

/// Reads such a statement; `None` when it is another.
///
/// # Errors
/// 42601 when it begins like one and goes on otherwise.
pub(in crate::sql) fn parse(tokens: &[TokenWithSpan]) -> Result<Option<Kind>> {
    let solid: Vec<&Token> = tokens
        .iter()
        .map(|token| &token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF | Token::SemiColon))
        .collect();
    let mut cursor = Cursor { solid: &solid, place: 0 };
    if let Some((tag, action)) = role::parse(&mut cursor)? {
        return define(&tag, DefineWrite::Role(Box::new(action))).map(Some);
    }
    if cursor.take(&["alter", "default", "privileges"]) {
        return Ok(Some(Kind::Nothing("ALTER DEFAULT PRIVILEGES")));
    }
    if let Some(upkeep) = upkeep(&mut cursor)? {
        return Ok(Some(upkeep));
    }
    if cursor.take(&["set", "constraints"]) {
        return set_constraints(&mut cursor).map(Some);
    }
    if cursor.take(&["refresh", "materialized", "view"]) {
        return materialized::refresh(&mut cursor).map(Some);
    }
    if cursor.take(&["create", "domain"]) {
        return create_domain(&mut cursor, tokens).map(Some);
    }
    if cursor.take(&["drop", "domain"]) {
        return drop_domain(&mut cursor).map(Some);
    }
    if cursor.take(&["create", "trigger"]) {
        return trigger::create(&mut cursor, false).map(Some);
    }
    if cursor.take(&["create", "or", "replace", "trigger"]) {
        return trigger::create(&mut cursor, true).map(Some);
    }
    if cursor.take(&["create", "constraint", "trigger"])
        || cursor.take(&["create", "or", "replace", "constraint", "trigger"])
    {
        return Err(trigger::refuse_constraint());
    }
    if cursor.take(&["comment", "on"]) {
        return comment_on(&mut cursor);
    }
    if cursor.take(&["drop", "trigger"]) {
        return trigger::drop_trigger(&mut cursor).map(Some);
    }
    if !cursor.take(&["alter"]) {
        return Ok(None);
    }
    if cursor.is(0, "domain") {
        return Err(Error::unsupported("ALTER DOMAIN is not supported")
            .with_hint("A column keeps what its domain demanded when it was made."));
    }
    if cursor.take(&["materialized", "view"]) {
        return materialized::alter(&mut cursor);
    }
    if cursor.take(&["trigger"]) {
        return trigger::alter(&mut cursor).map(Some);
    }
    if cursor.take(&["sequence"]) {
        return alter_sequence(&mut cursor).map(Some);
    }
    if cursor.take(&["table"]) {
        return alter_table(&mut cursor);
    }
    if cursor.take(&["view"]) {
        return alter_view(&mut cursor, "ALTER VIEW");
    }
    if cursor.take(&["index"]) {
        return alter_view(&mut cursor, "ALTER INDEX");
    }
    Ok(None)
}

/// Reads what an administrator does to the server itself.
fn upkeep(cursor: &mut Cursor<'_>) -> Result<Option<Kind>> {
    // Nothing here needs these: DuckDB keeps its files, indexes and statistics by itself.
    for (word, tag) in [("vacuum", "VACUUM"), ("reindex", "REINDEX"), ("checkpoint", "CHECKPOINT")]
    {
        if cursor.take(&[word]) {
            return Ok(Some(Kind::Nothing(tag)));
        }
    }
    if cursor.is(0, "do") {
        return Err(Error::unsupported("DO is not supported: there is no procedural language")
            .with_hint("CREATE PROCEDURE … LANGUAGE sql takes several statements."));
    }
    if cursor.take(&["prepare", "transaction"]) {
        return Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "prepared transactions are disabled",
        ));
    }
    if cursor.take(&["commit", "prepared"]) || cursor.take(&["rollback", "prepared"]) {
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, "there are no prepared transactions"));
    }
    Ok(None)
}

/// A place in a statement's tokens.
pub(in crate::sql) struct Cursor<'a> {
    solid: &'a [&'a Token],
    place: usize,
}

impl Cursor<'_> {
    pub(in crate::sql) fn at(&self, ahead: usize) -> Option<&Token> {
        self.solid.get(self.place + ahead).copied()
    }

    pub(in crate::sql) fn is(&self, ahead: usize, text: &str) -> bool {
        matches!(self.at(ahead), Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    }

    /// Takes these words, if they come next.
    pub(in crate::sql) fn take(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is(ahead, word));
        if found {
            self.place += words.len();
        }
        found
    }

    /// Takes this word.
    pub(in crate::sql) fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(&[word]) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes this token, if it comes next.
    pub(in crate::sql) fn takes(&mut self, token: &Token) -> bool {
        let found = self.at(0) == Some(token);
        self.place += usize::from(found);
        found
    }

    /// Passes over tokens.
    pub(in crate::sql) fn skip(&mut self, count: usize) {
        self.place += count;
    }

    /// Passes over the rest.
    pub(super) fn skip_all(&mut self) {
        self.place = self.solid.len();
    }

    pub(in crate::sql) fn ends_with_owner(&self) -> bool {
        let count = self.solid.len();
        let is = |place: usize, text: &str| {
            matches!(self.solid.get(place), Some(Token::Word(word))
                if word.value.eq_ignore_ascii_case(text))
        };
        count > 4 && is(count - 3, "owner") && is(count - 2, "to")
    }

    pub(in crate::sql) fn done(&self) -> bool {
        self.place >= self.solid.len()
    }

    pub(in crate::sql) fn word(&mut self) -> Result<String> {
        match self.at(0) {
            Some(Token::Word(word)) => {
                let value = word.value.clone();
                self.place += 1;
                Ok(value)
            }
            _ => Err(self.error()),
        }
    }

    pub(in crate::sql) fn error(&self) -> Error {
        match self.at(0) {
            Some(token) => Error::syntax(format!("syntax error at or near \"{token}\"")),
            None => Error::syntax("syntax error at end of input"),
        }
    }

    /// Takes a name of up to `parts_max` parts.
    fn parts(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.word()?];
        while matches!(self.at(0), Some(Token::Period)) {
            self.place += 1;
            parts.push(self.word()?);
        }
        Ok(parts)
    }

    pub(in crate::sql) fn name(&mut self) -> Result<TableRef> {
        let parts = self.parts()?;
        table_ref(&parts).ok_or_else(|| Error::syntax("improper qualified name"))
    }

    pub(in crate::sql) fn integer(&mut self) -> Result<i64> {
        let minus = matches!(self.at(0), Some(Token::Minus));
        if minus || matches!(self.at(0), Some(Token::Plus)) {
            self.place += 1;
        }
        let text = match self.at(0) {
            Some(Token::Number(text, _)) => text.clone(),
            _ => return Err(self.error()),
        };
        let signed = if minus { format!("-{text}") } else { text };
        let value = signed.parse().map_err(|_| self.error())?;
        self.place += 1;
        Ok(value)
    }

    pub(super) fn end(&self, kind: Kind) -> Result<Kind> {
        if self.done() { Ok(kind) } else { Err(self.error()) }
    }
}

pub(super) fn table_ref(parts: &[String]) -> Option<TableRef> {
    let (table, above) = parts.split_last()?;
    let (schema, database) = match above {
        [] => (None, None),
        [schema] => (Some(schema.clone()), None),
        [database, schema] => (Some(schema.clone()), Some(database.clone())),
        _ => return None,
    };
    Some(TableRef { database, schema, table: table.clone() })
}

pub(super) fn define(tag: &str, define: DefineWrite) -> Result<Kind> {
    let write = Write::Define { tag: Tag::Fixed(tag.to_owned()), define };
    write.check_target()?;
    Ok(Kind::Write(write))
}

fn create_domain(cursor: &mut Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<Kind> {
    let name = cursor.name()?;
    let solid = tokens.iter().enumerate();
    let mut solid = solid.filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let (first, _) = solid.nth(2).ok_or_else(|| cursor.error())?;
    let create = Box::new(domain::parse(&tokens[first..])?);
    define("CREATE DOMAIN", DefineWrite::CreateDomain { name, create })
}

fn drop_domain(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let if_exists = cursor.take(&["if", "exists"]);
    let mut names = vec![cursor.name()?];
    while matches!(cursor.at(0), Some(Token::Comma)) {
        cursor.place += 1;
        names.push(cursor.name()?);
    }
    let cascade = cursor.take(&["cascade"]);
    cursor.take(&["restrict"]);
    let kind = define("DROP DOMAIN", DefineWrite::DropDomain { names, if_exists, cascade })?;
    cursor.end(kind)
}

fn alter_sequence(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let if_exists = cursor.take(&["if", "exists"]);
    let name = cursor.name()?;
    let mut change = SequenceChange::default();
    let mut owner = None;
    while !cursor.done() {
        if cursor.take(&["as"]) {
            change.spec.type_name = Some(match cursor.word()?.as_str() {
                "int" | "integer" | "int4" => "integer".to_owned(),
                "smallint" | "int2" => "smallint".to_owned(),
                _ => "bigint".to_owned(),
            });
        } else if cursor.take(&["increment"]) {
            cursor.take(&["by"]);
            change.spec.increment = Some(cursor.integer()?);
        } else if cursor.take(&["no", "minvalue"]) {
            change.spec.min = Bound::No;
        } else if cursor.take(&["no", "maxvalue"]) {
            change.spec.max = Bound::No;
        } else if cursor.take(&["minvalue"]) {
            change.spec.min = Bound::At(cursor.integer()?);
        } else if cursor.take(&["maxvalue"]) {
            change.spec.max = Bound::At(cursor.integer()?);
        } else if cursor.take(&["start"]) {
            cursor.take(&["with"]);
            change.spec.start = Some(cursor.integer()?);
        } else if cursor.take(&["restart"]) {
            let with = cursor.take(&["with"]);
            let value = matches!(cursor.at(0), Some(Token::Number(..) | Token::Minus));
            change.restart =
                if with || value { Restart::At(cursor.integer()?) } else { Restart::AtStart };
        } else if cursor.take(&["cache"]) {
            cursor.integer()?;
        } else if cursor.take(&["no", "cycle"]) {
            change.spec.cycle = Some(false);
        } else if cursor.take(&["cycle"]) {
            change.spec.cycle = Some(true);
        } else if cursor.take(&["owned", "by"]) {
            owner = Some(cursor.parts()?);
        } else if cursor.take(&["rename", "to"]) {
            change.rename = Some(cursor.word()?);
        } else if cursor.take(&["set", "schema"]) {
            change.schema = Some(cursor.word()?);
        } else {
            return Err(cursor.error());
        }
    }
    let owner = owner.map(|parts| owner_of(&parts)).transpose()?;
    let nobody = matches!(owner, Some(None));
    if nobody {
        change.owner = OwnerChange::Nobody;
    }
    define(
        "ALTER SEQUENCE",
        DefineWrite::AlterSequence { name, if_exists, change, owner: owner.flatten() },
    )
}

/// The table and column that OWNED BY names.
fn owner_of(parts: &[String]) -> Result<Option<(TableRef, String)>> {
    match parts {
        [only] if only.eq_ignore_ascii_case("none") => Ok(None),
        [above @ .., column] if !above.is_empty() => {
            Ok(table_ref(above).map(|t| (t, column.clone())))
        }
        _ => Err(Error::syntax("invalid OWNED BY option")
            .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")),
    }
}

impl SequenceOwner {
    /// Finds what the owner's name may mean.
    pub(in crate::sql) fn new(table: &TableRef, column: String, search_path: &[String]) -> Self {
        SequenceOwner { table: table.candidates(search_path).collect(), column }
    }
}

fn alter_table(cursor: &mut Cursor<'_>) -> Result<Option<Kind>> {
    let if_exists = cursor.take(&["if", "exists"]);
    cursor.take(&["only"]);
    let Ok(table) = cursor.name() else { return Ok(None) };
    if let Some(kind) = trigger::enable(cursor, &table, if_exists)? {
        return Ok(Some(kind));
    }
    let action = if cursor.take(&["set", "schema"]) {
        TableAction::SetSchema { schema: cursor.word()? }
    } else if cursor.take(&["alter", "constraint"]) {
        alter_constraint(cursor)?
    } else if cursor.take(&["alter"]) {
        cursor.take(&["column"]);
        let Ok(column) = cursor.word() else { return Ok(None) };
        if !cursor.take(&["drop", "identity"]) {
            return Ok(None);
        }
        TableAction::DropIdentity { column, if_exists: cursor.take(&["if", "exists"]) }
    } else {
        return Ok(None);
    };
    let kind = define("ALTER TABLE", DefineWrite::AlterTable { table, if_exists, action })?;
    cursor.end(kind).map(Some)
}

fn alter_constraint(cursor: &mut Cursor<'_>) -> Result<TableAction> {
    let name = cursor.word()?;
    let (mut deferrable, mut deferred) = (None, None);
    while !cursor.done() {
        if cursor.take(&["not", "deferrable"]) {
            deferrable = Some(false);
        } else if cursor.take(&["deferrable"]) {
            deferrable = Some(true);
        } else if cursor.take(&["initially", "deferred"]) {
            deferred = Some(true);
        } else if cursor.take(&["initially", "immediate"]) {
            deferred = Some(false);
        } else {
            return Err(cursor.error());
        }
    }
    if deferred == Some(true) && deferrable == Some(false) {
        return Err(Error::syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
    }
    // As in PostgreSQL, what is not said is as if the constraint were made anew.
    let deferrable = deferrable.unwrap_or(deferred == Some(true));
    Ok(TableAction::AlterConstraint { name, deferrable, deferred: deferred == Some(true) })
}

fn set_constraints(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let mut names = Vec::new();
    if !cursor.take(&["all"]) {
        names.push(cursor.name()?);
        while cursor.takes(&Token::Comma) {
            names.push(cursor.name()?);
        }
    }
    let deferred = cursor.take(&["deferred"]);
    if !deferred && !cursor.take(&["immediate"]) {
        return Err(cursor.error());
    }
    let statement = TransactionStatement::SetConstraints { names, deferred };
    cursor.end(Kind::Transaction(statement))
}

/// Another name or schema of a view, another name of an index.
fn alter_view(cursor: &mut Cursor<'_>, tag: &str) -> Result<Option<Kind>> {
    let if_exists = cursor.take(&["if", "exists"]);
    let Ok(table) = cursor.name() else { return Ok(None) };
    let action = if cursor.take(&["rename", "to"]) {
        TableAction::RenameTable { to: cursor.word()? }
    } else if tag == "ALTER VIEW" && cursor.take(&["set", "schema"]) {
        TableAction::SetSchema { schema: cursor.word()? }
    } else {
        return Ok(None);
    };
    let kind = define(tag, DefineWrite::AlterTable { table, if_exists, action })?;
    cursor.end(kind).map(Some)
}
