//! The catalogue's kept copy: what follows from the definitions alone, in tables.
//!
//! The views of `teatree_system` are computed from DuckDB's lists each time. The copy,
//! `teatree_kept`, is made of the same SQL: a view that depends on those lists is a table there,
//! and what depends on the session (its search path) stays a view or a macro, over those tables.
//! Who makes the tables says for which state of the definitions they are good.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::FILES;

/// The attached in-memory database that holds the copy.
pub(super) const KEPT_DATABASE: &str = "teatree_kept";
const LIVE_DATABASE: &str = "teatree_system";

/// The lists that definitions show in.
const LISTS: [&str; 14] = [
    "duckdb_tables()",
    "duckdb_columns()",
    "duckdb_constraints()",
    "duckdb_indexes()",
    "duckdb_views()",
    "duckdb_sequences()",
    "duckdb_schemas()",
    "duckdb_types()",
    "teatree_datasets()",
    "teatree_dataset_columns()",
    "teatree_system.support.routine",
    "teatree_system.support.user_trigger",
    "teatree_system.support.user_foreign_key",
    "teatree_system.support.object_fact",
];

/// What changes with every row or hardly at all, and what is built upon it: never kept.
const MOVING: [&str; 9] = [
    "pg.pg_sequences",
    "support.sequence_state",
    // Sessions come and go, and with them roles that nobody made.
    "pg.pg_authid",
    "pg.pg_stat_progress_copy",
    "pg.pg_stat_user_tables",
    "pg.pg_stat_user_indexes",
    "support.lookup_size",
    "teatree.tables",
    // Nearly all of it is PostgreSQL's own and never changes.
    "pg.pg_proc",
];

/// What a session's own settings decide is not put into tables.
const OF_SESSION: &str = "current_schemas(";

/// The place of an object in [`kept`].
pub type KeptId = usize;

/// An object of the copy.
#[derive(Debug)]
pub struct KeptObject {
    /// The statement that makes it, in the place of what was there.
    pub sql: String,
    /// Whether it holds rows, which grow old; else once is enough.
    pub has_rows: bool,
    /// The objects it is made of; all of them stand before it.
    needs: Vec<KeptId>,
}

/// The copy's objects, in the order in which they can be made.
#[derive(Debug)]
pub struct KeptCatalog {
    objects: Vec<KeptObject>,
    by_name: HashMap<&'static str, KeptId>,
}

impl KeptCatalog {
    /// Finds an object by its schema and name within the database.
    pub fn find(&self, schema: &str, name: &str) -> Option<KeptId> {
        self.by_name.get(format!("{schema}.{name}").as_str()).copied()
    }

    /// Returns these objects and all that they need, in the order in which they can be made.
    pub fn with_needs(&self, wanted: &[KeptId]) -> Vec<KeptId> {
        let mut found = vec![false; self.objects.len()];
        let mut open: Vec<KeptId> = wanted.to_vec();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut found[id], true) {
                open.extend(&self.objects[id].needs);
            }
        }
        (0..found.len()).filter(|&id| found[id]).collect()
    }

    /// Returns the objects, each at the place that its number says.
    pub fn objects(&self) -> &[KeptObject] {
        &self.objects
    }
}

/// A question to the catalogue, put to the copy.
#[derive(Debug)]
pub struct KeptQuery {
    pub sql: String,
    /// What must be made before it can be asked.
    pub needs: Vec<KeptId>,
}

impl KeptQuery {
    /// Takes a question to the views of `teatree_system`.
    pub fn of(live: &'static str) -> KeptQuery {
        let named = names_in(live);
        let by_name = &kept().by_name;
        let needs = named.iter().filter_map(|(_, name)| by_name.get(name).copied()).collect();
        KeptQuery { sql: renamed(live, &named, by_name), needs }
    }
}

/// The schemas that the copy needs.
pub fn kept_schemas_sql() -> String {
    let names = ["support", "pg", "information"];
    names.iter().map(|schema| format!("CREATE SCHEMA {KEPT_DATABASE}.{schema};")).collect()
}

/// The copy's objects, read from the SQL files.
pub fn kept() -> &'static KeptCatalog {
    static KEPT: LazyLock<KeptCatalog> = LazyLock::new(|| read(&FILES));
    &KEPT
}

fn read(files: &[(&str, &'static str)]) -> KeptCatalog {
    let mut catalog = KeptCatalog { objects: Vec::new(), by_name: HashMap::new() };
    // What is built upon something that moves, moves too.
    let mut moving: HashSet<&str> = MOVING.into();
    for statement in files.iter().flat_map(|(_, text)| text.split(";\n")) {
        let Some((kind, name, body)) = definition(statement) else { continue };
        let named = names_in(body);
        if moving.contains(name) || named.iter().any(|(_, name)| moving.contains(name)) {
            moving.insert(name);
            continue;
        }
        let needs: Vec<KeptId> =
            named.iter().filter_map(|(_, name)| catalog.by_name.get(name).copied()).collect();
        if needs.is_empty() && !LISTS.iter().any(|list| body.contains(list)) {
            continue;
        }
        let has_rows =
            kind == "VIEW" && !body.contains(OF_SESSION) && !name.starts_with("support.lookup_");
        let kind = if has_rows { "TABLE" } else { kind };
        let body = renamed(body, &named, &catalog.by_name);
        let sql = format!("CREATE OR REPLACE {kind} {KEPT_DATABASE}.{name}{body}");
        catalog.by_name.insert(name, catalog.objects.len());
        catalog.objects.push(KeptObject { sql, has_rows, needs });
    }
    catalog
}

/// Takes a definition of the catalogue apart: kind, name, and all behind the name.
fn definition(statement: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let (_, rest) = statement.split_once("CREATE ")?;
    let (kind, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix(LIVE_DATABASE)?.strip_prefix('.')?;
    let end = rest.find(|c: char| !is_name(c))?;
    matches!(kind, "VIEW" | "MACRO").then(|| (kind, &rest[..end], &rest[end..]))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Finds the catalogue's objects that a body names: where the database's name begins, and the
/// object's name with its schema.
fn names_in(body: &'static str) -> Vec<(usize, &'static str)> {
    body.match_indices(LIVE_DATABASE)
        .filter_map(|(at, _)| {
            let rest = body[at + LIVE_DATABASE.len()..].strip_prefix('.')?;
            let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            Some((at, &rest[..end]))
        })
        .collect()
}

/// Points the names of kept objects at the copy.
fn renamed(
    body: &str,
    named: &[(usize, &'static str)],
    kept: &HashMap<&'static str, KeptId>,
) -> String {
    let mut text = String::with_capacity(body.len());
    let mut done = 0;
    for (at, _) in named.iter().filter(|(_, name)| kept.contains_key(name)) {
        text.push_str(&body[done..*at]);
        text.push_str(KEPT_DATABASE);
        done = at + LIVE_DATABASE.len();
    }
    text.push_str(&body[done..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_definitions_is_kept_in_tables() {
        let class = kept().find("pg", "pg_class").unwrap();
        let object = &kept().objects()[class];
        assert!(object.has_rows);
        assert!(object.sql.starts_with("CREATE OR REPLACE TABLE teatree_kept.pg.pg_class AS"));
        assert!(object.sql.contains("FROM teatree_kept.support.user_relation"));
        assert!(object.sql.contains("FROM teatree_system.support.system_relation"));
        let order = kept().with_needs(&[class]);
        assert_eq!(order.last(), Some(&class));
        assert!(order.contains(&kept().find("support", "raw_constraint").unwrap()));
    }

    #[test]
    fn what_a_session_decides_stays_a_view() {
        let lookup = kept().find("support", "lookup_relation").unwrap();
        assert!(!kept().objects()[lookup].has_rows);
        let visible = kept().find("pg", "pg_table_is_visible").unwrap();
        assert!(kept().objects()[visible].sql.starts_with("CREATE OR REPLACE MACRO"));
    }

    #[test]
    fn what_moves_and_what_is_fixed_is_not_kept() {
        for (schema, name) in [
            ("pg", "pg_sequences"),
            ("pg", "pg_total_relation_size"),
            ("pg", "pg_stat_all_tables"),
            ("pg", "pg_proc"),
            ("pg", "pg_settings"),
            ("teatree", "tables"),
        ] {
            assert!(kept().find(schema, name).is_none(), "{schema}.{name}");
        }
    }
}
