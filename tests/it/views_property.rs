//! A view that is kept up to date always equals its query: random tables, views and changes.
//!
//! `TEATREE_TEST_ROUNDS` says how many random schemas are tried, `TEATREE_TEST_SEED` with which one
//! to begin.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::{connect, skip_on_oracle, unique};
use crate::raw_client::RawClient;

/// Changes tried on one schema.
const CHANGES: usize = 40;

struct Schema {
    fact: String,
    dim: String,
    has_key: bool,
    views: Vec<(String, String)>,
    next_id: i64,
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// Some of these, in their order, one at least.
fn some<'a>(random: &mut StdRng, from: &[&'a str], most: usize) -> Vec<&'a str> {
    let first = random.random_range(0..from.len());
    let mut chosen = vec![from[first]];
    for item in from {
        if chosen.len() < most && !chosen.contains(item) && random.random_bool(0.4) {
            chosen.push(item);
        }
    }
    chosen
}

const CONDITIONS: &[&str] = &[
    "true",
    "x > 2",
    "x IS NOT NULL",
    "g <> 'b'",
    "d < 5.0 OR b",
    "k % 2 = 0",
    "g LIKE 'a%'",
    "ts >= '2026-01-02'",
    "coalesce(x, 0) + k < 12",
];

impl Schema {
    fn new(random: &mut StdRng, client: &mut RawClient) -> Schema {
        let (fact, dim) = (unique("fact"), unique("dim"));
        let has_key = random.random_bool(0.5);
        let id = if has_key { "id int PRIMARY KEY" } else { "id int" };
        let not_null = if random.random_bool(0.3) { " NOT NULL" } else { "" };
        client.run(&format!(
            "CREATE TABLE {fact} ({id}, k int{not_null}, g text, x int, d numeric(8,2), f float8, \
             ts timestamp, b boolean, s varchar(5) DEFAULT 'new')"
        ));
        client.run(&format!("CREATE TABLE {dim} (k int, name text, w int)"));
        if random.random_bool(0.3) {
            client.run(&format!("CREATE INDEX ON {fact} (k)"));
        }
        let mut schema = Schema { fact, dim, has_key, views: Vec::new(), next_id: 0 };
        for _ in 0..random.random_range(0..3) {
            let change = schema.insert(random);
            client.run(&change);
        }
        for _ in 0..4 {
            let view = unique("view");
            let query = schema.query(random);
            let sql =
                format!("CREATE MATERIALIZED VIEW {view} WITH (refresh = 'on_change') AS {query}");
            client.run(&sql);
            schema.views.push((view, query));
        }
        schema
    }

    fn query(&self, random: &mut StdRng) -> String {
        let (fact, dim) = (&self.fact, &self.dim);
        let source = match random.random_range(0..4) {
            0 => format!("{fact} f JOIN {dim} d0 USING (k)"),
            1 => format!("{fact} f LEFT JOIN {dim} d0 USING (k)"),
            _ => fact.clone(),
        };
        let joined = source.contains("JOIN");
        let condition = pick(random, CONDITIONS);
        let mut keys =
            vec!["k", "g", "k % 3", "date_trunc('day', ts)", "b", "x / 4", "upper(g)", "k, g"];
        let mut plain = vec!["id", "k", "g", "x * 2 AS xx", "d + 1 AS dd", "ts", "s", "f", "b"];
        if joined {
            keys.extend(["name", "name, k"]);
            plain.extend(["name", "w + x AS wx"]);
        }
        match random.random_range(0..10) {
            0..=2 => {
                let items = some(random, &plain, 6).join(", ");
                format!("SELECT {items} FROM {source} WHERE {condition}")
            }
            3 => {
                let item = pick(random, &keys);
                format!("SELECT DISTINCT {item} FROM {source} WHERE {condition}")
            }
            4 => format!(
                "SELECT {} FROM {source} WHERE {condition}",
                aggregates(random, joined).join(", ")
            ),
            5 => {
                let wanted = ["x", "id"][random.random_range(0..2)];
                format!(
                    "SELECT id, x FROM {fact} WHERE {wanted} = (SELECT max({wanted}) FROM {fact})"
                )
            }
            _ => {
                let key = pick(random, &keys);
                let having = match random.random_range(0..4) {
                    0 => " HAVING count(*) > 1",
                    1 => " HAVING sum(x) > 5",
                    _ => "",
                };
                let items = aggregates(random, joined).join(", ");
                format!(
                    "SELECT {key}, {items} FROM {source} WHERE {condition} GROUP BY {key}{having}"
                )
            }
        }
    }

    fn row(&mut self, random: &mut StdRng) -> String {
        self.next_id += 1;
        let id = self.next_id;
        let mut null =
            |text: String| if random.random_bool(0.15) { "NULL".to_owned() } else { text };
        let seed = id.wrapping_mul(7919);
        let k = (seed / 3) % 6;
        let g = null(format!("'{}'", ["a", "ab", "b", "c"][(seed % 4) as usize]));
        let x = null(format!("{}", seed % 11 - 3));
        let d = null(format!("{}.{:02}", seed % 9, seed % 100));
        let f = null(format!("{}", (seed % 40) as f64 / 4.0));
        let ts = null(format!("'2026-01-{:02} {:02}:00'", 1 + seed % 3, seed % 24));
        let b = null(format!("{}", seed % 2 == 0));
        format!("({id}, {k}, {g}, {x}, {d}, {f}, {ts}, {b})")
    }

    fn insert(&mut self, random: &mut StdRng) -> String {
        let count = random.random_range(1..6);
        let rows: Vec<String> = (0..count).map(|_| self.row(random)).collect();
        format!("INSERT INTO {} (id, k, g, x, d, f, ts, b) VALUES {}", self.fact, rows.join(", "))
    }

    fn change(&mut self, random: &mut StdRng) -> String {
        let (fact, dim) = (self.fact.clone(), self.dim.clone());
        let condition = pick(random, CONDITIONS);
        let some_rows = format!("id % {} = 0", random.random_range(1..7));
        let k = random.random_range(0..6);
        match random.random_range(0..21) {
            0..=6 => self.insert(random),
            7 => format!("UPDATE {fact} SET x = x + 1, g = g || 'a' WHERE {condition}"),
            8 => format!("UPDATE {fact} SET k = {k}, b = NOT b WHERE {some_rows}"),
            9 => format!("UPDATE {fact} SET d = d * 2 / 2, x = NULL WHERE {some_rows} AND x > 0"),
            10 => format!(
                "UPDATE {fact} AS t SET x = w FROM {dim} o WHERE o.k = t.k AND t.{some_rows}"
            ),
            11 => format!("DELETE FROM {fact} WHERE {some_rows}"),
            12 => format!("DELETE FROM {fact} USING {dim} o WHERE o.k = {fact}.k AND w > {k}"),
            13 => format!("INSERT INTO {dim} VALUES ({k}, 'n{k}', {k}), ({k} + 1, 'n', NULL)"),
            14 => format!("UPDATE {dim} SET name = name || 'x', w = w + 1 WHERE k = {k}"),
            15 => format!("DELETE FROM {dim} WHERE k = {k}"),
            16 => {
                let first = self.next_id + 1;
                self.next_id += 10;
                format!(
                    "INSERT INTO {fact} SELECT i, i % 6, 'b', i % 5, 1.5, 0.5, '2026-01-02', true \
                     FROM generate_series({first}, {first} + 9) i"
                )
            }
            17 if self.has_key => format!(
                "INSERT INTO {fact} (id, k, g, x) SELECT id, {k}, 'up', 1 FROM {fact} WHERE {some_rows} \
                 ON CONFLICT (id) DO UPDATE SET k = excluded.k, x = {fact}.x + 1"
            ),
            19 => format!(
                "MERGE INTO {fact} AS f USING (SELECT k, max(w) AS w FROM {dim} GROUP BY k) o \
                 ON f.k = o.k AND f.{some_rows} WHEN MATCHED THEN UPDATE SET x = o.w, g = 'm'"
            ),
            18 if random.random_bool(0.2) => format!("TRUNCATE {fact}"),
            _ => self.insert(random),
        }
    }

    /// Fails when a view is not what its query gives.
    fn check(&self, client: &mut RawClient, after: &str) {
        for (view, query) in &self.views {
            let differing = client.value(&format!(
                "SELECT count(*) FROM ((SELECT * FROM {view} EXCEPT ALL ({query})) \
                 UNION ALL (({query}) EXCEPT ALL SELECT * FROM {view})) q"
            ));
            assert_eq!(differing, "0", "after {after}: {view} is not {query}");
        }
    }
}

fn aggregates<'a>(random: &mut StdRng, joined: bool) -> Vec<&'a str> {
    let mut all = vec![
        "count(*)",
        "count(x) AS cx",
        "sum(x) AS sx",
        "avg(x) AS ax",
        "sum(d) AS sd",
        "avg(d) AS ad",
        "min(x) AS mx",
        "max(d) AS md",
        "max(g) AS mg",
        "count(DISTINCT g) AS dg",
        "sum(x) FILTER (WHERE x > 1) AS fx",
        "sum(f) AS sf",
        "avg(f) AS af",
        "bool_or(b) AS ob",
        "string_agg(g, ',' ORDER BY id) AS ag",
        "sum(x) * 2 + count(*) AS calc",
        "round(avg(d), 1) AS rd",
        "count(*) FILTER (WHERE b) AS fb",
    ];
    if joined {
        all.extend(["sum(w) AS sw", "count(name) AS cn"]);
    }
    // Often only what takes changes up by itself.
    if random.random_bool(0.5) {
        all.truncate(6);
    }
    some(random, &all, 6)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn a_view_equals_its_query_after_every_change() {
    if skip_on_oracle("views do not follow by themselves there") {
        return;
    }
    let mut client = connect();
    let first = number("TEATREE_TEST_SEED", 1);
    for seed in first..first + number("TEATREE_TEST_ROUNDS", 5) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut schema = Schema::new(&mut random, &mut client);
        schema.check(&mut client, &format!("seed {seed}, creation"));
        let mut done = 0;
        while done < CHANGES {
            let in_block = random.random_bool(0.2);
            let count = if in_block { random.random_range(1..5) } else { 1 };
            let mut changes: Vec<String> = (0..count).map(|_| schema.change(&mut random)).collect();
            done += count;
            if in_block {
                changes.insert(0, "BEGIN".to_owned());
                let end = if random.random_bool(0.8) { "COMMIT" } else { "ROLLBACK" };
                changes.push(end.to_owned());
            }
            for change in &changes {
                eprintln!("seed {seed}: {change}");
                client.run(change);
                if in_block && change != "BEGIN" && random.random_bool(0.3) {
                    schema.check(&mut client, &format!("seed {seed}, inside, {change}"));
                }
            }
            schema.check(&mut client, &format!("seed {seed}, {}", changes.join("; ")));
        }
        client.run(&format!("DROP TABLE {}, {} CASCADE", schema.fact, schema.dim));
    }
}
