//! DuckDB's own SQL (`PIVOT`, `FROM t`, `SUMMARIZE`, …), which the PostgreSQL parser refuses.
//!
//! There is no tree, so its tokens decide, strictly: a statement that does not begin with one of
//! the few words known to read or to write is refused here; DuckDB's own statement type and a
//! read-only transaction check reads once more.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::forbidden;
use super::statement::{Kind, Read, TableRef, Tag};
use super::write::Write;
use crate::error::{Error, Result};

const READS: &[&str] = &[
    "select",
    "from",
    "with",
    "values",
    "pivot",
    "unpivot",
    "summarize",
    "describe",
    "desc",
    "show",
    "table",
];

const WRITES: &[(&str, &str)] = &[
    ("insert", "INSERT"),
    ("update", "UPDATE"),
    ("delete", "DELETE"),
    ("merge", "MERGE"),
    ("create", "CREATE"),
    ("alter", "ALTER"),
    ("drop", "DROP"),
    ("comment", "COMMENT"),
];

/// What none of these words may do from a client, in any position of a `WITH`.
const WRITING_WORDS: &[&str] = &["insert", "update", "delete", "merge"];

pub(super) fn classify(solid: &[&TokenWithSpan]) -> Result<Kind> {
    forbidden::check_tokens(solid)?;
    let words = words(solid);
    let first = words.first().map(String::as_str).unwrap_or_default();
    let begins_with_paren = solid.first().is_some_and(|token| token.token == Token::LParen);
    if READS.contains(&first) || begins_with_paren {
        if words.iter().any(|word| WRITING_WORDS.contains(&word.as_str())) && first == "with" {
            return Err(Error::unsupported(
                "data-modifying statements inside a query are not supported",
            ));
        }
        return Ok(Kind::Read(Read { tables: names(solid), functions: Vec::new(), native: true }));
    }
    if let Some((word, tag)) = WRITES.iter().find(|(word, _)| *word == first) {
        let tag = match *word {
            "insert" => Tag::Insert,
            "create" | "alter" | "drop" => {
                let object = words.iter().skip(1).find(|w| {
                    !matches!(w.as_str(), "or" | "replace" | "temp" | "temporary" | "unique")
                });
                Tag::Fixed(format!(
                    "{tag} {}",
                    object.map(|o| o.to_uppercase()).unwrap_or_default()
                ))
            }
            "comment" => Tag::Fixed("COMMENT".to_owned()),
            _ => Tag::Counted(tag),
        };
        refuse_outside_objects(&words)?;
        forbidden::check_target_tokens(solid)?;
        return Ok(Kind::Write(Write::Other { tag, tables: names(solid), returning: false }));
    }
    let shown = solid.first().map(|token| token.token.to_string()).unwrap_or_default();
    Err(Error::syntax(format!("syntax error at or near \"{shown}\"")))
}

/// `CREATE SECRET`, `CREATE PERSISTENT …` reach outside of the database.
fn refuse_outside_objects(words: &[String]) -> Result<()> {
    let head: Vec<&str> = words.iter().take(5).map(String::as_str).collect();
    if head.contains(&"secret") || head.contains(&"persistent") {
        return Err(Error::unsupported("secrets are not supported"));
    }
    Ok(())
}

fn words(solid: &[&TokenWithSpan]) -> Vec<String> {
    solid
        .iter()
        .filter_map(|token| match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
            _ => None,
        })
        .collect()
}

/// Every dotted name in the text: without a tree, each may be a table.
fn names(solid: &[&TokenWithSpan]) -> Vec<TableRef> {
    let mut found: Vec<TableRef> = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    let mut after_period = false;
    let mut flush = |parts: &mut Vec<String>| {
        if let Some(table) = parts.pop() {
            let table = TableRef { database: None, schema: parts.pop(), table };
            if !found.contains(&table) {
                found.push(table);
            }
        }
        parts.clear();
    };
    for token in solid {
        match &token.token {
            Token::Word(word) => {
                if !after_period {
                    flush(&mut parts);
                }
                parts.push(match word.quote_style {
                    Some(_) => word.value.clone(),
                    None => word.value.to_lowercase(),
                });
                after_period = false;
            }
            Token::Period => after_period = true,
            _ => {
                flush(&mut parts);
                after_period = false;
            }
        }
    }
    flush(&mut parts);
    found
}

/// The highest `$n` among the tokens.
pub(super) fn param_count(solid: &[&TokenWithSpan]) -> usize {
    solid
        .iter()
        .filter_map(|token| match &token.token {
            Token::Placeholder(name) => name.strip_prefix('$')?.parse::<usize>().ok(),
            _ => None,
        })
        .filter(|&number| number <= super::params::PARAMS_MAX)
        .max()
        .unwrap_or(0)
}
