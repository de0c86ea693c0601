//! The catalogue's kept copy: what follows from the definitions alone, in tables.
//!
//! The views of `teatree_system` are computed from DuckDB's lists each time. The copy,
//! `teatree_kept`, is made of the same SQL: the lists are tables there (`lists.rs`), a view that
//! depends on them is a table, too, and what depends on the session (its search path) stays a view
//! or a macro, over those tables. Who makes the tables says for which state of the definitions they
//! are good.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::FILES;
use super::lists::{LISTS, List};

/// The attached in-memory database that holds the copy.
pub const KEPT_DATABASE: &str = "teatree_kept";
/// Those for copies of what single sessions see: their own transactions, or temporary tables.
pub const OWN_DATABASES: [&str; 4] =
    ["teatree_own_1", "teatree_own_2", "teatree_own_3", "teatree_own_4"];
const LIVE_DATABASE: &str = "teatree_system";

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

/// Two tables in one, of which one never changes: not copied together.
const UNITED: [&str; 2] = ["pg.pg_attribute", "pg.pg_description"];

/// What a session's own settings decide is not put into tables.
const OF_SESSION: &str = "current_schemas(";

/// The place of an object in [`kept`].
pub type KeptId = usize;

/// What an object of the copy is.
#[derive(Debug, PartialEq, Eq)]
pub enum KeptKind {
    /// One of the lists that all else is made of, as it was read: its rows grow old.
    List {
        /// The query whose one text says whether the rows are others now; `None` where it costs as
        /// much as to read the rows: then they are read at once, and the state is asked of them.
        state: Option<String>,
    },
    /// A table of rows that follow from those of others.
    Rows,
    /// A view or a macro, which is made once.
    Named,
}

/// Where a copy is, and of which database's objects.
#[derive(Clone, Debug)]
pub struct KeptPlace {
    /// The copy's database.
    pub copy: &'static str,
    /// The data file's.
    pub data: String,
}

impl KeptPlace {
    /// Writes a statement of the copy's for this place. DuckDB plans a prepared statement anew at
    /// every run when it asks for the current database.
    pub fn text(&self, sql: &str) -> String {
        let data = format!("'{}'", self.data.replace('\'', "''"));
        in_copy(&sql.replace("current_database()", &data), self.copy)
    }
}

/// Points what names the copy at another one.
fn in_copy(sql: &str, copy: &str) -> String {
    sql.replace(&format!("{KEPT_DATABASE}."), &format!("{copy}."))
}

/// An object of the copy.
#[derive(Debug)]
pub struct KeptObject {
    pub kind: KeptKind,
    /// The object's name, in full.
    pub name: String,
    /// What follows `CREATE OR REPLACE`: the kind of the object, its name, its body.
    made_as: String,
    /// The query of a table's rows.
    rows: String,
    /// The objects it is made of; all of them stand before it.
    pub needs: Vec<KeptId>,
}

impl KeptObject {
    /// The statement that makes it, in the place of what was there.
    pub fn create_sql(&self, place: &KeptPlace) -> String {
        let made_as = match self.kind {
            KeptKind::Named => in_copy(&self.made_as, place.copy),
            KeptKind::List { .. } | KeptKind::Rows => place.text(&self.made_as),
        };
        format!("CREATE OR REPLACE {made_as}")
    }

    /// The statement that fills an empty table.
    pub fn fill_sql(&self, place: &KeptPlace) -> String {
        place.text(&format!("INSERT INTO {} {}", self.name, self.rows))
    }

    /// The query of a list's rows where they come from.
    pub fn rows_sql(&self, place: &KeptPlace) -> String {
        place.text(&self.rows)
    }

    /// The query whose one text says whether a table has other rows now.
    pub fn state_sql(&self, place: &KeptPlace) -> String {
        place.text(&List::state_of(&self.name))
    }
}

/// The copy's objects, in the order in which they can be made.
#[derive(Debug)]
pub struct KeptCatalog {
    objects: Vec<KeptObject>,
    by_name: HashMap<&'static str, KeptId>,
    /// What is not kept though definitions show in it, or may.
    moving: HashSet<&'static str>,
}

impl KeptCatalog {
    /// Finds an object by its schema and name within the database.
    pub fn find(&self, schema: &str, name: &str) -> Option<KeptId> {
        self.by_name.get(format!("{schema}.{name}").as_str()).copied()
    }

    /// Tells whether something is computed from the lists each time.
    pub fn is_moving(&self, schema: &str, name: &str) -> bool {
        self.moving.contains(format!("{schema}.{name}").as_str())
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

/// The schemas that a copy needs.
pub fn kept_schemas_sql(copy: &str) -> String {
    let names = ["lists", "support", "pg", "information"];
    names.iter().map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {copy}.{schema};")).collect()
}

/// The copy's objects, read from the SQL files.
pub fn kept() -> &'static KeptCatalog {
    static KEPT: LazyLock<KeptCatalog> = LazyLock::new(|| read(&FILES));
    &KEPT
}

fn read(files: &[(&str, &'static str)]) -> KeptCatalog {
    let objects = LISTS.iter().map(list_object).collect();
    // What is built upon something that moves, moves too.
    let mut catalog = KeptCatalog { objects, by_name: HashMap::new(), moving: MOVING.into() };
    for statement in files.iter().flat_map(|(_, text)| text.split(";\n")) {
        let Some((kind, name, body)) = definition(statement) else { continue };
        let named = names_in(body);
        let moves = |name| catalog.moving.contains(name);
        if moves(name) || named.iter().any(|(_, name)| moves(name)) {
            catalog.moving.insert(name);
            continue;
        }
        let lists = LISTS.iter().enumerate().filter(|(_, list)| body.contains(list.source));
        let needs: Vec<KeptId> = lists
            .map(|(id, _)| id)
            .chain(named.iter().filter_map(|(_, name)| catalog.by_name.get(name).copied()))
            .collect();
        if needs.is_empty() {
            continue;
        }
        let has_rows = kind == "VIEW"
            && !body.contains(OF_SESSION)
            && !name.starts_with("support.lookup_")
            && !UNITED.contains(&name);
        let body = renamed(body, &named, &catalog.by_name);
        let body = LISTS.iter().fold(body, |body, list| {
            body.replace(list.source, &format!("{KEPT_DATABASE}.lists.{}", list.table))
        });
        let kind = if has_rows { "TABLE" } else { kind };
        let full = format!("{KEPT_DATABASE}.{name}");
        catalog.by_name.insert(name, catalog.objects.len());
        catalog.objects.push(KeptObject {
            kind: if has_rows { KeptKind::Rows } else { KeptKind::Named },
            made_as: format!("{kind} {full}{body}"),
            rows: body.trim_start_matches(" AS").to_owned(),
            name: full,
            needs,
        });
    }
    catalog
}

fn list_object(list: &List) -> KeptObject {
    let name = format!("{KEPT_DATABASE}.lists.{}", list.table);
    let rows = list.rows();
    let state = list.told_by.is_some().then(|| list.state());
    KeptObject {
        kind: KeptKind::List { state },
        made_as: format!("TABLE {name} AS {rows}"),
        rows,
        name,
        needs: Vec::new(),
    }
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
        assert_eq!(object.kind, KeptKind::Rows);
        let place = KeptPlace { copy: KEPT_DATABASE, data: "a'b".to_owned() };
        let sql = object.create_sql(&place);
        assert!(sql.starts_with("CREATE OR REPLACE TABLE teatree_kept.pg.pg_class AS"));
        assert!(sql.contains("FROM teatree_kept.support.user_relation"));
        assert!(sql.contains("FROM teatree_system.support.system_relation"));
        assert!(
            object.fill_sql(&place).starts_with("INSERT INTO teatree_kept.pg.pg_class \nSELECT")
        );
        let order = kept().with_needs(&[class]);
        assert_eq!(order.last(), Some(&class));
        let constraint = kept().find("support", "raw_constraint").unwrap();
        assert!(order.contains(&constraint));
        let constraint = kept().objects()[constraint].create_sql(&place);
        assert!(constraint.contains("FROM teatree_kept.lists.constraints\n"));
        let list = LISTS.iter().position(|list| list.table == "constraints").unwrap();
        assert!(order.contains(&list));
        let list = kept().objects()[list].create_sql(&place);
        assert!(list.contains("FROM duckdb_constraints() WHERE database_name IN ('a''b', 'temp')"));
    }

    #[test]
    fn what_a_session_decides_stays_a_view() {
        let lookup = kept().find("support", "lookup_relation").unwrap();
        assert_eq!(kept().objects()[lookup].kind, KeptKind::Named);
        let visible = kept().find("pg", "pg_table_is_visible").unwrap();
        let place = KeptPlace { copy: "teatree_own_1", data: "d".to_owned() };
        let sql = kept().objects()[visible].create_sql(&place);
        assert!(sql.starts_with("CREATE OR REPLACE MACRO teatree_own_1.pg."));
        assert!(!sql.contains(KEPT_DATABASE), "{sql}");
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
        assert!(kept().is_moving("pg", "pg_proc"));
        assert!(!kept().is_moving("pg", "pg_class"));
    }
}
