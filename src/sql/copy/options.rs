//! COPY's options: `WITH (name value, …)`, and the spelling from before PostgreSQL 9.0.

use std::path::Path;

use sqlparser::tokenizer::Token;

use super::tokens::Tokens;
use super::{CopyFile, FileForm, ForceQuote};
use crate::error::{Error, Result};
use crate::sql::split::Places;
use crate::sqlstate::SqlState;
use crate::types::{CopyEncoding, CopyFormat, CopyHeader, GivenCopyOptions};

/// What was read.
pub(super) struct Options {
    pub(super) given: GivenCopyOptions,
    pub(super) force_quote: ForceQuote,
    pub(super) force_null: Vec<String>,
    pub(super) force_not_null: Vec<String>,
    freeze: Option<bool>,
    /// The rows go to a file, which has formats of its own.
    pub(super) to_file: bool,
    form: Option<FileForm>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            given: GivenCopyOptions::default(),
            force_quote: ForceQuote::These(Vec::new()),
            force_null: Vec::new(),
            force_not_null: Vec::new(),
            freeze: None,
            to_file: false,
            form: None,
        }
    }
}

/// What stands behind an option's name.
enum Given {
    Nothing,
    Text(String),
    Star,
    Names(Vec<String>),
}

impl Options {
    /// Reads `[WITH] (…)`, or options without parentheses.
    pub(super) fn parse(&mut self, tokens: &mut Tokens, places: &Places) -> Result<()> {
        tokens.take("with");
        if !tokens.take_symbol(&Token::LParen) {
            return self.parse_old(tokens, places);
        }
        loop {
            self.parse_one(tokens, places)?;
            if !tokens.take_symbol(&Token::Comma) {
                break;
            }
        }
        tokens.expect_symbol(&Token::RParen, places)
    }

    fn parse_one(&mut self, tokens: &mut Tokens, places: &Places) -> Result<()> {
        let position = tokens.position(places);
        let name = tokens.name(places)?;
        let given = value(tokens, places)?;
        self.set(&name, given).map_err(|fault| match fault {
            Fault::Placed(error) => error.with_position(position),
            Fault::Plain(error) => error,
        })
    }

    fn set(&mut self, name: &str, value: Given) -> Result<(), Fault> {
        let given = &mut self.given;
        if let ("format", true, Given::Text(text)) = (name, self.to_file, &value)
            && let Some(form) = file_form(text)
        {
            if given.format.is_some() {
                return Err(redundant());
            }
            return put(&mut self.form, form);
        }
        match name {
            "format" => put(&mut given.format, format(text(name, value)?.as_str())?),
            "freeze" => put(&mut self.freeze, boolean(name, value)?),
            "delimiter" => put(&mut given.delimiter, text(name, value)?),
            "null" => put(&mut given.null, text(name, value)?),
            "header" => put(&mut given.header, header(value)?),
            "quote" => put(&mut given.quote, text(name, value)?),
            "escape" => put(&mut given.escape, text(name, value)?),
            "encoding" => put(&mut given.encoding, encoding(&text(name, value)?)?),
            "force_quote" => {
                let quoted = match value {
                    Given::Star => ForceQuote::All,
                    other => ForceQuote::These(names(name, other)?),
                };
                once(&mut given.force_quote)?;
                self.force_quote = quoted;
                Ok(())
            }
            "force_not_null" => {
                let listed = names(name, value)?;
                once(&mut given.force_not_null)?;
                self.force_not_null = listed;
                Ok(())
            }
            "force_null" => {
                let listed = names(name, value)?;
                once(&mut given.force_null)?;
                self.force_null = listed;
                Ok(())
            }
            _ => Err(Fault::Placed(Error::syntax(format!("option \"{name}\" not recognized")))),
        }
    }

    fn parse_old(&mut self, tokens: &mut Tokens, places: &Places) -> Result<()> {
        while let Some(word) = tokens.peek_word() {
            let position = tokens.position(places);
            let outcome = match word.as_str() {
                "binary" | "csv" => {
                    tokens.take(&word);
                    self.set("format", Given::Text(word))
                }
                "freeze" | "header" => {
                    tokens.take(&word);
                    self.set(&word, Given::Nothing)
                }
                "delimiter" | "null" | "quote" | "escape" => {
                    tokens.take(&word);
                    tokens.take("as");
                    let text = tokens.string(places)?;
                    self.set(&word, Given::Text(text))
                }
                "encoding" => {
                    tokens.take(&word);
                    let text = tokens.string(places)?;
                    self.set(&word, Given::Text(text))
                }
                "force" => {
                    tokens.take(&word);
                    self.old_force(tokens, places)?
                }
                _ => return Ok(()),
            };
            outcome.map_err(|fault| match fault {
                Fault::Placed(error) => error.with_position(position),
                Fault::Plain(error) => error,
            })?;
        }
        Ok(())
    }

    fn old_force(&mut self, tokens: &mut Tokens, places: &Places) -> Result<Result<(), Fault>> {
        let name = if tokens.take("quote") {
            "force_quote"
        } else if tokens.take("not") {
            tokens.expect("null", places)?;
            "force_not_null"
        } else {
            tokens.expect("null", places)?;
            "force_null"
        };
        let star = name == "force_quote" && tokens.take_symbol(&Token::Mul);
        let value = if star { Given::Star } else { Given::Names(tokens.names(places)?) };
        Ok(self.set(name, value))
    }

    /// Decides what a file's rows look like: by the option, or by the ending of its name.
    ///
    /// # Errors
    /// 42601 for options of lines with a file that has none.
    pub(super) fn file(&mut self, name: String) -> Result<CopyFile> {
        let ending = Path::new(&name).extension().map(|ending| ending.to_string_lossy());
        let ending = ending.map(|ending| ending.to_lowercase()).unwrap_or_default();
        let form = match (self.form, self.given.format) {
            (Some(_), Some(_)) => return Err(Error::syntax("conflicting or redundant options")),
            (Some(form), None) => form,
            (None, Some(_)) => FileForm::Stream,
            (None, None) => file_form(&ending).unwrap_or(FileForm::Stream),
        };
        if form == FileForm::Stream {
            if self.given.format.is_none() && ending == "csv" {
                self.given.format = Some(CopyFormat::Csv);
            }
        } else if self.given != GivenCopyOptions::default() {
            return Err(Error::syntax(
                "COPY to a Parquet or Arrow file takes no options but FORMAT",
            ));
        }
        Ok(CopyFile { name, form })
    }

    /// `COPY BINARY table …`
    pub(super) fn old_binary(&mut self, tokens: &mut Tokens, places: &Places) -> Result<()> {
        tokens.expect("binary", places)?;
        self.given.format = Some(CopyFormat::Binary);
        Ok(())
    }

    /// `… USING DELIMITERS 'c'`
    pub(super) fn old_delimiter(&mut self, tokens: &mut Tokens, places: &Places) -> Result<()> {
        self.given.delimiter = Some(tokens.string(places)?);
        Ok(())
    }
}

/// An error, with the option's place or without, as PostgreSQL has it.
enum Fault {
    Placed(Error),
    Plain(Error),
}

fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(redundant()) } else { Ok(()) }
}

fn once(given: &mut bool) -> Result<(), Fault> {
    if std::mem::replace(given, true) { Err(redundant()) } else { Ok(()) }
}

fn redundant() -> Fault {
    Fault::Placed(Error::syntax("conflicting or redundant options"))
}

/// Reads what stands behind a name, up to the comma or parenthesis.
fn value(tokens: &mut Tokens, places: &Places) -> Result<Given> {
    Ok(match tokens.peek() {
        None | Some(Token::Comma | Token::RParen) => Given::Nothing,
        Some(Token::Mul) => {
            tokens.next();
            Given::Star
        }
        Some(Token::LParen) => Given::Names(tokens.name_list(places)?),
        Some(Token::Number(number, _)) => {
            let number = number.clone();
            tokens.next();
            Given::Text(number)
        }
        Some(Token::Minus | Token::Plus) => {
            let sign = if tokens.take_symbol(&Token::Minus) { "-" } else { "" };
            tokens.take_symbol(&Token::Plus);
            match value(tokens, places)? {
                Given::Text(number) => Given::Text(format!("{sign}{number}")),
                _ => return Err(tokens.unexpected(places)),
            }
        }
        Some(Token::Word(word)) => {
            let word = word.value.clone();
            tokens.next();
            Given::Text(word)
        }
        Some(_) => Given::Text(tokens.string(places)?),
    })
}

fn text(name: &str, value: Given) -> Result<String, Fault> {
    match value {
        Given::Text(text) => Ok(text),
        Given::Star => Ok("*".to_owned()),
        Given::Nothing => Err(Fault::Plain(Error::syntax(format!("{name} requires a parameter")))),
        Given::Names(names) => Ok(names.join(", ")),
    }
}

fn names(name: &str, value: Given) -> Result<Vec<String>, Fault> {
    match value {
        Given::Names(names) => Ok(names),
        _ => Err(Fault::Placed(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("argument to option \"{name}\" must be a list of column names"),
        ))),
    }
}

fn boolean(name: &str, value: Given) -> Result<bool, Fault> {
    as_boolean(&value)
        .ok_or_else(|| Fault::Plain(Error::syntax(format!("{name} requires a Boolean value"))))
}

fn as_boolean(value: &Given) -> Option<bool> {
    match value {
        Given::Nothing => Some(true),
        Given::Text(text) => match text.to_lowercase().as_str() {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        },
        Given::Star | Given::Names(_) => None,
    }
}

fn header(value: Given) -> Result<CopyHeader, Fault> {
    if matches!(&value, Given::Text(text) if text.eq_ignore_ascii_case("match")) {
        return Ok(CopyHeader::Match);
    }
    match as_boolean(&value) {
        Some(true) => Ok(CopyHeader::On),
        Some(false) => Ok(CopyHeader::Off),
        None => Err(Fault::Plain(Error::syntax("header requires a Boolean value or \"match\""))),
    }
}

fn file_form(name: &str) -> Option<FileForm> {
    match name {
        "parquet" => Some(FileForm::Parquet),
        "arrow" | "ipc" | "feather" => Some(FileForm::Arrow),
        _ => None,
    }
}

fn format(name: &str) -> Result<CopyFormat, Fault> {
    match name {
        "text" => Ok(CopyFormat::Text),
        "csv" => Ok(CopyFormat::Csv),
        "binary" => Ok(CopyFormat::Binary),
        _ => Err(Fault::Placed(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("COPY format \"{name}\" not recognized"),
        ))),
    }
}

/// Other names of encodings that PostgreSQL knows and Teatree does not convert.
const OTHER_ENCODINGS: &[&str] = &[
    "big5",
    "euccn",
    "eucjis2004",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "muleinternal",
    "shiftjis2004",
    "sjis",
    "uhc",
    "win",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
];

fn encoding(name: &str) -> Result<CopyEncoding, Fault> {
    // PostgreSQL compares letters and digits only.
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    match bare.as_str() {
        "utf8" | "unicode" | "sqlascii" => Ok(CopyEncoding::Utf8),
        "latin1" | "iso88591" => Ok(CopyEncoding::Latin1),
        known if OTHER_ENCODINGS.contains(&known) => Err(Fault::Plain(Error::unsupported(
            format!("COPY in encoding \"{name}\" is not supported"),
        ))),
        _ => Err(Fault::Placed(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "argument to option \"encoding\" must be a valid encoding name",
        ))),
    }
}
