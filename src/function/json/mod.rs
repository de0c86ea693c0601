//! PostgreSQL 15's json and jsonb: operators and functions on JSON text.
//!
//! Values come and go as text. A jsonb value is read into a [`value::Value`] and written in
//! jsonb's form ([`canonical`]), whatever form it came in; a json value is read into a
//! [`node::Node`], which keeps the text of every part as it was written.

mod access;
mod decimal;
mod expand;
mod lex;
mod modify;
mod node;
mod number;
mod parse;
mod path;
mod place;
mod predicate;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use access::{
    json_get_element, json_get_element_text, json_get_field, json_get_field_text, json_get_path,
    json_get_path_text, jsonb_get_element, jsonb_get_element_text, jsonb_get_field,
    jsonb_get_field_text, jsonb_get_path, jsonb_get_path_text,
};
pub use expand::{
    check_json, json_array_elements, json_array_elements_text, json_array_length, json_each,
    json_each_text, json_object_keys, json_strip_nulls, json_typeof, jsonb_array_elements,
    jsonb_array_elements_text, jsonb_array_length, jsonb_each, jsonb_each_text, jsonb_object_keys,
    jsonb_typeof,
};
pub use modify::{
    jsonb_concat, jsonb_delete, jsonb_delete_element, jsonb_delete_keys, jsonb_delete_path,
    jsonb_insert, jsonb_set, jsonb_set_lax, jsonb_strip_nulls,
};
pub use path::{
    JsonPath, PathOptions, jsonb_path_exists, jsonb_path_match, jsonb_path_query,
    jsonb_path_query_array, jsonb_path_query_first,
};
pub use predicate::{
    jsonb_compare, jsonb_contains, jsonb_equal, jsonb_exists, jsonb_exists_all, jsonb_exists_any,
    jsonb_sort_key,
};
pub use write::{canonical, jsonb_pretty, quote};
