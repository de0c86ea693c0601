//! Cursors by SQL: DECLARE, FETCH, MOVE, CLOSE.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::{self, Places};
use super::statement::{Kind, Statement};
use crate::error::{Error, Result};

/// A statement about a cursor.
#[derive(Clone, Debug)]
pub enum CursorStatement {
    Declare {
        name: String,
        /// `SCROLL` and `NO SCROLL`; `None` where neither stands.
        scroll: Option<bool>,
        /// It outlives its transaction.
        hold: bool,
        query: Box<Statement>,
    },
    /// FETCH, or MOVE, which gives no rows.
    Fetch { name: String, direction: Direction, moves: bool },
    /// `None` for ALL.
    Close(Option<String>),
}

/// Which rows to fetch, seen from the cursor's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// So many rows; backward if negative.
    Forward(i64),
    ForwardAll,
    BackwardAll,
    /// One row by its number from the start, or from the end if negative.
    Absolute(i64),
    /// One row by its distance.
    Relative(i64),
}

/// Reads such a statement, with the number of its parameters; `None` when it is another.
///
/// # Errors
/// 42601 when it begins like one and goes on otherwise; whatever is wrong with DECLARE's query.
pub(super) fn parse(
    tokens: &[TokenWithSpan],
    text: &str,
    places: &Places,
) -> Result<Option<(Kind, usize)>> {
    let is_solid =
        |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_) | Token::EOF);
    let solid: Vec<&TokenWithSpan> = tokens.iter().filter(is_solid).collect();
    let mut reader = Reader { solid: &solid, place: 0 };
    let statement = if reader.word("declare") {
        declare(&mut reader, tokens, text, places)?
    } else if reader.word("fetch") {
        fetch(&mut reader, false)?
    } else if reader.word("move") {
        fetch(&mut reader, true)?
    } else if reader.word("close") {
        if reader.word("all") {
            CursorStatement::Close(None)
        } else {
            CursorStatement::Close(Some(reader.name()?))
        }
    } else {
        return Ok(None);
    };
    if !matches!(statement, CursorStatement::Declare { .. }) && reader.place < solid.len() {
        return Err(reader.wrong());
    }
    let param_count = match &statement {
        CursorStatement::Declare { query, .. } => query.param_count,
        _ => 0,
    };
    Ok(Some((Kind::Cursor(statement), param_count)))
}

struct Reader<'a> {
    solid: &'a [&'a TokenWithSpan],
    place: usize,
}

impl Reader<'_> {
    fn token(&self) -> Option<&Token> {
        self.solid.get(self.place).map(|token| &token.token)
    }

    /// Takes an unquoted word, if it stands here.
    fn word(&mut self, text: &str) -> bool {
        let found = matches!(self.token(), Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text));
        self.place += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<String> {
        let Some(Token::Word(word)) = self.token() else { return Err(self.wrong()) };
        let name = word.value.clone();
        self.place += 1;
        Ok(name)
    }

    fn number(&mut self) -> Option<Result<i64>> {
        let negative = matches!(self.token(), Some(Token::Minus));
        let signed = negative || matches!(self.token(), Some(Token::Plus));
        let digits = self.solid.get(self.place + usize::from(signed)).map(|token| &token.token);
        let Some(Token::Number(digits, _)) = digits else { return None };
        let number = digits.parse::<i64>().map_err(|_| self.wrong());
        self.place += 1 + usize::from(signed);
        Some(number.map(|number| if negative { -number } else { number }))
    }

    fn wrong(&self) -> Error {
        match self.token() {
            Some(token) => Error::syntax(format!("syntax error at or near \"{token}\"")),
            None => Error::syntax("syntax error at end of input"),
        }
    }
}

fn declare(
    reader: &mut Reader<'_>,
    tokens: &[TokenWithSpan],
    text: &str,
    places: &Places,
) -> Result<CursorStatement> {
    let name = reader.name()?;
    let mut scroll = None;
    loop {
        if reader.word("scroll") {
            scroll = Some(true);
        } else if reader.word("no") {
            if !reader.word("scroll") {
                return Err(reader.wrong());
            }
            scroll = Some(false);
        } else if !(reader.word("binary")
            || reader.word("insensitive")
            || reader.word("asensitive"))
        {
            break;
        }
    }
    if !reader.word("cursor") {
        return Err(reader.wrong());
    }
    let mut hold = false;
    if reader.word("with") {
        hold = true;
        if !reader.word("hold") {
            return Err(reader.wrong());
        }
    } else if reader.word("without") && !reader.word("hold") {
        return Err(reader.wrong());
    }
    if !reader.word("for") {
        return Err(reader.wrong());
    }
    let Some(first) = reader.solid.get(reader.place) else { return Err(reader.wrong()) };
    let start = tokens.iter().position(|token| std::ptr::eq(token, *first)).unwrap_or(0);
    let query = split::parse_one(&tokens[start..], text, places)?;
    if !matches!(query.kind, Kind::Read(_)) {
        return Err(Error::syntax("DECLARE CURSOR needs a query"));
    }
    Ok(CursorStatement::Declare { name, scroll, hold, query: Box::new(query) })
}

fn fetch(reader: &mut Reader<'_>, moves: bool) -> Result<CursorStatement> {
    let direction = direction(reader)?;
    if !reader.word("from") {
        reader.word("in");
    }
    Ok(CursorStatement::Fetch { name: reader.name()?, direction, moves })
}

fn direction(reader: &mut Reader<'_>) -> Result<Direction> {
    // A cursor may have the name of a direction: then nothing comes behind it.
    if reader.solid.len() == reader.place + 1 {
        return Ok(Direction::Forward(1));
    }
    for (word, direction) in [
        ("next", Direction::Forward(1)),
        ("prior", Direction::Forward(-1)),
        ("first", Direction::Absolute(1)),
        ("last", Direction::Absolute(-1)),
        ("all", Direction::ForwardAll),
    ] {
        if reader.word(word) {
            return Ok(direction);
        }
    }
    if reader.word("absolute") {
        let number = reader.number().unwrap_or_else(|| Err(reader.wrong()))?;
        return Ok(Direction::Absolute(number));
    }
    if reader.word("relative") {
        let number = reader.number().unwrap_or_else(|| Err(reader.wrong()))?;
        return Ok(Direction::Relative(number));
    }
    for (word, sign) in [("forward", 1), ("backward", -1)] {
        if reader.word(word) {
            if reader.word("all") {
                let back = sign < 0;
                return Ok(if back { Direction::BackwardAll } else { Direction::ForwardAll });
            }
            let number = reader.number().transpose()?.unwrap_or(1);
            return Ok(Direction::Forward(number * sign));
        }
    }
    Ok(Direction::Forward(reader.number().transpose()?.unwrap_or(1)))
}
