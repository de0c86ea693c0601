//! A message's text to its statements.

use sqlparser::ast;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::comment::Comment;
use super::statement::{Kind, Statement};
use super::{
    classify, copy, cursor, define, native, params, precedence, rewrite, role, routine, spelling,
    write,
};
use crate::error::{Error, Result};
use crate::sql::dialect::PostgreSql;
use crate::sqlstate::SqlState;

/// How deep expressions may nest: the parser's stack is bounded.
const DEPTH_MAX: usize = 200;
/// Set operations of one statement, and operators in one run without a comma.
const SET_OPERATIONS_MAX: usize = 200;
const CHAIN_MAX: usize = 1_000;
/// Statements in one message.
const STATEMENTS_MAX: usize = 10_000;

/// An identifier and its place in the message, in characters from 1.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) folded: String,
    pub(super) position: usize,
}

/// Parses a message: one statement each between semicolons; none at all for an empty message.
///
/// # Errors
/// 42601 with a position when a statement cannot be read at all; 0A000 for what Teatree refuses.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let places = Places::new(text);
    let tokens = Tokenizer::new(&PostgreSql, text).tokenize_with_location().map_err(|error| {
        Error::syntax(error.message.clone()).with_position(places.characters(error.location))
    })?;
    let mut statements: Vec<Statement> = Vec::new();
    let mut later_comment = Comment::default();
    for part in routine::parts(&tokens) {
        if part.iter().all(|token| matches!(token.token, Token::Whitespace(_) | Token::EOF)) {
            later_comment = Comment::of_tokens(part);
            continue;
        }
        if statements.len() == STATEMENTS_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a message has more than {STATEMENTS_MAX} statements"),
            ));
        }
        later_comment = Comment::default();
        statements.push(parse_one(part, text, &places)?);
    }
    // A comment behind the last semicolon is the last statement's: some clients write it there.
    if let Some(last) = statements.last_mut() {
        last.comment.and(later_comment);
    }
    Ok(statements)
}

pub(super) fn parse_one(
    tokens: &[TokenWithSpan],
    text: &str,
    places: &Places,
) -> Result<Statement> {
    let is_blank = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_) | Token::EOF);
    let solid: Vec<&TokenWithSpan> = tokens.iter().filter(|token| !is_blank(token)).collect();
    let (first, last) = match (solid.first(), solid.last()) {
        (Some(first), Some(last)) => (first.span.start, last.span.end),
        _ => return Err(Error::internal("a statement without tokens")),
    };
    check_chains(&solid)?;
    let own = text.get(places.bytes(first)..places.bytes(last)).unwrap_or(text).to_owned();
    let offset = places.characters(first) - 1;
    let words = words_of(&solid, places);
    let comment = Comment::of_tokens(tokens);
    let (mut tokens, access_method) = take_access_method(tokens);
    rewrite::fold_tokens(&mut tokens);
    spelling::as_the_parser_knows(&mut tokens);
    let statement = |kind, tree: Option<ast::Statement>, param_count| Statement {
        text: own.clone(),
        kind,
        param_count,
        memo: super::statement::Memo::default(),
        tree: tree.map(Box::new),
        words: words.clone(),
        offset,
        comment: comment.clone(),
    };
    if copy::is_copy(&tokens) {
        return Ok(statement(copy::parse(&tokens, text, places)?, None, 0));
    }
    if let Some((kind, param_count)) = cursor::parse(&tokens, text, places)? {
        return Ok(statement(kind, None, param_count));
    }
    if let Some(kind) = parse_beyond(&tokens).map_err(|error| place(error, &words))? {
        return Ok(role::without_password(statement(kind, None, 0), &tokens));
    }
    let (tokens, overriding) = define::take_overriding(tokens);
    let (tokens, like_options) = define::take_like_options(tokens);
    let (tokens, like) = define::take_like(tokens);
    let tokens = define::take_storage(define::order_sequence_options(tokens));
    let tokens = tokens.map_err(|error| place(error, &words))?;
    let (tokens, with_data) = define::take_with_data(tokens);
    let parsed = Parser::new(&PostgreSql)
        .with_recursion_limit(DEPTH_MAX)
        .with_tokens_with_locations(tokens)
        .parse_statements();
    match parsed {
        Ok(mut trees) if trees.len() == 1 => {
            let mut tree = write::created_by_select(trees.remove(0));
            precedence::correct(&mut tree);
            let (mut kind, param_count) = read_tree(&tree, access_method, &words)?;
            if let Kind::Write(write) = &mut kind {
                write.set_like(like_options, like);
                write.set_overriding(overriding);
                write.set_with_data(with_data);
            }
            Ok(statement(kind, Some(tree), param_count))
        }
        Ok(_) => Err(syntax_at(&solid, places)),
        Err(sqlparser::parser::ParserError::RecursionLimitExceeded) => {
            Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"))
        }
        Err(_) => {
            let kind = native::classify(&solid).map_err(|error| error.with_position(offset + 1))?;
            Ok(statement(kind, None, native::param_count(&solid)))
        }
    }
}

/// Reads what the parser has no tree for.
fn parse_beyond(tokens: &[TokenWithSpan]) -> Result<Option<Kind>> {
    match routine::parse(tokens)? {
        Some(kind) => Ok(Some(kind)),
        None => define::parse_beyond(tokens),
    }
}

/// Classifies a tree and counts its parameters.
fn read_tree(
    tree: &ast::Statement,
    access_method: Option<String>,
    words: &[Word],
) -> Result<(Kind, usize)> {
    let mut kind = classify::classify(tree).map_err(|error| place(error, words))?;
    if let Kind::Write(write) = &mut kind {
        if let Some(method) = access_method {
            write.set_access_method(method)?;
        }
    }
    // Of their own statement the words are these, too.
    match &mut kind {
        Kind::Explain { statement, .. } => statement.words = words.to_vec(),
        Kind::Prepare { statement, .. } => {
            if let Some(inner) = std::sync::Arc::get_mut(statement) {
                inner.words = words.to_vec();
            }
        }
        _ => {}
    }
    // What PREPARE names are the parameters of the statement inside.
    let param_count = if matches!(kind, Kind::Prepare { .. }) { 0 } else { params::count(tree)? };
    Ok((kind, param_count))
}

/// Bounds what the parser's own limit does not see: long chains of operators, which nest to the
/// left, and set operations. Trees are walked by recursion, here and in the engines.
fn check_chains(solid: &[&TokenWithSpan]) -> Result<()> {
    let mut set_operations = 0_usize;
    let mut explains = 0_usize;
    // Operators since the last comma, for each open parenthesis.
    let mut runs = vec![0_usize];
    let mut longest = 0_usize;
    for token in solid {
        longest = longest.max(runs.last().copied().unwrap_or(0));
        match &token.token {
            Token::LParen => runs.push(0),
            Token::RParen if runs.len() > 1 => {
                runs.pop();
            }
            Token::Comma => {
                if let Some(run) = runs.last_mut() {
                    *run = 0;
                }
            }
            Token::Word(word) if word.quote_style.is_none() => {
                match word.value.to_lowercase().as_str() {
                    "union" | "intersect" | "except" => set_operations += 1,
                    "explain" => explains += 1,
                    "and" | "or" | "join" | "case" => {
                        if let Some(run) = runs.last_mut() {
                            *run += 1;
                        }
                    }
                    _ => {}
                }
            }
            Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::DoubleColon
            | Token::Eq
            | Token::LBracket => {
                if let Some(run) = runs.last_mut() {
                    *run += 1;
                }
            }
            _ => {}
        }
    }
    if set_operations > SET_OPERATIONS_MAX || explains > 1 || longest > CHAIN_MAX {
        return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
            .with_hint("Write the statement with shorter chains: IN for OR, VALUES for UNION."));
    }
    Ok(())
}

fn place(error: Error, words: &[Word]) -> Error {
    let quoted = error.message().split('"').nth(1).map(str::to_owned);
    let found = quoted.and_then(|name| words.iter().find(|word| word.folded == name));
    match found {
        Some(word) => error.with_position(word.position),
        None => error,
    }
}

fn syntax_at(solid: &[&TokenWithSpan], places: &Places) -> Error {
    let last = solid.last().map_or(1, |token| places.characters(token.span.start));
    Error::syntax("syntax error").with_position(last)
}

fn words_of(solid: &[&TokenWithSpan], places: &Places) -> Vec<Word> {
    solid
        .iter()
        .filter_map(|token| match &token.token {
            Token::Word(word) => Some(Word {
                folded: match word.quote_style {
                    Some(_) => word.value.clone(),
                    None => word.value.to_lowercase(),
                },
                position: places.characters(token.span.start),
            }),
            _ => None,
        })
        .collect()
}

/// Takes `USING method` out of a CREATE TABLE: PostgreSQL's table access methods, which the parser
/// does not know.
fn take_access_method(tokens: &[TokenWithSpan]) -> (Vec<TokenWithSpan>, Option<String>) {
    let word = |token: &Token, text: &str| {
        matches!(token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let at = |place: usize| solid.get(place).map(|&index| &tokens[index].token);
    let untouched = || (tokens.to_vec(), None);
    let is_create = at(0).is_some_and(|token| word(token, "create"))
        && (1..5).any(|place| at(place).is_some_and(|token| word(token, "table")));
    if !is_create {
        return untouched();
    }
    let mut depth = 0_usize;
    for (place, &index) in solid.iter().enumerate() {
        match &tokens[index].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            token if depth == 0 && word(token, "as") => return untouched(),
            token if depth == 0 && word(token, "using") => {
                let Some((&method_at, method)) = solid.get(place + 1).zip(at(place + 1)) else {
                    return untouched();
                };
                let Token::Word(method) = method else { return untouched() };
                let name = method.value.to_lowercase();
                let rest = tokens
                    .iter()
                    .enumerate()
                    .filter(|(place, _)| *place != index && *place != method_at)
                    .map(|(_, token)| token.clone())
                    .collect();
                return (rest, Some(name));
            }
            _ => {}
        }
    }
    untouched()
}

/// Lines and columns of the tokenizer as bytes and as characters of the whole text.
pub(super) struct Places {
    /// For each line: byte offset and character offset of its start.
    lines: Vec<(usize, usize)>,
    text: String,
}

impl Places {
    fn new(text: &str) -> Places {
        let mut lines = vec![(0, 0)];
        for (characters, (byte, character)) in text.char_indices().enumerate() {
            if character == '\n' {
                lines.push((byte + 1, characters + 1));
            }
        }
        Places { lines, text: text.to_owned() }
    }

    fn line(&self, location: Location) -> (usize, usize) {
        let line = usize::try_from(location.line).unwrap_or(1).max(1);
        self.lines.get(line - 1).copied().unwrap_or((0, 0))
    }

    /// The place in characters, from 1.
    pub(super) fn characters(&self, location: Location) -> usize {
        self.line(location).1 + usize::try_from(location.column).unwrap_or(1).max(1)
    }

    fn bytes(&self, location: Location) -> usize {
        let (start, _) = self.line(location);
        let column = usize::try_from(location.column).unwrap_or(1).max(1) - 1;
        self.text[start..]
            .char_indices()
            .nth(column)
            .map_or(self.text.len(), |(byte, _)| start + byte)
    }
}
