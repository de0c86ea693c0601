//! Parts of json and jsonb values: `->`, `->>`, `#>`, `#>>` and the functions behind them.

use super::node::{Kind, Node};
use super::value::{self, Value};
use crate::error::Result;

/// `jsonb -> text`.
pub fn jsonb_get_field(json: &str, key: &str) -> Result<Option<String>> {
    Ok(Value::parse(json)?.field(key).map(Value::to_json))
}

/// `jsonb ->> text`.
pub fn jsonb_get_field_text(json: &str, key: &str) -> Result<Option<String>> {
    Ok(Value::parse(json)?.field(key).and_then(Value::to_text))
}

/// `jsonb -> integer`.
pub fn jsonb_get_element(json: &str, index: i32) -> Result<Option<String>> {
    Ok(element(&Value::parse(json)?, index).map(Value::to_json))
}

/// `jsonb ->> integer`.
pub fn jsonb_get_element_text(json: &str, index: i32) -> Result<Option<String>> {
    Ok(element(&Value::parse(json)?, index).and_then(Value::to_text))
}

/// The item of an array; a scalar is an array of itself here.
fn element(value: &Value, index: i32) -> Option<&Value> {
    if value.is_scalar() {
        return (value::place(index, 1) == Some(0)).then_some(value);
    }
    value.element(index)
}

/// `jsonb #> text[]` and `jsonb_extract_path`.
pub fn jsonb_get_path(json: &str, path: &[Option<&str>]) -> Result<Option<String>> {
    Ok(at_path(&Value::parse(json)?, path).map(Value::to_json))
}

/// `jsonb #>> text[]` and `jsonb_extract_path_text`.
pub fn jsonb_get_path_text(json: &str, path: &[Option<&str>]) -> Result<Option<String>> {
    Ok(at_path(&Value::parse(json)?, path).and_then(Value::to_text))
}

fn at_path<'a>(value: &'a Value, path: &[Option<&str>]) -> Option<&'a Value> {
    // Any NULL makes the result NULL, also one behind the end of what is there.
    let keys = path.iter().copied().collect::<Option<Vec<&str>>>()?;
    keys.iter().try_fold(value, |value, key| match value {
        Value::Array(_) => value.element(integer(key)?),
        _ => value.field(key),
    })
}

/// Reads an integer as C's `strtol` does: blanks before it and a sign are taken.
pub(super) fn integer(text: &str) -> Option<i32> {
    let blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let digits = text.trim_start_matches(blank);
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// `json -> text`: the text of the value as it is written.
pub fn json_get_field(json: &str, key: &str) -> Result<Option<String>> {
    Ok(written(&Node::parse(json)?, vec![Step::key(key)]))
}

/// `json ->> text`.
pub fn json_get_field_text(json: &str, key: &str) -> Result<Option<String>> {
    Ok(as_text(&Node::parse(json)?, vec![Step::key(key)]))
}

/// `json -> integer`: the text of the item as it is written.
pub fn json_get_element(json: &str, index: i32) -> Result<Option<String>> {
    Ok(written(&Node::parse(json)?, vec![Step::index(index)]))
}

/// `json ->> integer`.
pub fn json_get_element_text(json: &str, index: i32) -> Result<Option<String>> {
    Ok(as_text(&Node::parse(json)?, vec![Step::index(index)]))
}

/// `json #> text[]` and `json_extract_path`.
pub fn json_get_path(json: &str, path: &[Option<&str>]) -> Result<Option<String>> {
    let Some(steps) = steps(path) else { return Ok(None) };
    let node = Node::parse(json)?;
    if steps.is_empty() && !matches!(node.kind, Kind::Array(_) | Kind::Object(_)) {
        return Ok(Some(whole(json)));
    }
    Ok(written(&node, steps))
}

/// `json #>> text[]` and `json_extract_path_text`.
pub fn json_get_path_text(json: &str, path: &[Option<&str>]) -> Result<Option<String>> {
    let Some(steps) = steps(path) else { return Ok(None) };
    let node = Node::parse(json)?;
    if steps.is_empty() && matches!(node.kind, Kind::Bool | Kind::Number) {
        return Ok(Some(whole(json)));
    }
    Ok(as_text(&node, steps))
}

/// A scalar that is the whole value: PostgreSQL keeps the blanks before it.
fn whole(json: &str) -> String {
    json.trim_end_matches([' ', '\t', '\n', '\r']).to_owned()
}

/// One step of a path into a json value: what it means for an object and for an array.
struct Step<'a> {
    key: Option<&'a str>,
    index: Option<i32>,
}

impl<'a> Step<'a> {
    fn key(key: &'a str) -> Step<'a> {
        Step { key: Some(key), index: None }
    }

    fn index(index: i32) -> Step<'a> {
        Step { key: None, index: Some(index) }
    }
}

fn steps<'a>(path: &[Option<&'a str>]) -> Option<Vec<Step<'a>>> {
    path.iter().map(|key| key.map(|key| Step { key: Some(key), index: integer(key) })).collect()
}

fn written(node: &Node<'_>, steps: Vec<Step<'_>>) -> Option<String> {
    find(node, steps).map(|node| node.text.to_owned())
}

fn as_text(node: &Node<'_>, steps: Vec<Step<'_>>) -> Option<String> {
    find(node, steps).and_then(Node::to_text)
}

fn find<'n, 'a>(node: &'n Node<'a>, steps: Vec<Step<'_>>) -> Option<&'n Node<'a>> {
    let mut search = Search { steps, found: None };
    search.visit(node, 0, true);
    search.found
}

/// Follows a path as PostgreSQL does while it reads the text: of several values that the path
/// leads to, by keys that are there twice, the last one counts.
struct Search<'n, 'a, 's> {
    steps: Vec<Step<'s>>,
    found: Option<&'n Node<'a>>,
}

impl<'n, 'a> Search<'n, 'a, '_> {
    fn visit(&mut self, node: &'n Node<'a>, level: usize, on_path: bool) {
        let Some(step) = self.steps.get_mut(level) else {
            if on_path {
                self.found = Some(node);
            }
            return;
        };
        match &node.kind {
            Kind::Object(fields) => {
                let key = step.key;
                for (name, value) in fields {
                    self.visit(value, level + 1, on_path && key == Some(name.as_str()));
                }
            }
            Kind::Array(items) => {
                // The first array of the level that is long enough, on the path or not, settles
                // what an index from the end means for all others.
                if let Some(index) = step.index.filter(|index| *index < 0) {
                    let at = value::place(index, items.len()).map(i32::try_from);
                    step.index = at.and_then(std::result::Result::ok).or(step.index);
                }
                let wanted = step.index.and_then(|index| usize::try_from(index).ok());
                for (at, item) in items.iter().enumerate() {
                    self.visit(item, level + 1, on_path && wanted == Some(at));
                }
            }
            _ => {}
        }
    }
}
