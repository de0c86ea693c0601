//! EXPLAIN (FORMAT JSON) has PostgreSQL's keys, which tools draw plans from.

use serde_json::Value;

use crate::harness::{connect, unique};
use crate::raw_client::RawClient;

fn plan(client: &mut RawClient, options: &str, query: &str) -> Value {
    let text = client.value(&format!("EXPLAIN ({options}) {query}"));
    let mut plans: Vec<Value> = serde_json::from_str(&text).expect("no JSON");
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

/// The first node of a type, from the top.
fn node<'a>(plan: &'a Value, kind: &str) -> Option<&'a Value> {
    if plan["Node Type"] == kind {
        return Some(plan);
    }
    plan["Plans"].as_array()?.iter().find_map(|below| node(below, kind))
}

#[test]
fn a_plan_in_json_names_its_operators_and_tables() {
    let mut client = connect();
    let (tea, garden) = (unique("planned_tea"), unique("planned_garden"));
    client.run(&format!("CREATE TABLE {garden} AS SELECT i AS id FROM generate_series(1, 9) i"));
    client.run(&format!("CREATE TABLE {tea} AS SELECT i AS id FROM generate_series(1, 500) i"));
    let query = format!("SELECT t.id FROM {tea} t JOIN {garden} g ON g.id = t.id ORDER BY t.id");
    let explained = plan(&mut client, "FORMAT json, VERBOSE, COSTS", &query);
    assert!(explained["Engine"].as_str().unwrap().starts_with("duckdb"), "{explained}");
    let top = &explained["Plan"];
    assert_eq!(top["Output"], serde_json::json!(["id"]));
    assert!(top["Total Cost"].as_f64().unwrap() > 0.0 && top["Plan Rows"].is_u64(), "{top}");
    let join = node(top, "Hash Join").expect("no join");
    let mut names: Vec<&str> = join["Plans"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|below| node(below, "Seq Scan")?["Relation Name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, [garden.as_str(), tea.as_str()]);
    assert!(top.get("Actual Rows").is_none(), "{top}");

    let measured = plan(&mut client, "ANALYZE, FORMAT json, BUFFERS, TIMING", &query);
    assert!(measured["Execution Time"].is_f64(), "{measured}");
    assert_eq!(measured["Plan"]["Actual Rows"], 9, "{measured}");
    client.run(&format!("DROP TABLE {tea}, {garden}"));
}

#[test]
fn a_plan_of_another_engine_is_there_as_text() {
    let mut client = connect();
    let table = unique("planned_dataset");
    client.run(&format!("CREATE TABLE {table} (id int) USING arrow"));
    let explained = plan(&mut client, "FORMAT json", &format!("SELECT id FROM {table}"));
    assert!(explained["Engine"].as_str().unwrap().starts_with("datafusion"), "{explained}");
    assert!(explained["Plan"]["Node Type"].is_string(), "{explained}");
    assert!(explained["Plan"]["Plan Text"].is_array(), "{explained}");
    client.run(&format!("DROP TABLE {table}"));
}
