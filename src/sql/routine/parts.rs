//! A message to its statements.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Splits a message at its semicolons: those inside of BEGIN ATOMIC … END belong to a routine.
pub(in crate::sql) fn parts(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let word = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
        _ => String::new(),
    };
    let mut found = Vec::new();
    let (mut start, mut depth, mut before) = (0, 0_usize, String::new());
    for (place, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::Whitespace(_) => continue,
            Token::SemiColon if depth == 0 => {
                found.push(&tokens[start..place]);
                start = place + 1;
            }
            _ => {}
        }
        let this = word(token);
        match this.as_str() {
            "atomic" if depth == 0 && before == "begin" => depth = 1,
            "case" if depth > 0 => depth += 1,
            "end" if depth > 0 => depth -= 1,
            _ => {}
        }
        before = this;
    }
    found.push(&tokens[start..]);
    found
}
