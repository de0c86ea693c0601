//! Queries that filter, project and join: each row of an input gives rows of the view, whatever the
//! other rows of that input are.

use super::shape::Shape;
use super::{Delta, Upkeep, cast};

/// A query as the storage's: its columns named and cast.
pub(super) fn full(query: &str, casts: &[Option<String>]) -> String {
    let inner: Vec<String> = (0..casts.len()).map(|place| format!("x{place}")).collect();
    let outer: Vec<String> = casts
        .iter()
        .enumerate()
        .map(|(place, to)| format!("{} AS c{place}", cast(&format!("x{place}"), to.as_ref())))
        .collect();
    format!("SELECT {} FROM ({query}) AS q({})", outer.join(", "), inner.join(", "))
}

/// The plan of such a query.
pub(super) fn plan(shape: &Shape, casts: &[Option<String>]) -> (String, Upkeep) {
    let deltas = shape.sources.iter().filter(|source| source.gives_deltas).map(|source| Delta {
        input: source.input,
        rows: full(&shape.with_delta(source).to_string(), casts),
        keys: String::new(),
    });
    let deltas = deltas.collect();
    (full(&shape.select.to_string(), casts), Upkeep::Rows { deltas })
}
