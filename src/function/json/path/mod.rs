//! jsonpath: reading a path and finding what it leads to.
//!
//! [`lex`] and [`parse`] make a [`JsonPath`] of the text, [`exec`] follows it.

mod accessor;
mod ast;
mod exec;
mod keyvalue;
mod lex;
mod method;
mod nfa;
mod parse;
mod regex;
mod subscript;
mod test;

use self::ast::Chain;
use self::exec::{Exec, Found, Outcome};
use super::value::Value;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A jsonpath that has been read: what a constant path is kept as.
#[derive(Debug)]
pub struct JsonPath {
    lax: bool,
    chain: Chain,
}

/// How a path is followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathOptions<'a> {
    /// The object of variables; `None` for the operators, which have none. The functions' default
    /// is `{}`.
    pub vars: Option<&'a str>,
    /// Whether errors that the path's own data cause are no errors.
    pub silent: bool,
}

impl PathOptions<'_> {
    /// What `@?` and `@@` use.
    pub const OPERATOR: PathOptions<'static> = PathOptions { vars: None, silent: true };
    /// What the functions use when nothing is said.
    pub const FUNCTION: PathOptions<'static> = PathOptions { vars: Some("{}"), silent: false };
}

impl JsonPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<JsonPath> {
        let (lax, chain) = parse::parse(text)?;
        Ok(JsonPath { lax, chain })
    }

    fn run(&self, json: &str, options: PathOptions<'_>, found: &mut Found) -> Result<Outcome> {
        let value = Value::parse(json)?;
        let vars = options.vars.map(Value::parse).transpose()?;
        if vars.as_ref().is_some_and(|vars| !matches!(vars, Value::Object(_))) {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "\"vars\" argument is not an object",
            )
            .with_detail(
                "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.",
            ));
        }
        Exec::new(&value, vars, self.lax, !options.silent).run(&self.chain, found)
    }

    fn items(&self, json: &str, options: PathOptions<'_>) -> Result<Vec<Value>> {
        let mut found = Found::all();
        self.run(json, options, &mut found)?;
        Ok(found.into_items())
    }

    /// `jsonb_path_query`.
    pub fn query(&self, json: &str, options: PathOptions<'_>) -> Result<Vec<String>> {
        Ok(self.items(json, options)?.iter().map(Value::to_json).collect())
    }

    /// `jsonb_path_query_array`.
    pub fn query_array(&self, json: &str, options: PathOptions<'_>) -> Result<String> {
        Ok(Value::array(self.items(json, options)?).to_json())
    }

    /// `jsonb_path_query_first`.
    pub fn query_first(&self, json: &str, options: PathOptions<'_>) -> Result<Option<String>> {
        Ok(self.items(json, options)?.first().map(Value::to_json))
    }

    /// `jsonb_path_exists` and `@?`.
    pub fn exists(&self, json: &str, options: PathOptions<'_>) -> Result<Option<bool>> {
        Ok(match self.run(json, options, &mut Found::any())? {
            Outcome::Error => None,
            outcome => Some(outcome == Outcome::Ok),
        })
    }

    /// `jsonb_path_match` and `@@`.
    pub fn matches(&self, json: &str, options: PathOptions<'_>) -> Result<Option<bool>> {
        match self.items(json, options)?.as_slice() {
            [Value::Bool(value)] => Ok(Some(*value)),
            [Value::Null] => Ok(None),
            _ if options.silent => Ok(None),
            _ => Err(Error::new(
                SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
                "single boolean result is expected",
            )),
        }
    }
}

/// `jsonb_path_query(json, path, vars, silent)`.
pub fn jsonb_path_query(json: &str, path: &str, options: PathOptions<'_>) -> Result<Vec<String>> {
    JsonPath::parse(path)?.query(json, options)
}

/// `jsonb_path_query_array(json, path, vars, silent)`.
pub fn jsonb_path_query_array(json: &str, path: &str, options: PathOptions<'_>) -> Result<String> {
    JsonPath::parse(path)?.query_array(json, options)
}

/// `jsonb_path_query_first(json, path, vars, silent)`.
pub fn jsonb_path_query_first(
    json: &str,
    path: &str,
    options: PathOptions<'_>,
) -> Result<Option<String>> {
    JsonPath::parse(path)?.query_first(json, options)
}

/// `jsonb_path_exists(json, path, vars, silent)`; `@?` with [`PathOptions::OPERATOR`].
pub fn jsonb_path_exists(json: &str, path: &str, options: PathOptions<'_>) -> Result<Option<bool>> {
    JsonPath::parse(path)?.exists(json, options)
}

/// `jsonb_path_match(json, path, vars, silent)`; `@@` with [`PathOptions::OPERATOR`].
pub fn jsonb_path_match(json: &str, path: &str, options: PathOptions<'_>) -> Result<Option<bool>> {
    JsonPath::parse(path)?.matches(json, options)
}
