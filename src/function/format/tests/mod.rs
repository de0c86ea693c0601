//! The formatting functions against tables of what PostgreSQL 15.18 answers (`C.UTF-8`, UTC).

mod dates;
mod number_types;
mod numbers;
mod small;
mod templates;

use std::fmt::Display;

use super::Numeric;
use crate::error::Result;

/// Shows a result as the tables do: null is `<NULL>`, an error `ERR`, its code and its message.
fn shown<T: Display>(result: Result<Option<T>>) -> String {
    match result {
        Ok(Some(value)) => value.to_string(),
        Ok(None) => "<NULL>".to_owned(),
        Err(error) => format!("ERR {} {}", error.code().as_str(), error.message()),
    }
}

/// Reads a `numeric` as PostgreSQL writes it, without its point in `digits`.
fn numeric<'a>(text: &str, digits: &'a mut String) -> Numeric<'a> {
    let (negative, size) = match text.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, text),
    };
    match size {
        "NaN" => Numeric::NaN,
        "Infinity" => Numeric::Infinity { negative },
        _ => {
            let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
            let scale = i32::try_from(fraction.len()).expect("a table's numbers are short");
            *digits = format!("{whole}{fraction}");
            Numeric::Finite { negative, digits, scale }
        }
    }
}
