//! Clauses that the parser does not know inside of statements that it does: taken out of the
//! tokens, or put into the order that it wants.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::beyond::table_ref;
use crate::error::{Error, Result};
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;

/// How an INSERT overrides identity columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// OVERRIDING SYSTEM VALUE: given values are taken.
    System,
    /// OVERRIDING USER VALUE: the sequence's are.
    User,
}

/// Takes `OVERRIDING … VALUE` out of an INSERT, which the parser does not know.
pub(in crate::sql) fn take_overriding(
    tokens: Vec<TokenWithSpan>,
) -> (Vec<TokenWithSpan>, Option<Overriding>) {
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_)))
        .collect();
    let is = |place: usize, text: &str| {
        solid.get(place).is_some_and(|&index| {
            matches!(&tokens[index].token, Token::Word(word)
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
        })
    };
    if !is(0, "insert") && !is(0, "with") {
        return (tokens, None);
    }
    let found = (0..solid.len()).find_map(|place| {
        if !is(place, "overriding") || !is(place + 2, "value") {
            return None;
        }
        let kind = if is(place + 1, "system") {
            Overriding::System
        } else if is(place + 1, "user") {
            Overriding::User
        } else {
            return None;
        };
        Some((solid[place], solid[place + 2], kind))
    });
    match found {
        Some((first, last, kind)) => {
            let kept = tokens
                .into_iter()
                .enumerate()
                .filter(|(index, _)| !(first..=last).contains(index))
                .map(|(_, token)| token)
                .collect();
            (kept, Some(kind))
        }
        None => (tokens, None),
    }
}

/// What LIKE takes over of the table that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LikeOptions {
    pub defaults: bool,
    pub identity: bool,
    pub constraints: bool,
    pub indexes: bool,
    pub comments: bool,
}

impl LikeOptions {
    fn set(&mut self, word: &str, value: bool) {
        match word {
            "all" => {
                *self = LikeOptions {
                    defaults: value,
                    identity: value,
                    constraints: value,
                    indexes: value,
                    comments: value,
                }
            }
            "defaults" => self.defaults = value,
            "identity" => self.identity = value,
            "constraints" => self.constraints = value,
            "indexes" => self.indexes = value,
            "comments" => self.comments = value,
            // Compression, storage, statistics and generated columns: nothing to take over.
            _ => {}
        }
    }
}

/// Takes `INCLUDING …` and `EXCLUDING …` out of a CREATE TABLE, most of which the parser does not
/// know.
pub(in crate::sql) fn take_like_options(
    tokens: Vec<TokenWithSpan>,
) -> (Vec<TokenWithSpan>, LikeOptions) {
    let word = |index: usize| match &tokens[index].token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
        _ => String::new(),
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_)))
        .collect();
    let mut options = LikeOptions::default();
    let mut taken = Vec::new();
    if solid.first().is_some_and(|&first| word(first) == "create")
        && solid.iter().any(|&index| word(index) == "like")
    {
        for pair in solid.windows(2) {
            let &[first, second] = pair else { continue };
            match word(first).as_str() {
                "including" => options.set(&word(second), true),
                "excluding" => options.set(&word(second), false),
                _ => continue,
            }
            taken.extend([first, second]);
        }
    }
    let kept = tokens
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !taken.contains(index))
        .map(|(_, token)| token)
        .collect();
    (kept, options)
}

/// Takes `LIKE name` out of a CREATE TABLE that has other elements, too, which the parser does not
/// know; gives the name.
pub(in crate::sql) fn take_like(
    tokens: Vec<TokenWithSpan>,
) -> (Vec<TokenWithSpan>, Option<TableRef>) {
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_)))
        .collect();
    let token = |place: usize| solid.get(place).map(|&index| &tokens[index].token);
    let word = |place: usize| solid.get(place).map_or(String::new(), |&i| word_at(&tokens, i));
    let is_create = word(0) == "create" && (1..5).any(|place| word(place) == "table");
    let found = (1..solid.len()).find(|&place| {
        word(place) == "like"
            && matches!(token(place - 1), Some(Token::LParen | Token::Comma))
            && matches!(token(place + 1), Some(Token::Word(_)))
    });
    let Some(like) = found.filter(|_| is_create) else { return (tokens, None) };
    let mut parts = Vec::new();
    let mut end = like + 1;
    while let Some(Token::Word(part)) = token(end) {
        parts.push(part.value.clone());
        end += 1;
        if !matches!(token(end), Some(Token::Period)) {
            break;
        }
        end += 1;
    }
    let before = matches!(token(like - 1), Some(Token::Comma));
    let behind = matches!(token(end), Some(Token::Comma));
    // The only element is the parser's.
    let taken = match (before, behind) {
        (true, _) => like - 1..end,
        (false, true) => like..end + 1,
        (false, false) => return (tokens, None),
    };
    let taken: Vec<usize> = taken.filter_map(|place| solid.get(place).copied()).collect();
    let kept = tokens
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !taken.contains(index))
        .map(|(_, token)| token)
        .collect();
    (kept, table_ref(&parts))
}

/// Takes what says where and how a table, an index or a materialized view is stored out of its
/// CREATE: `[USING INDEX] TABLESPACE pg_default`, `USING heap`. And `NOT VALID`, which means
/// nothing where there are no rows yet. The tokens are without white space.
///
/// # Errors
/// 42704 for another tablespace: there is none.
pub(in crate::sql) fn take_storage(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    let word = |place: usize| word_at(&tokens, place);
    let what = (1..4).map(word).find(|word| matches!(word.as_str(), "table" | "index" | "view"));
    let (Some(what), "create") = (what, word(0).as_str()) else { return Ok(tokens) };
    let mut taken: Vec<usize> = Vec::new();
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        match (&token.token, depth, word(place).as_str()) {
            (Token::LParen, ..) => depth += 1,
            (Token::RParen, ..) => depth -= 1,
            // What follows is a query.
            (_, 0, "as") => break,
            (_, 0, "tablespace") => taken.extend(tablespace(&tokens, place)?),
            (_, 0 | 1, "using")
                if word(place + 1) == "index" && word(place + 2) == "tablespace" =>
            {
                taken.extend([place, place + 1]);
                taken.extend(tablespace(&tokens, place + 2)?);
            }
            (_, 0, "using") if what == "view" && word(place + 1) == "heap" => {
                taken.extend([place, place + 1]);
            }
            (_, 1, "not") if what == "table" && word(place + 1) == "valid" => {
                taken.extend([place, place + 1]);
            }
            _ => {}
        }
    }
    let kept = tokens.into_iter().enumerate().filter(|(place, _)| !taken.contains(place));
    Ok(kept.map(|(_, token)| token).collect())
}

/// The places of `TABLESPACE name`.
fn tablespace(tokens: &[TokenWithSpan], place: usize) -> Result<[usize; 2]> {
    match tokens.get(place + 1).map(|token| &token.token) {
        Some(Token::Word(word)) if word.value != "pg_default" => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("tablespace \"{}\" does not exist", word.value),
        )),
        _ => Ok([place, place + 1]),
    }
}

/// The options of sequences, in the order in which the parser wants them.
const OPTION_ORDER: [&str; 6] = ["increment", "minvalue", "maxvalue", "start", "cache", "cycle"];

/// Puts a sequence's options, which PostgreSQL takes in any order, into the parser's.
pub(in crate::sql) fn order_sequence_options(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let is_sequence = word_at(&tokens, 0) == "create"
        && (1..4).any(|place| word_at(&tokens, place) == "sequence");
    if is_sequence {
        let end = tokens.len();
        order(&mut tokens, 0, end);
        return tokens;
    }
    let mut place = 0;
    while place < tokens.len() {
        let opens = word_at(&tokens, place) == "identity"
            && matches!(tokens.get(place + 1), Some(next) if next.token == Token::LParen);
        if opens {
            let end = (place + 2..tokens.len())
                .find(|&index| tokens[index].token == Token::RParen)
                .unwrap_or(tokens.len());
            order(&mut tokens, place + 2, end);
        }
        place += 1;
    }
    tokens
}

fn word_at(tokens: &[TokenWithSpan], place: usize) -> String {
    match tokens.get(place).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_lowercase(),
        _ => String::new(),
    }
}

/// Sorts the options between two places; what is none of them stays before or behind them.
fn order(tokens: &mut Vec<TokenWithSpan>, start: usize, end: usize) {
    let rank_at = |place: usize| {
        let word = word_at(tokens, place);
        let word = if word == "no" { word_at(tokens, place + 1) } else { word };
        OPTION_ORDER.iter().position(|option| *option == word)
    };
    let Some(first) = (start..end).find(|&place| rank_at(place).is_some()) else { return };
    let last = (first..end)
        .find(|&place| matches!(word_at(tokens, place).as_str(), "owned" | "as"))
        .or_else(|| (first..end).find(|&place| matches!(tokens[place].token, Token::EOF)))
        .unwrap_or(end);
    let mut groups: Vec<(usize, Vec<TokenWithSpan>)> = Vec::new();
    let mut place = first;
    while place < last {
        let after_no = place > first && word_at(tokens, place - 1) == "no";
        match rank_at(place).filter(|_| !after_no) {
            Some(rank) => groups.push((rank, vec![tokens[place].clone()])),
            None => {
                if let Some((_, group)) = groups.last_mut() {
                    group.push(tokens[place].clone());
                }
            }
        }
        place += 1;
    }
    groups.sort_by_key(|(rank, _)| *rank);
    let sorted: Vec<TokenWithSpan> = groups.into_iter().flat_map(|(_, group)| group).collect();
    tokens.splice(first..last, sorted);
}
