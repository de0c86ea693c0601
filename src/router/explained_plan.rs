//! EXPLAIN (FORMAT JSON): DuckDB's plan in the words of PostgreSQL's, for tools that draw it.
//!
//! What DuckDB does not measure is left out, but for the costs, which every reader expects: they
//! are the rows that an operator is estimated to give, with those of what it reads.

use serde_json::{Map, Value};

/// Turns what DuckDB's `EXPLAIN (FORMAT JSON)` gives, or with `ANALYZE`, into PostgreSQL's plan.
/// `None` where it is no plan.
pub(super) fn from_duckdb(text: &str) -> Option<Map<String, Value>> {
    let plan: Value = serde_json::from_str(text).ok()?;
    let mut explained = Map::new();
    let root = match &plan {
        Value::Array(roots) => roots.first()?,
        // Measured: the root is the statement, then comes EXPLAIN ANALYZE itself.
        measured => {
            let seconds = measured.get("latency")?.as_f64()?;
            explained.insert("Execution Time".to_owned(), milliseconds(seconds));
            measured.get("children")?.get(0)?.get("children")?.get(0)?
        }
    };
    explained.insert("Plan".to_owned(), Value::Object(node(root)?.0));
    Some(explained)
}

/// An operator, the cost of it with all below, and its time in seconds.
fn node(operator: &Value) -> Option<(Map<String, Value>, f64, f64)> {
    let name = operator.get("operator_name").or_else(|| operator.get("name"))?.as_str()?.trim();
    let extra = operator.get("extra_info");
    let said = |key: &str| extra.and_then(|extra| extra.get(key)).map(joined);
    let mut plan = Map::new();
    let mut put = |key: &str, value: Value| plan.insert(key.to_owned(), value);
    put("Node Type", node_type(name).into());
    if let Some(kind) = said("Join Type") {
        put("Join Type", capitalized(&kind).into());
    }
    if let Some(table) = said("Table") {
        let parts: Vec<&str> = table.split('.').collect();
        let relation = *parts.last()?;
        put("Relation Name", relation.into());
        put("Alias", relation.into());
        if let Some(schema) = parts.len().checked_sub(2).and_then(|at| parts.get(at)) {
            put("Schema", if *schema == "main" { "public" } else { schema }.into());
        }
    }
    for (theirs, ours) in [
        ("Conditions", "Hash Cond"),
        ("Filters", "Filter"),
        ("Expression", "Filter"),
        ("Groups", "Group Key"),
        ("Order By", "Sort Key"),
    ] {
        if let Some(text) = said(theirs) {
            let is_list = ours.ends_with("Key");
            put(ours, if is_list { Value::Array(vec![text.into()]) } else { text.into() });
        }
    }
    let below: Vec<_> = operator.get("children")?.as_array()?.iter().filter_map(node).collect();
    let estimated = said("Estimated Cardinality").and_then(|rows| rows.parse::<u64>().ok());
    let actual = operator.get("operator_cardinality").and_then(Value::as_u64);
    let rows = estimated.or(actual).unwrap_or_else(|| below.iter().map(|b| rows_of(&b.0)).sum());
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let cost = below.iter().map(|(_, cost, _)| cost).sum::<f64>() + rows.max(1) as f64 / 100.0;
    put("Startup Cost", 0.0.into());
    put("Total Cost", ((cost * 100.0).round() / 100.0).into());
    put("Plan Rows", rows.into());
    put("Plan Width", 0.into());
    let own = operator.get("operator_timing").and_then(Value::as_f64).unwrap_or(0.0);
    let seconds = own + below.iter().map(|(_, _, seconds)| seconds).sum::<f64>();
    if let Some(actual) = actual {
        put("Actual Startup Time", 0.0.into());
        put("Actual Total Time", milliseconds(seconds));
        put("Actual Rows", actual.into());
        put("Actual Loops", 1.into());
    }
    if !below.is_empty() {
        put("Plans", below.into_iter().map(|(plan, ..)| Value::Object(plan)).collect());
    }
    Some((plan, cost, seconds))
}

fn rows_of(plan: &Map<String, Value>) -> u64 {
    plan.get("Plan Rows").and_then(Value::as_u64).unwrap_or(0)
}

fn milliseconds(seconds: f64) -> Value {
    ((seconds * 1_000_000.0).round() / 1_000.0).into()
}

/// A text, or several with commas.
fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(joined).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// PostgreSQL's name of an operator, so that tools know its picture; DuckDB's where there is none.
fn node_type(name: &str) -> String {
    let known = match name {
        "SEQ_SCAN" | "TABLE_SCAN" => "Seq Scan",
        "INDEX_SCAN" => "Index Scan",
        "HASH_JOIN" => "Hash Join",
        "PIECEWISE_MERGE_JOIN" | "IE_JOIN" | "ASOF_JOIN" => "Merge Join",
        "NESTED_LOOP_JOIN" | "BLOCKWISE_NL_JOIN" | "CROSS_PRODUCT" | "POSITIONAL_JOIN" => {
            "Nested Loop"
        }
        "HASH_GROUP_BY"
        | "PERFECT_HASH_GROUP_BY"
        | "UNGROUPED_AGGREGATE"
        | "PARTITIONED_AGGREGATE"
        | "SIMPLE_AGGREGATE" => "Aggregate",
        "ORDER_BY" => "Sort",
        "TOP_N" | "LIMIT" | "STREAMING_LIMIT" | "LIMIT_PERCENT" => "Limit",
        "WINDOW" | "STREAMING_WINDOW" => "WindowAgg",
        "UNION" => "Append",
        "CTE_SCAN" | "RECURSIVE_CTE_SCAN" => "CTE Scan",
        "RECURSIVE_CTE" => "Recursive Union",
        "COLUMN_DATA_SCAN" => "Values Scan",
        "UNNEST" | "INOUT_FUNCTION" => "ProjectSet",
        "PROJECTION" | "DUMMY_SCAN" | "EMPTY_RESULT" => "Result",
        other => return capitalized(other),
    };
    known.to_owned()
}

/// `DELIM_JOIN` as `Delim Join`.
fn capitalized(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + &rest.to_lowercase()
    };
    name.split(['_', ' ']).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_in_postgresqls_words() {
        let text = r#"[{"name": "HASH_JOIN", "extra_info": {"Join Type": "INNER",
            "Conditions": ["a = a", "b = b"], "Estimated Cardinality": "2"}, "children": [
            {"name": "SEQ_SCAN ", "children": [], "extra_info": {"Table": "postgres.main.t",
             "Filters": "b>2", "Estimated Cardinality": "200"}},
            {"name": "DELIM_SCAN", "children": [], "extra_info": {}}]}]"#;
        let plan = from_duckdb(text).unwrap()["Plan"].clone();
        assert_eq!((&plan["Node Type"], &plan["Plan Rows"]), (&"Hash Join".into(), &2.into()));
        assert_eq!(plan["Hash Cond"], "a = a, b = b");
        assert_eq!(plan["Join Type"], "Inner");
        let scan = &plan["Plans"][0];
        assert_eq!((&scan["Relation Name"], &scan["Schema"]), (&"t".into(), &"public".into()));
        assert_eq!((&scan["Filter"], &scan["Total Cost"]), (&"b>2".into(), &2.0.into()));
        assert_eq!(plan["Plans"][1]["Node Type"], "Delim Scan");
    }

    #[test]
    fn what_was_measured_is_told_in_milliseconds() {
        let text = r#"{"latency": 0.0125, "children": [{"operator_name": "EXPLAIN_ANALYZE",
            "children": [{"operator_name": "ORDER_BY", "operator_timing": 0.001,
            "operator_cardinality": 3, "extra_info": {"Order By": "a ASC"}, "children": [
            {"operator_name": "SEQ_SCAN", "operator_timing": 0.002, "operator_cardinality": 3,
             "extra_info": {"Table": "t", "Estimated Cardinality": "4"}, "children": []}]}]}]}"#;
        let explained = from_duckdb(text).unwrap();
        assert_eq!(explained["Execution Time"], 12.5);
        let plan = &explained["Plan"];
        assert_eq!((&plan["Node Type"], &plan["Actual Rows"]), (&"Sort".into(), &3.into()));
        assert_eq!(plan["Actual Total Time"], 3.0);
        assert_eq!(plan["Sort Key"][0], "a ASC");
        assert_eq!(plan["Plans"][0]["Plan Rows"], 4);
        assert!(from_duckdb("no plan").is_none());
    }
}
