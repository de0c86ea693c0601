//! Messages that were parsed before, by their text: dashboards and drivers send the same ones again
//! and again.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::statement::{Kind, Statement};
use crate::error::Result;

/// Messages of at most this many bytes are kept.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// So many bytes of text at most are kept; with their trees they take some thirty times as much.
const BYTES_MAX: u64 = 1 << 20;
/// How many messages are expected, for sizing.
const TEXTS: usize = 1000;

/// The statements of a message.
type Parsed = Arc<[Arc<Statement>]>;

/// Remembers messages with what was worked out for their statements. Shared by all sessions.
pub struct ParsedTexts(Cache<Box<str>, Parsed, ByLength>);

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Parsed> for ByLength {
    fn weight(&self, text: &Box<str>, _: &Parsed) -> u64 {
        text.len() as u64 + 1
    }
}

impl Default for ParsedTexts {
    fn default() -> Self {
        ParsedTexts(Cache::with_weighter(TEXTS, BYTES_MAX, ByLength))
    }
}

impl ParsedTexts {
    /// Parses a message, or finds it.
    ///
    /// # Errors
    /// As [`super::parse`].
    pub fn parse(&self, text: &str) -> Result<Parsed> {
        if let Some(parsed) = self.0.get(text) {
            return Ok(parsed);
        }
        let parsed: Parsed = super::parse(text)?.into_iter().map(Arc::new).collect();
        if text.len() <= TEXT_BYTES_MAX && parsed.iter().all(|statement| may_recur(statement)) {
            self.0.insert(text.into(), Arc::clone(&parsed));
        }
        Ok(parsed)
    }
}

/// Tells whether a statement is of a kind that comes again with the same text: values that stand in
/// a write's text do not.
fn may_recur(statement: &Statement) -> bool {
    match &statement.kind {
        Kind::Read(_) => true,
        Kind::Write(_) => statement.param_count > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_with_parameters_are_parsed_once() {
        let texts = ParsedTexts::default();
        let again = |text: &str| {
            let first = texts.parse(text).unwrap();
            Arc::ptr_eq(&first, &texts.parse(text).unwrap())
        };
        assert!(again("SELECT 1"));
        assert!(again("INSERT INTO t VALUES ($1)"));
        assert!(!again("INSERT INTO t VALUES (1)"));
        assert!(!again("BEGIN"));
        assert!(!again(&format!("SELECT '{}'", "x".repeat(TEXT_BYTES_MAX))));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let texts = ParsedTexts::default();
        let text = |index: usize| format!("SELECT {index}, '{}'", "x".repeat(8000));
        for index in 0..500 {
            texts.parse(&text(index)).unwrap();
        }
        assert!(texts.0.weight() <= BYTES_MAX);
    }
}
