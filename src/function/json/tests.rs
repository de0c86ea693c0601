//! A table of calls and their results; the results were written by PostgreSQL 15.18.
//!
//! A line of `cases.tsv` is in COPY's text format: the function's name, the result, the arguments.
//! Arrays are JSON arrays. Rows are one to a line, columns are parted by ` = `, NULL is `NULL`. An
//! error is its code, message, detail, hint and the context's first line.

#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]

use std::cmp::Ordering;

use super::*;
use crate::error::{Error, Result};

/// One argument; `None` is NULL.
type Arg = Option<String>;

fn unescape(field: &str) -> Arg {
    if field == "\\N" {
        return None;
    }
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                other => other.unwrap(),
            },
            c => c,
        });
    }
    Some(out)
}

fn error(error: &Error) -> String {
    let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
    [
        format!("ERROR {}", error.code()),
        error.message().to_owned(),
        part(error.detail()),
        part(error.hint()),
        part(error.context()),
    ]
    .join("|")
}

fn rows(rows: Vec<String>) -> Option<String> {
    if rows.is_empty() { None } else { Some(rows.join("\n")) }
}

fn null_rows(all: Vec<Option<String>>) -> Option<String> {
    rows(all.into_iter().map(|row| row.unwrap_or_else(|| "NULL".to_owned())).collect())
}

fn pairs(all: Vec<(String, String)>) -> Option<String> {
    rows(all.into_iter().map(|(key, value)| format!("{key} = {value}")).collect())
}

fn null_pairs(all: Vec<(String, Option<String>)>) -> Option<String> {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
    pairs(all.into_iter().map(|(key, value)| (key, shown(value))).collect())
}

fn truth(value: bool) -> Option<String> {
    Some(value.to_string())
}

fn list(arg: &str) -> Vec<Option<String>> {
    json_array_elements_text(arg).unwrap()
}

struct Call<'a> {
    name: &'a str,
    args: Vec<Arg>,
}

impl Call<'_> {
    fn text(&self, at: usize) -> &str {
        self.args[at].as_deref().unwrap()
    }

    fn int(&self, at: usize) -> i32 {
        self.text(at).parse().unwrap()
    }

    fn flag(&self, at: usize) -> bool {
        self.text(at).parse().unwrap()
    }

    fn options(&self) -> PathOptions<'_> {
        let vars = self.args.get(2).and_then(Option::as_deref);
        PathOptions { vars: vars.or(Some("{}")), silent: self.args.len() > 3 && self.flag(3) }
    }

    fn run(&self) -> Result<Option<String>> {
        match self.name {
            name if name.starts_with("jsonb_path") || name.starts_with('@') => self.run_path(),
            name if name.starts_with("json_") => self.run_json(),
            _ => self.run_jsonb(),
        }
    }

    fn run_jsonb(&self) -> Result<Option<String>> {
        let json = self.text(0);
        let owned = if self.name.contains("[]") { list(self.text(1)) } else { Vec::new() };
        let path: Vec<Option<&str>> = owned.iter().map(Option::as_deref).collect();
        let new = |at: usize| self.args[at].as_deref();
        Ok(match self.name {
            "jsonb" => Some(canonical(json)?),
            "jsonb -> text" => jsonb_get_field(json, self.text(1))?,
            "jsonb ->> text" => jsonb_get_field_text(json, self.text(1))?,
            "jsonb -> int" => jsonb_get_element(json, self.int(1))?,
            "jsonb ->> int" => jsonb_get_element_text(json, self.int(1))?,
            "jsonb #> text[]" => jsonb_get_path(json, &path)?,
            "jsonb #>> text[]" => jsonb_get_path_text(json, &path)?,
            "jsonb @> jsonb" => truth(jsonb_contains(json, self.text(1))?),
            "jsonb ? text" => truth(jsonb_exists(json, self.text(1))?),
            "jsonb ?| text[]" => truth(jsonb_exists_any(json, &path)?),
            "jsonb ?& text[]" => truth(jsonb_exists_all(json, &path)?),
            "jsonb || jsonb" => Some(jsonb_concat(json, self.text(1))?),
            "jsonb - text" => Some(jsonb_delete(json, self.text(1))?),
            "jsonb - text[]" => Some(jsonb_delete_keys(json, &path)?),
            "jsonb - int" => Some(jsonb_delete_element(json, self.int(1))?),
            "jsonb #- text[]" => Some(jsonb_delete_path(json, &path)?),
            "jsonb_set text[]" => Some(jsonb_set(json, &path, self.text(2), self.flag(3))?),
            "jsonb_set_lax text[]" => {
                Some(jsonb_set_lax(json, &path, new(2), self.flag(3), new(4))?)
            }
            "jsonb_insert text[]" => Some(jsonb_insert(json, &path, self.text(2), self.flag(3))?),
            "jsonb_cmp" => Some(compare(json, self.text(1))?),
            "jsonb_strip_nulls" => Some(jsonb_strip_nulls(json)?),
            "jsonb_pretty" => Some(jsonb_pretty(json)?),
            "jsonb_typeof" => Some(jsonb_typeof(json)?.to_owned()),
            "jsonb_array_length" => Some(jsonb_array_length(json)?.to_string()),
            "jsonb_object_keys" => rows(jsonb_object_keys(json)?),
            "jsonb_each" => pairs(jsonb_each(json)?),
            "jsonb_each_text" => null_pairs(jsonb_each_text(json)?),
            "jsonb_array_elements" => rows(jsonb_array_elements(json)?),
            "jsonb_array_elements_text" => null_rows(jsonb_array_elements_text(json)?),
            "to_json" => Some(quote(json)),
            other => panic!("{other}"),
        })
    }

    fn run_json(&self) -> Result<Option<String>> {
        let json = self.text(0);
        let owned = if self.name.contains("[]") { list(self.text(1)) } else { Vec::new() };
        let path: Vec<Option<&str>> = owned.iter().map(Option::as_deref).collect();
        Ok(match self.name {
            "json_in" => {
                check_json(json)?;
                Some(json.to_owned())
            }
            "json_ -> text" => json_get_field(json, self.text(1))?,
            "json_ ->> text" => json_get_field_text(json, self.text(1))?,
            "json_ -> int" => json_get_element(json, self.int(1))?,
            "json_ ->> int" => json_get_element_text(json, self.int(1))?,
            "json_ #> text[]" => json_get_path(json, &path)?,
            "json_ #>> text[]" => json_get_path_text(json, &path)?,
            "json_strip_nulls" => Some(json_strip_nulls(json)?),
            "json_typeof" => Some(json_typeof(json)?.to_owned()),
            "json_array_length" => Some(json_array_length(json)?.to_string()),
            "json_object_keys" => rows(json_object_keys(json)?),
            "json_each" => pairs(json_each(json)?),
            "json_each_text" => null_pairs(json_each_text(json)?),
            "json_array_elements" => rows(json_array_elements(json)?),
            "json_array_elements_text" => null_rows(json_array_elements_text(json)?),
            other => panic!("{other}"),
        })
    }

    fn run_path(&self) -> Result<Option<String>> {
        let (json, path) = (self.text(0), self.text(1));
        let operator = PathOptions::OPERATOR;
        let shown = |value: Option<bool>| value.map(|value| value.to_string());
        Ok(match self.name {
            "jsonb_path_query" => rows(jsonb_path_query(json, path, self.options())?),
            "jsonb_path_query_array" => Some(jsonb_path_query_array(json, path, self.options())?),
            "jsonb_path_query_first" => jsonb_path_query_first(json, path, self.options())?,
            "jsonb_path_exists" => shown(jsonb_path_exists(json, path, self.options())?),
            "jsonb_path_match" => shown(jsonb_path_match(json, path, self.options())?),
            "@?" => shown(jsonb_path_exists(json, path, operator)?),
            "@@" => shown(jsonb_path_match(json, path, operator)?),
            other => panic!("{other}"),
        })
    }
}

/// Compares, and checks that the other ways to compare agree.
fn compare(a: &str, b: &str) -> Result<String> {
    let order = jsonb_compare(a, b)?;
    assert_eq!(jsonb_compare(b, a)?, order.reverse(), "{a} {b}");
    assert_eq!(jsonb_equal(a, b)?, order.is_eq(), "{a} {b}");
    assert_eq!(jsonb_sort_key(a)?.cmp(&jsonb_sort_key(b)?), order, "{a} {b}");
    Ok(match order {
        Ordering::Less => "-1",
        Ordering::Equal => "0",
        Ordering::Greater => "1",
    }
    .to_owned())
}

#[test]
fn every_result_is_as_postgresql_gave_it() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("cases.tsv").lines() {
        let mut fields = line.split('\t').map(unescape);
        let name = fields.next().unwrap().unwrap();
        let expected = fields.next().unwrap();
        let call = Call { name: &name, args: fields.collect() };
        let result = call.run().unwrap_or_else(|failure| Some(error(&failure)));
        if result != expected {
            wrong.push(format!("{name} {:?}\n  {result:?}\n  {expected:?}", call.args));
        }
        count += 1;
    }
    assert!(count > 4000, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"[{"a":"#.repeat(depth / 2), "}]".repeat(depth / 2))
}

/// Does something on a stack of half of what a thread has at least.
fn on_a_small_stack(act: impl FnOnce() + Send + 'static) {
    let builder = std::thread::Builder::new().stack_size(1 << 20);
    builder.spawn(act).unwrap().join().unwrap();
}

#[test]
fn the_deepest_values_fit_on_the_stack() {
    on_a_small_stack(|| {
        let deep = nested(1000);
        assert_eq!(canonical(&deep).unwrap().len(), 1 + 500 * 9);
        assert!(check_json(&deep).is_ok());
        assert!(jsonb_equal(&deep, &deep).unwrap());
        assert!(jsonb_contains(&deep, &deep).unwrap());
        assert_eq!(jsonb_sort_key(&deep).unwrap(), jsonb_sort_key(&deep).unwrap());
        assert!(jsonb_pretty(&deep).unwrap().len() > deep.len());
        assert!(jsonb_concat(&deep, &deep).is_ok());
        let path: Vec<Option<&str>> = [Some("0"), Some("a")].repeat(500);
        assert_eq!(jsonb_get_path(&deep, &path).unwrap().as_deref(), Some("1"));
        assert_eq!(json_get_path(&deep, &path).unwrap().as_deref(), Some("1"));
        assert!(jsonb_set(&deep, &path, &deep, true).unwrap().len() > 8000);
        assert_eq!(jsonb_strip_nulls(&deep).unwrap().len(), 1 + 500 * 9);
        assert_eq!(json_strip_nulls(&deep).unwrap(), deep);
    });
}

#[test]
fn what_nests_too_deep_is_refused() {
    on_a_small_stack(|| {
        for text in ["[".repeat(1001), "[".repeat(1_000_000), r#"{"a":"#.repeat(1001)] {
            for failure in [canonical(&text).unwrap_err(), check_json(&text).unwrap_err()] {
                assert_eq!(failure.code(), crate::sqlstate::SqlState::STATEMENT_TOO_COMPLEX);
                assert_eq!(failure.message(), "stack depth limit exceeded");
            }
        }
    });
}

#[test]
fn the_deepest_paths_fit_on_the_stack() {
    on_a_small_stack(|| {
        let run = |json: &str, path: &str| {
            let result = jsonb_path_query(json, path, PathOptions::FUNCTION);
            result.map(|rows| rows.len()).map_err(|failure| failure.code().to_string())
        };
        let refused = Err("54001".to_owned());
        let around = |open: &str, middle: &str, close: &str, count: usize| {
            format!("{}{middle}{}", open.repeat(count), close.repeat(count))
        };
        let deep = nested(1000);
        assert_eq!(run(&deep, "$.**"), Ok(1001));
        assert_eq!(run(&deep, &format!("${}", "[*].a".repeat(249))), Ok(1));
        assert_eq!(run("1", &format!("${}", "[*]".repeat(100_000))), refused);
        assert_eq!(run(&deep, "$.** ? (@.** == 1)"), Ok(1001));
        assert_eq!(run("1", &around("(", "1", ")", 90)), Ok(1));
        for (open, close) in [("(", ")"), ("-", ""), ("!(", ")"), ("$[", "]"), ("1 + (", ")")] {
            assert_eq!(run("1", &around(open, "1", close, 100_000)), refused);
        }
        assert_eq!(run("1", &format!("1{}", " + 1".repeat(90))), Ok(1));
        assert_eq!(run("1", &format!("1{}", " + 1".repeat(100_000))), refused);
        assert_eq!(run("1", &format!("1 == 1{}", " && 1 == 1".repeat(10_000))), Ok(1));
        assert_eq!(run("1", &around("$ ? (@ == ", "1", ")", 45)), Ok(1));
        assert_eq!(run("1", &around("!(", "1 == 1", ")", 90)), Ok(1));
        let pattern = around("(", "a", ")", 90);
        assert_eq!(run("1", &format!("$ like_regex \"{pattern}\"")), Ok(1));
        assert_eq!(
            run("1", &format!("$ like_regex \"{}\"", "(".repeat(100_000))),
            Err("2201B".to_owned())
        );
        assert_eq!(
            run("1", "$ like_regex \"((a{0,255}){0,255}){0,255}\""),
            Err("2201B".to_owned())
        );
    });
}

#[test]
fn numbers_are_kept_within_numeric() {
    assert_eq!(canonical("1e131071").unwrap().len(), 131_072);
    assert_eq!(canonical("1e-16383").unwrap().len(), 16_385);
    for text in ["1e131072", "1e-16384", "0e-20000", "1e99999999999999999999"] {
        assert_eq!(canonical(text).unwrap_err().message(), "value overflows numeric format");
    }
    let many = format!("[{}1]", "1e131071,".repeat(2100));
    let failure = canonical(&many).unwrap_err();
    assert_eq!(failure.code(), crate::sqlstate::SqlState::PROGRAM_LIMIT_EXCEEDED);
}

#[test]
fn a_path_can_be_kept_and_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    let path = JsonPath::parse("$.a[*] ? (@ > $x)").unwrap();
    shared(&path);
    let options = PathOptions { vars: Some(r#"{"x": 1}"#), silent: false };
    assert_eq!(path.query(r#"{"a": [1, 2, 3]}"#, options).unwrap(), ["2", "3"]);
    assert_eq!(path.query("{}", options).unwrap(), [""; 0]);
}
