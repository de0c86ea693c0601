//! The list of the catalogue's relations and functions, read from the SQL files themselves.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::FILES;
use super::kept::{KEPT_DATABASE, kept};
use crate::sql::rewrite::{SystemCatalog, SystemRelation};
use crate::types::{PgType, ScalarType};

const LIST: &str = include_str!("../../sql/pg_catalog/relations.tsv");

/// One line of the list.
struct Relation {
    schema: &'static str,
    name: &'static str,
    oid: u32,
    kind: &'static str,
    /// Column names with PostgreSQL's `typname`.
    columns: Vec<(&'static str, &'static str)>,
}

static RELATIONS: LazyLock<Vec<Relation>> = LazyLock::new(|| {
    LIST.lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Relation {
                schema: fields.next()?,
                name: fields.next()?,
                oid: fields.next()?.parse().ok()?,
                kind: fields.next()?,
                columns: fields.next()?.split(' ').filter_map(|c| c.split_once(':')).collect(),
            })
        })
        .collect()
});

/// What Teatree adds of its own; the columns are in `sql/teatree/views.sql`.
const TEATREE: [&str; 7] =
    ["intents", "intent_stats", "versions", "tables", "pipelines", "algorithms", "steps"];

/// Where a relation of the catalogue is, in DuckDB's words.
pub type QualifiedSystemName = SystemRelation;

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), SystemRelation>> =
    LazyLock::new(|| {
        let listed = RELATIONS.iter().map(|relation| {
            let schema = duckdb_schema(relation.schema);
            let found = SystemRelation { schema, name: relation.name, oid: relation.oid };
            ((relation.schema, relation.name), found)
        });
        let own = TEATREE
            .iter()
            .map(|&name| (("teatree", name), SystemRelation { schema: "teatree", name, oid: 0 }));
        listed.chain(own).collect()
    });

fn duckdb_schema(schema: &'static str) -> &'static str {
    match schema {
        "pg_catalog" => "pg",
        "information_schema" => "information",
        other => other,
    }
}

/// Finds a relation by PostgreSQL's names. Without a schema only `pg_catalog`'s are found, as
/// PostgreSQL looks there first.
pub fn is_system_relation(schema: Option<&str>, name: &str) -> Option<QualifiedSystemName> {
    BY_NAME.get(&(schema.unwrap_or("pg_catalog"), name)).copied()
}

/// The functions that the SQL files define.
static FUNCTIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    FILES
        .iter()
        .flat_map(|(_, text)| text.split("CREATE MACRO teatree_system.pg.").skip(1))
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .collect()
});

/// What the rewriter of statements calls besides.
const OF_THE_REWRITER: [&str; 8] =
    ["list", "list_value", "struct_pack", "to_json", "error", "strftime", "strptime", "range"];

/// The functions that the SQL files call without a schema.
static USED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let called = |before: &'static str| {
        let start = before.rfind(|c| !is_name(c)).map_or(0, |place| place + 1);
        (!before[..start].ends_with('.')).then(|| &before[start..])
    };
    let of_file =
        |text: &'static str| text.match_indices('(').filter_map(move |(at, _)| called(&text[..at]));
    FILES.iter().flat_map(|(_, text)| of_file(text)).chain(OF_THE_REWRITER).collect()
});

/// Tells whether a user's function of this name would come in the place of one that the server
/// itself calls.
pub fn is_used_function(name: &str) -> bool {
    crate::sql::is_builtin(name) || FUNCTIONS.contains(name) || USED.contains(name)
}

/// The catalogue as the rewriter of names asks for it.
pub struct Catalog;

impl SystemCatalog for Catalog {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<SystemRelation> {
        is_system_relation(schema, name)
    }

    fn has_function(&self, name: &str) -> bool {
        FUNCTIONS.contains(name)
    }

    fn kept(&self, schema: &str, name: &str) -> Option<(&'static str, usize)> {
        Some((KEPT_DATABASE, kept().find(schema, name)?))
    }

    fn is_moving(&self, schema: &str, name: &str) -> bool {
        kept().is_moving(schema, name)
    }
}

/// Returns the columns of one of the catalogue's relations with their PostgreSQL types, which
/// DuckDB's may not tell: `relkind` is `"char"`, `oid` is `oid`. Types that Teatree does not send
/// are `text`. Without a schema only `pg_catalog`'s are found.
pub fn system_columns(schema: Option<&str>, name: &str) -> Option<Vec<(&'static str, PgType)>> {
    is_system_relation(schema, name)?;
    let schema = schema.unwrap_or("pg_catalog");
    let relation = RELATIONS.iter().find(|r| r.schema == schema && r.name == name)?;
    Some(relation.columns.iter().map(|(name, typname)| (*name, pg_type(typname))).collect())
}

fn pg_type(typname: &str) -> PgType {
    let (name, is_array) = match typname.strip_prefix('_') {
        Some(element) => (element, true),
        None => (typname, false),
    };
    let found = ScalarType::ALL.iter().find(|scalar| scalar.typname() == name);
    let scalar = *found.unwrap_or(&ScalarType::Text);
    if is_array { PgType::Array(scalar) } else { PgType::Scalar(scalar) }
}

/// The type that a column has in DuckDB.
fn duckdb_type(typname: &str) -> String {
    if let Some(element) = typname.strip_prefix('_') {
        return format!("{}[]", duckdb_type(element));
    }
    match typname {
        "oid" | "regclass" | "regproc" => "UINTEGER",
        "int2" => "SMALLINT",
        "int4" => "INTEGER",
        "int8" | "xid" => "BIGINT",
        "bool" => "BOOLEAN",
        "float4" => "FLOAT",
        "float8" => "DOUBLE",
        "numeric" => "DECIMAL(38,10)",
        "timestamptz" => "TIMESTAMPTZ",
        "interval" => "INTERVAL",
        "bytea" => "BLOB",
        "int2vector" => "SMALLINT[]",
        "oidvector" => "UINTEGER[]",
        _ => "VARCHAR",
    }
    .to_owned()
}

/// Schemas, and the table of the catalogue's relations.
pub(super) fn list_sql() -> String {
    let mut sql = String::new();
    for schema in ["support", "pg", "information", "teatree"] {
        let _ = writeln!(sql, "CREATE SCHEMA IF NOT EXISTS teatree_system.{schema};");
    }
    sql.push_str(
        "CREATE TABLE teatree_system.support.system_relation (oid UINTEGER, name VARCHAR, \
         namespace_oid UINTEGER, kind VARCHAR, column_count INTEGER);\n\
         INSERT INTO teatree_system.support.system_relation VALUES\n",
    );
    let rows = RELATIONS.iter().map(|r| {
        let namespace = if r.schema == "pg_catalog" { 11 } else { 13184 };
        format!("({}, '{}', {namespace}, '{}', {})", r.oid, r.name, r.kind, r.columns.len())
    });
    sql.push_str(&rows.collect::<Vec<_>>().join(",\n"));
    sql.push_str(";\n");
    sql
}

/// The table of the catalogue's columns; needs the built-in types.
pub(super) fn columns_sql() -> String {
    let mut rows = Vec::new();
    for relation in RELATIONS.iter() {
        for (index, (name, typname)) in relation.columns.iter().enumerate() {
            rows.push(format!("({}, {}, '{name}', '{typname}')", relation.oid, index + 1));
        }
    }
    format!(
        "CREATE TABLE teatree_system.support.system_column (table_oid UINTEGER, number SMALLINT, \
         name VARCHAR, type_oid UINTEGER);\n\
         INSERT INTO teatree_system.support.system_column\n\
         SELECT c.table_oid, c.number, c.name, coalesce(t.oid, 25) FROM (VALUES\n{}\n) \
         c(table_oid, number, name, typname)\n\
         LEFT JOIN teatree_system.support.builtin_type t ON t.typname = c.typname;\n",
        rows.join(",\n")
    )
}

/// The relations that have no rows here: no SQL file defines them.
pub(super) fn empty_sql() -> String {
    let defined = defined_relations();
    let mut sql = String::new();
    for relation in RELATIONS.iter() {
        let schema = duckdb_schema(relation.schema);
        if defined.contains(&(schema, relation.name)) {
            continue;
        }
        let columns: Vec<_> =
            relation.columns.iter().map(|(n, t)| format!("\"{n}\" {}", duckdb_type(t))).collect();
        let _ = writeln!(
            sql,
            "CREATE TABLE teatree_system.{schema}.{} ({});",
            relation.name,
            columns.join(", ")
        );
    }
    sql
}

/// The relations that the SQL files define, by DuckDB's schema and name.
fn defined_relations() -> HashSet<(&'static str, &'static str)> {
    let mut defined = HashSet::new();
    for (_, text) in FILES {
        for start in ["CREATE VIEW teatree_system.", "CREATE TABLE teatree_system."] {
            for rest in text.split(start).skip(1) {
                let name = rest.split([' ', '(', '\n']).next().unwrap_or_default();
                defined.extend(name.split_once('.'));
            }
        }
    }
    defined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_and_the_sql_agree() {
        for (schema, name) in defined_relations() {
            if schema == "support" {
                continue;
            }
            let found = BY_NAME.values().any(|r| r.schema == schema && r.name == name);
            assert!(found, "{schema}.{name} is defined but not listed");
        }
        assert!(RELATIONS.len() > 150);
        for name in TEATREE {
            assert!(defined_relations().contains(&("teatree", name)), "{name}");
        }
    }

    #[test]
    fn finds_relations_and_functions() {
        let class = is_system_relation(None, "pg_class").unwrap();
        assert_eq!((class.schema, class.oid), ("pg", 1259));
        assert!(is_system_relation(None, "columns").is_none());
        assert!(is_system_relation(Some("information_schema"), "columns").is_some());
        assert!(is_system_relation(Some("public"), "pg_class").is_none());
        assert!(Catalog.has_function("format_type"));
        assert!(!Catalog.has_function("upper"));
    }

    #[test]
    fn columns_have_postgresql_types() {
        let class = system_columns(None, "pg_class").unwrap();
        assert!(
            class.contains(&("relkind", PgType::CHAR)) && class.contains(&("oid", PgType::OID))
        );
        let index = system_columns(Some("pg_catalog"), "pg_index").unwrap();
        assert!(index.contains(&("indkey", PgType::INT2VECTOR)));
        assert!(system_columns(Some("public"), "pg_class").is_none());
    }

    #[test]
    fn empty_relations_have_columns() {
        let sql = empty_sql();
        assert!(sql.contains("CREATE TABLE teatree_system.pg.pg_policy (\"oid\" UINTEGER"));
        assert!(!sql.contains("teatree_system.pg.pg_class "));
    }
}
