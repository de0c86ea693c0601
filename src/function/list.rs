//! The list of functions, and how they take their arguments.

use super::float::{float4_text, float8_text};
use super::json::{self, PathOptions};
use super::{Arg, Kind, Out, ScalarFunction, digest, format, regexp, transcendental};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

use Kind::{Bool, Date, Float8, Int4, Int8, Text, Texts, Timestamp};

/// Makes a function that gives NULL for any NULL.
macro_rules! strict {
    ($name:literal, [$($arg:ident),*] => $result:ident, $run:expr) => {
        ScalarFunction {
            name: $name,
            args: &[$($arg),*],
            result: $result,
            strict: true,
            run: $run,
        }
    };
}

/// Every function, in no order.
pub static ALL: &[ScalarFunction] = &[
    strict!("round_half_even", [Float8] => Float8, |a| {
        Ok(Out::Float(a[0].float()?.round_ties_even()))
    }),
    // Roots, powers and logarithms of numerics, which come and go as their texts.
    strict!("numeric_sqrt", [Text] => Text, |a| {
        transcendental::sqrt(a[0].text()?).map(Out::Text)
    }),
    strict!("numeric_exp", [Text] => Text, |a| transcendental::exp(a[0].text()?).map(Out::Text)),
    strict!("numeric_ln", [Text] => Text, |a| transcendental::ln(a[0].text()?).map(Out::Text)),
    strict!("numeric_log", [Text, Text] => Text, |a| {
        transcendental::log(a[0].text()?, a[1].text()?).map(Out::Text)
    }),
    strict!("numeric_power", [Text, Text] => Text, |a| {
        transcendental::power(a[0].text()?, a[1].text()?).map(Out::Text)
    }),
    // Digests of bytes, both in hexadecimal digits.
    strict!("sha2", [Text, Int4] => Text, |a| digest::sha2(a[0].text()?, a[1].int4()?).map(Out::Text)),
    // Numbers' texts as they are sent.
    strict!("float8_text", [Float8] => Text, |a| Ok(Out::Text(float8_text(a[0].float()?)))),
    strict!("float4_text", [Text] => Text, |a| {
        let text = a[0].text()?;
        // DuckDB's text of a REAL reads back as it.
        Ok(Out::Text(text.parse().map_or_else(|_| text.to_owned(), float4_text)))
    }),
    // Formatting.
    strict!("to_char_timestamp", [Timestamp, Text] => Text, |a| {
        format::to_char_timestamp(a[0].int()?, None, a[1].text()?).map(Out::from)
    }),
    strict!("to_char_timestamptz", [Timestamp, Int4, Text, Text] => Text, |a| {
        let zone = format::Zone { offset: a[1].int4()?, abbreviation: a[2].text()? };
        format::to_char_timestamp(a[0].int()?, Some(zone), a[3].text()?).map(Out::from)
    }),
    strict!("to_char_interval", [Int4, Int4, Int8, Text] => Text, |a| {
        let (months, days, micros) = (a[0].int4()?, a[1].int4()?, a[2].int()?);
        format::to_char_interval(months, days, micros, a[3].text()?).map(Out::from)
    }),
    strict!("to_char_int", [Int8, Text] => Text, |a| {
        format::to_char_int8(a[0].int()?, a[1].text()?).map(Out::Text)
    }),
    strict!("to_char_float", [Float8, Text] => Text, |a| {
        format::to_char_float8(a[0].float()?, a[1].text()?).map(Out::Text)
    }),
    strict!("to_char_numeric", [Text, Text] => Text, to_char_numeric),
    strict!("to_date", [Text, Text] => Date, |a| {
        Ok(Out::Int(format::to_date(a[0].text()?, a[1].text()?)?.into()))
    }),
    // The time as UTC where the text says its offset, else as it stands.
    strict!("to_timestamp_local", [Text, Text] => Timestamp, |a| {
        Ok(Out::Int(format::to_timestamp(a[0].text()?, a[1].text()?)?.local_micros))
    }),
    strict!("to_timestamp_offset", [Text, Text] => Int4, |a| {
        let parsed = format::to_timestamp(a[0].text()?, a[1].text()?)?;
        Ok(parsed.offset.map_or(Out::Null, |offset| Out::Int(offset.into())))
    }),
    strict!("to_number", [Text, Text] => Text, |a| {
        let found = format::to_number(a[0].text()?, a[1].text()?)?;
        Ok(found.map(|decimal| decimal_text(&decimal)).into())
    }),
    strict!("initcap", [Text] => Text, |a| Ok(Out::Text(format::initcap(a[0].text()?)))),
    strict!("format", [Text, Texts] => Text, |a| {
        format::format(a[0].text()?, a[1].texts()?).map(Out::Text)
    }),
    strict!("width_bucket", [Float8, Float8, Float8, Int4] => Int4, |a| {
        let (operand, low, high) = (a[0].float()?, a[1].float()?, a[2].float()?);
        Ok(Out::Int(format::width_bucket(operand, low, high, a[3].int4()?)?.into()))
    }),
    strict!("date_bin", [Int4, Int4, Int8, Timestamp, Timestamp] => Timestamp, |a| {
        let stride =
            format::Interval { months: a[0].int4()?, days: a[1].int4()?, micros: a[2].int()? };
        format::date_bin(stride, a[3].int()?, a[4].int()?).map(Out::Int)
    }),
    // Regular expressions; the last argument is PostgreSQL's flags.
    strict!("regexp_match", [Text, Text, Text] => Texts, |a| {
        let found = regexp::first(a[0].text()?, a[1].text()?, a[2].text()?)?;
        Ok(found.map_or(Out::Null, Out::Texts))
    }),
    strict!("regexp_matches", [Text, Text, Text] => Texts, |a| {
        regexp::all(a[0].text()?, a[1].text()?, a[2].text()?).map(Out::Texts)
    }),
    strict!("regexp_groups", [Text] => Int4, |a| {
        Ok(Out::Int(i64::try_from(regexp::width(a[0].text()?)?).unwrap_or(1)))
    }),
    strict!("regexp_split", [Text, Text, Text] => Texts, |a| {
        regexp::split(a[0].text()?, a[1].text()?, a[2].text()?).map(some)
    }),
    strict!("regexp_count", [Text, Text, Int4, Text] => Int4, |a| {
        let start = a[2].int4()?;
        regexp::count(a[0].text()?, a[1].text()?, start, a[3].text()?).map(Out::Int)
    }),
    strict!("regexp_instr", [Text, Text, Int4, Int4, Int4, Text, Int4] => Int4, |a| {
        let (from, end, group) = ((a[2].int4()?, a[3].int4()?), a[4].int4()?, a[6].int4()?);
        let flags = a[5].text()?;
        regexp::place(a[0].text()?, a[1].text()?, from, end, flags, group).map(Out::Int)
    }),
    strict!("regexp_substr", [Text, Text, Int4, Int4, Text, Int4] => Text, |a| {
        let (from, flags) = ((a[2].int4()?, a[3].int4()?), a[4].text()?);
        regexp::part(a[0].text()?, a[1].text()?, from, flags, a[5].int4()?).map(Out::from)
    }),
    strict!("regexp_replace", [Text, Text, Text, Int4, Int4, Text] => Text, |a| {
        let from = (a[3].int4()?, a[4].int4()?);
        let (text, pattern, instead) = (a[0].text()?, a[1].text()?, a[2].text()?);
        regexp::replace(text, pattern, instead, from, a[5].text()?).map(Out::Text)
    }),
    strict!("regexp_like", [Text, Text, Text] => Bool, |a| {
        regexp::is_match(a[0].text()?, a[1].text()?, a[2].text()?).map(Out::Bool)
    }),
    // jsonb: the operators.
    strict!("jsonb", [Text] => Text, |a| json::canonical(a[0].text()?).map(Out::Text)),
    strict!("jsonb_get_field", [Text, Text] => Text, |a| {
        json::jsonb_get_field(a[0].text()?, a[1].text()?).map(Out::from)
    }),
    strict!("jsonb_get_field_text", [Text, Text] => Text, |a| {
        json::jsonb_get_field_text(a[0].text()?, a[1].text()?).map(Out::from)
    }),
    strict!("jsonb_get_element", [Text, Int4] => Text, |a| {
        json::jsonb_get_element(a[0].text()?, a[1].int4()?).map(Out::from)
    }),
    strict!("jsonb_get_element_text", [Text, Int4] => Text, |a| {
        json::jsonb_get_element_text(a[0].text()?, a[1].int4()?).map(Out::from)
    }),
    strict!("jsonb_get_path", [Text, Texts] => Text, |a| {
        json::jsonb_get_path(a[0].text()?, a[1].texts()?).map(Out::from)
    }),
    strict!("jsonb_get_path_text", [Text, Texts] => Text, |a| {
        json::jsonb_get_path_text(a[0].text()?, a[1].texts()?).map(Out::from)
    }),
    strict!("json_get_field", [Text, Text] => Text, |a| {
        json::json_get_field(a[0].text()?, a[1].text()?).map(Out::from)
    }),
    strict!("json_get_field_text", [Text, Text] => Text, |a| {
        json::json_get_field_text(a[0].text()?, a[1].text()?).map(Out::from)
    }),
    strict!("json_get_element", [Text, Int4] => Text, |a| {
        json::json_get_element(a[0].text()?, a[1].int4()?).map(Out::from)
    }),
    strict!("json_get_element_text", [Text, Int4] => Text, |a| {
        json::json_get_element_text(a[0].text()?, a[1].int4()?).map(Out::from)
    }),
    strict!("json_get_path", [Text, Texts] => Text, |a| {
        json::json_get_path(a[0].text()?, a[1].texts()?).map(Out::from)
    }),
    strict!("json_get_path_text", [Text, Texts] => Text, |a| {
        json::json_get_path_text(a[0].text()?, a[1].texts()?).map(Out::from)
    }),
    strict!("jsonb_contains", [Text, Text] => Bool, |a| {
        json::jsonb_contains(a[0].text()?, a[1].text()?).map(Out::Bool)
    }),
    strict!("jsonb_exists", [Text, Text] => Bool, |a| {
        json::jsonb_exists(a[0].text()?, a[1].text()?).map(Out::Bool)
    }),
    strict!("jsonb_exists_any", [Text, Texts] => Bool, |a| {
        json::jsonb_exists_any(a[0].text()?, a[1].texts()?).map(Out::Bool)
    }),
    strict!("jsonb_exists_all", [Text, Texts] => Bool, |a| {
        json::jsonb_exists_all(a[0].text()?, a[1].texts()?).map(Out::Bool)
    }),
    strict!("jsonb_concat", [Text, Text] => Text, |a| {
        json::jsonb_concat(a[0].text()?, a[1].text()?).map(Out::Text)
    }),
    strict!("jsonb_delete", [Text, Text] => Text, |a| {
        json::jsonb_delete(a[0].text()?, a[1].text()?).map(Out::Text)
    }),
    strict!("jsonb_delete_keys", [Text, Texts] => Text, |a| {
        json::jsonb_delete_keys(a[0].text()?, a[1].texts()?).map(Out::Text)
    }),
    strict!("jsonb_delete_element", [Text, Int4] => Text, |a| {
        json::jsonb_delete_element(a[0].text()?, a[1].int4()?).map(Out::Text)
    }),
    strict!("jsonb_delete_path", [Text, Texts] => Text, |a| {
        json::jsonb_delete_path(a[0].text()?, a[1].texts()?).map(Out::Text)
    }),
    strict!("jsonb_compare", [Text, Text] => Int4, |a| {
        Ok(Out::Int(json::jsonb_compare(a[0].text()?, a[1].text()?)? as i64))
    }),
    // jsonb and json: the functions.
    strict!("jsonb_set", [Text, Texts, Text, Bool] => Text, |a| {
        let (new, create) = (a[2].text()?, a[3].bool()?);
        json::jsonb_set(a[0].text()?, a[1].texts()?, new, create).map(Out::Text)
    }),
    strict!("jsonb_insert", [Text, Texts, Text, Bool] => Text, |a| {
        let (new, after) = (a[2].text()?, a[3].bool()?);
        json::jsonb_insert(a[0].text()?, a[1].texts()?, new, after).map(Out::Text)
    }),
    strict!("jsonb_strip_nulls", [Text] => Text, |a| {
        json::jsonb_strip_nulls(a[0].text()?).map(Out::Text)
    }),
    strict!("json_strip_nulls", [Text] => Text, |a| {
        json::json_strip_nulls(a[0].text()?).map(Out::Text)
    }),
    strict!("jsonb_pretty", [Text] => Text, |a| json::jsonb_pretty(a[0].text()?).map(Out::Text)),
    strict!("jsonb_typeof", [Text] => Text, |a| {
        Ok(Out::Text(json::jsonb_typeof(a[0].text()?)?.to_owned()))
    }),
    strict!("jsonb_array_length", [Text] => Int4, |a| {
        Ok(Out::Int(json::jsonb_array_length(a[0].text()?)?.into()))
    }),
    strict!("json_array_length", [Text] => Int4, |a| {
        Ok(Out::Int(json::json_array_length(a[0].text()?)?.into()))
    }),
    strict!("jsonb_object_keys", [Text] => Texts, |a| {
        Ok(some(json::jsonb_object_keys(a[0].text()?)?))
    }),
    strict!("json_object_keys", [Text] => Texts, |a| {
        Ok(some(json::json_object_keys(a[0].text()?)?))
    }),
    strict!("jsonb_array_elements", [Text] => Texts, |a| {
        Ok(some(json::jsonb_array_elements(a[0].text()?)?))
    }),
    strict!("jsonb_array_elements_text", [Text] => Texts, |a| {
        json::jsonb_array_elements_text(a[0].text()?).map(Out::Texts)
    }),
    strict!("json_array_elements", [Text] => Texts, |a| {
        Ok(some(json::json_array_elements(a[0].text()?)?))
    }),
    strict!("json_array_elements_text", [Text] => Texts, |a| {
        json::json_array_elements_text(a[0].text()?).map(Out::Texts)
    }),
    strict!("jsonb_each", [Text] => Texts, |a| {
        let pairs = json::jsonb_each(a[0].text()?)?;
        Ok(some(pairs.into_iter().map(|(_, value)| value).collect()))
    }),
    strict!("json_each", [Text] => Texts, |a| {
        let pairs = json::json_each(a[0].text()?)?;
        Ok(some(pairs.into_iter().map(|(_, value)| value).collect()))
    }),
    strict!("jsonb_each_text", [Text] => Texts, |a| {
        let pairs = json::jsonb_each_text(a[0].text()?)?;
        Ok(Out::Texts(pairs.into_iter().map(|(_, value)| value).collect()))
    }),
    strict!("json_each_text", [Text] => Texts, |a| {
        let pairs = json::json_each_text(a[0].text()?)?;
        Ok(Out::Texts(pairs.into_iter().map(|(_, value)| value).collect()))
    }),
    strict!("jsonb_path_query", [Text, Text] => Texts, |a| {
        let (value, path) = (a[0].text()?, a[1].text()?);
        Ok(some(json::jsonb_path_query(value, path, PathOptions::FUNCTION)?))
    }),
    strict!("jsonb_path_query_array", [Text, Text] => Text, |a| {
        let (value, path) = (a[0].text()?, a[1].text()?);
        json::jsonb_path_query_array(value, path, PathOptions::FUNCTION).map(Out::Text)
    }),
    strict!("jsonb_path_query_first", [Text, Text] => Text, |a| {
        let (value, path) = (a[0].text()?, a[1].text()?);
        json::jsonb_path_query_first(value, path, PathOptions::FUNCTION).map(Out::from)
    }),
    strict!("jsonb_path_exists", [Text, Text, Bool] => Bool, |a| {
        let found = json::jsonb_path_exists(a[0].text()?, a[1].text()?, options(&a[2])?)?;
        Ok(found.map_or(Out::Null, Out::Bool))
    }),
    strict!("jsonb_path_match", [Text, Text, Bool] => Bool, |a| {
        let found = json::jsonb_path_match(a[0].text()?, a[1].text()?, options(&a[2])?)?;
        Ok(found.map_or(Out::Null, Out::Bool))
    }),
];

/// How a path is looked for: by an operator, or by a function.
fn options(is_operator: &Arg<'_>) -> Result<PathOptions<'static>> {
    let is_operator = is_operator.bool()?;
    Ok(if is_operator { PathOptions::OPERATOR } else { PathOptions::FUNCTION })
}

fn some(texts: Vec<String>) -> Out {
    Out::Texts(texts.into_iter().map(Some).collect())
}

/// A numeric comes as its text.
fn to_char_numeric(args: &[Arg<'_>]) -> Result<Out> {
    let (text, template) = (args[0].text()?, args[1].text()?);
    let (negative, plain) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, rest) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = format!("{whole}{rest}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type numeric: \"{text}\""),
        ));
    }
    let scale = i32::try_from(rest.len()).unwrap_or(0);
    let number = format::Numeric::Finite { negative, digits: &digits, scale };
    format::to_char_numeric(number, template).map(Out::Text)
}

fn decimal_text(decimal: &format::Decimal) -> String {
    let scale = usize::try_from(decimal.scale).unwrap_or(0);
    let digits = format!("{:0>width$}", decimal.digits, width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    let sign = if decimal.negative { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}
