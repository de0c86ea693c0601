//! COMMENT ON what DuckDB keeps no comment of: constraints, triggers, indexes, sequences, schemas,
//! the database, roles.

use sqlparser::tokenizer::Token;

use super::beyond::{Cursor, define};
use crate::error::Result;
use crate::sql::define_write::DefineWrite;
use crate::sql::statement::{Kind, TableRef};

/// What a comment is on, as the statement says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CommentOn {
    Constraint,
    DomainConstraint,
    Trigger,
    Index,
    Sequence,
    Schema,
    Database,
    Role,
}

impl CommentOn {
    /// Tells whether its name may have a schema.
    pub(in crate::sql) fn is_in_schema(self) -> bool {
        !matches!(self, CommentOn::Schema | CommentOn::Database | CommentOn::Role)
    }
}

/// Reads what stands behind `COMMENT ON`; `None` for what the parser knows.
pub(super) fn comment_on(cursor: &mut Cursor<'_>) -> Result<Option<Kind>> {
    let words = [
        ("constraint", CommentOn::Constraint),
        ("trigger", CommentOn::Trigger),
        ("index", CommentOn::Index),
        ("sequence", CommentOn::Sequence),
        ("schema", CommentOn::Schema),
        ("database", CommentOn::Database),
        ("role", CommentOn::Role),
    ];
    let Some((_, mut on)) = words.into_iter().find(|(word, _)| cursor.take(&[word])) else {
        return Ok(None);
    };
    let mut part = String::new();
    let name = if matches!(on, CommentOn::Constraint | CommentOn::Trigger) {
        part = cursor.word()?;
        cursor.expect("on")?;
        // A table may be called by this word.
        let is_domain =
            on == CommentOn::Constraint && !cursor.is(1, "is") && cursor.is(0, "domain");
        if is_domain {
            cursor.skip(1);
            on = CommentOn::DomainConstraint;
        }
        cursor.name()?
    } else if on.is_in_schema() {
        cursor.name()?
    } else {
        TableRef { database: None, schema: None, table: cursor.word()? }
    };
    cursor.expect("is")?;
    let text = comment_text(cursor)?;
    let kind = define("COMMENT", DefineWrite::Comment { on, name, part, text })?;
    cursor.end(kind).map(Some)
}

/// A text, or NULL; an empty text is none.
fn comment_text(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    let text = match cursor.at(0) {
        Some(
            Token::SingleQuotedString(text)
            | Token::EscapedStringLiteral(text)
            | Token::UnicodeStringLiteral(text),
        ) => text.clone(),
        Some(Token::DollarQuotedString(text)) => text.value.clone(),
        _ if cursor.is(0, "null") => String::new(),
        _ => return Err(cursor.error()),
    };
    cursor.skip(1);
    Ok(Some(text).filter(|text| !text.is_empty()))
}
