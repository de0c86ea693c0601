//! Words that PostgreSQL knows and the parser does not, spelled as the parser knows them.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Spells a statement's words as the parser knows them.
pub(super) fn as_the_parser_knows(tokens: &mut Vec<TokenWithSpan>) {
    join_names_of_settings(tokens);
    spell_out_abort(tokens);
    leave_out_deferrable(tokens);
    spell_out_trim(tokens);
    weaken_locks(tokens);
    leave_out_lock(tokens);
    leave_out_schema(tokens);
    log_all(tokens);
}

/// Every table is logged, one that is created UNLOGGED as well.
fn log_all(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: &TokenWithSpan, wanted: &str| {
        matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    };
    let mut solid = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF));
    if let (Some(first), Some(second), Some(third)) = (solid.next(), solid.next(), solid.next())
        && is(&tokens[first], "create")
        && is(&tokens[second], "unlogged")
        && is(&tokens[third], "table")
    {
        tokens.remove(second);
    }
}

/// `FOR NO KEY UPDATE` and `FOR KEY SHARE` lock nothing here either, and the parser knows only
/// `FOR UPDATE` and `FOR SHARE`.
fn weaken_locks(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: &TokenWithSpan, wanted: &str| {
        matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let mut dropped: Vec<usize> = Vec::new();
    for place in 0..solid.len() {
        if !is(&tokens[solid[place]], "for") {
            continue;
        }
        let next: Vec<usize> = solid.iter().skip(place + 1).take(3).copied().collect();
        let words = |wanted: &[&str]| {
            wanted.len() <= next.len()
                && next.iter().zip(wanted).all(|(&at, word)| is(&tokens[at], word))
        };
        if words(&["no", "key", "update"]) {
            dropped.extend(&next[..2]);
        } else if words(&["key", "share"]) {
            dropped.push(next[0]);
        }
    }
    for index in dropped.into_iter().rev() {
        tokens.remove(index);
    }
}

/// `SELECT 1 FOR UPDATE` names no table that could be locked, and the parser takes FOR for a name.
fn leave_out_lock(tokens: &mut Vec<TokenWithSpan>) {
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let is = |index: usize, wanted: &str| {
        matches!(&tokens[index].token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    };
    let [first, .., before, last] = solid.as_slice() else { return };
    let locks = is(*before, "for") && (is(*last, "update") || is(*last, "share"));
    if is(*first, "select") && locks && !solid.iter().any(|&index| is(index, "from")) {
        let (before, last) = (*before, *last);
        tokens.remove(last);
        tokens.remove(before);
    }
}

/// `pg_catalog.substring(…)` and its like: the parser knows them as words of its own, and then a
/// schema before them is a column to it.
fn leave_out_schema(tokens: &mut Vec<TokenWithSpan>) {
    const FUNCTIONS: [&str; 6] = ["substring", "overlay", "position", "extract", "ceil", "floor"];
    let word = |index: usize| match &tokens[index].token {
        Token::Word(word) => word.value.to_lowercase(),
        _ => String::new(),
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let mut gone = Vec::new();
    for four in solid.windows(4) {
        let [schema, dot, function, open] = *four else { continue };
        if word(schema) == "pg_catalog"
            && tokens[dot].token == Token::Period
            && FUNCTIONS.contains(&word(function).as_str())
            && tokens[open].token == Token::LParen
        {
            gone.extend([schema, dot]);
        }
    }
    for index in gone.into_iter().rev() {
        tokens.remove(index);
    }
}

/// `trim(leading from x)` takes blanks, which the parser wants to be told.
fn spell_out_trim(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: Option<&TokenWithSpan>, wanted: &[&str]| {
        matches!(token.map(|token| &token.token), Some(Token::Word(word))
            if word.quote_style.is_none()
                && wanted.iter().any(|text| word.value.eq_ignore_ascii_case(text)))
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let at = |place: usize| solid.get(place).and_then(|&index| tokens.get(index));
    let mut missing = Vec::new();
    for place in 0..solid.len() {
        let opens = at(place + 1).is_some_and(|token| token.token == Token::LParen);
        if is(at(place), &["trim"])
            && opens
            && is(at(place + 2), &["both", "leading", "trailing"])
            && is(at(place + 3), &["from"])
        {
            missing.push(solid[place + 3]);
        }
    }
    let both = (0..solid.len()).filter_map(|place| {
        let opens = is(at(place), &["trim"])
            && at(place + 1).is_some_and(|token| token.token == Token::LParen)
            && !is(at(place + 2), &["both", "leading", "trailing"]);
        (opens && has_from(tokens, &solid[place + 2..])).then(|| solid[place + 2])
    });
    let both: Vec<usize> = both.collect();
    // One form in a statement is enough: places move with what is put in.
    let missing_none = missing.is_empty();
    for index in missing.into_iter().rev() {
        let blank = Token::SingleQuotedString(" ".to_owned());
        let span = tokens[index].span;
        tokens.insert(index, TokenWithSpan { token: blank, span });
    }
    if missing_none {
        for index in both.into_iter().rev() {
            let span = tokens[index].span;
            let word = Token::make_keyword("BOTH");
            tokens.insert(index, TokenWithSpan { token: word, span });
        }
    }
}

/// Tells whether FROM stands inside of the parentheses that these tokens are in.
fn has_from(tokens: &[TokenWithSpan], inside: &[usize]) -> bool {
    let mut depth = 0;
    for &index in inside {
        match &tokens[index].token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return false,
            Token::RParen => depth -= 1,
            Token::Word(word)
                if depth == 0
                    && word.quote_style.is_none()
                    && word.value.eq_ignore_ascii_case("from") =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// ABORT is PostgreSQL's other word for ROLLBACK, which the parser does not know.
fn spell_out_abort(tokens: &mut [TokenWithSpan]) {
    let first = tokens.iter_mut().find(|token| !matches!(token.token, Token::Whitespace(_)));
    if let Some(TokenWithSpan { token, .. }) = first
        && matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value == "abort")
    {
        *token = Token::make_keyword("ROLLBACK");
    }
}

/// Leaves `[NOT] DEFERRABLE` out of a transaction's modes: the parser does not know it, and a
/// snapshot here waits for nobody.
fn leave_out_deferrable(tokens: &mut Vec<TokenWithSpan>) {
    let word = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
        Token::Comma => ",".to_owned(),
        _ => String::new(),
    };
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let words: Vec<String> = solid.iter().map(|&index| word(&tokens[index])).collect();
    let begins = match words.first().map(String::as_str) {
        Some("begin" | "start") => true,
        Some("set") => words.iter().any(|word| word == "transaction"),
        _ => false,
    };
    let Some(place) = words.iter().position(|word| word == "deferrable").filter(|_| begins) else {
        return;
    };
    let mut first = place;
    if first > 0 && words[first - 1] == "not" {
        first -= 1;
    }
    if first > 0 && words[first - 1] == "," {
        first -= 1;
    }
    let gone: Vec<usize> = solid[first..=place].to_vec();
    let mut index = 0;
    tokens.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
}

/// `RESET TIME ZONE` and its like name a setting in several words.
fn join_names_of_settings(tokens: &mut Vec<TokenWithSpan>) {
    const NAMES: [(&[&str], &str); 3] = [
        (&["time", "zone"], "timezone"),
        (&["transaction", "isolation", "level"], "transaction_isolation"),
        (&["session", "authorization"], "session_authorization"),
    ];
    let solid: Vec<usize> = (0..tokens.len())
        .filter(|&index| !matches!(tokens[index].token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let words: Vec<&str> = solid
        .iter()
        .map_while(|&index| match &tokens[index].token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.as_str()),
            _ => None,
        })
        .collect();
    let Some(("reset", named)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        return;
    };
    let known = NAMES.iter().find(|(words, _)| *words == named && solid.len() == words.len() + 1);
    let Some((words, name)) = known else { return };
    tokens[solid[1]].token = Token::make_word(name, None);
    for &index in solid[2..=words.len()].iter().rev() {
        tokens.remove(index);
    }
}
