//! The lists that definitions show in: DuckDB's own, the server's tables of what DuckDB has no
//! place for, and the datasets.

/// What most lists have of each object and nobody reads.
const ALL_BUT_TAGS: &str = "* EXCLUDE (tags)";

/// A list, and how it is read into the catalogue's kept copy.
pub(super) struct List {
    /// How the catalogue's SQL names it.
    pub(super) source: &'static str,
    /// Its table in the copy.
    pub(super) table: &'static str,
    columns: &'static str,
    /// Whether it has the objects of other databases, too.
    is_duckdbs: bool,
    /// The columns that tell whether a row is another now; `None` where all that is known of a row
    /// costs as much as these.
    pub(super) told_by: Option<&'static str>,
}

impl List {
    const fn of_duckdb(source: &'static str, table: &'static str) -> List {
        List { source, table, columns: ALL_BUT_TAGS, is_duckdbs: true, told_by: None }
    }

    const fn of_server(source: &'static str, table: &'static str) -> List {
        List { source, table, columns: "*", is_duckdbs: false, told_by: Some("*") }
    }

    const fn told_by(self, columns: &'static str) -> List {
        List { told_by: Some(columns), ..self }
    }

    const fn untagged(self) -> List {
        List { columns: "*", ..self }
    }

    /// The query of its rows.
    pub(super) fn rows(&self) -> String {
        self.select(self.columns)
    }

    /// The query whose one text says whether the rows are others now.
    pub(super) fn state(&self) -> String {
        List::state_of(&format!("({})", self.select(self.told_by.unwrap_or(self.columns))))
    }

    /// The same for any rows.
    pub(super) fn state_of(rows: &str) -> String {
        format!(
            "SELECT concat(count(*), ' ', sum(hash(listed)), ' ', bit_xor(hash(listed))) \
             FROM {rows} AS listed"
        )
    }

    fn select(&self, columns: &str) -> String {
        let of_here = if self.is_duckdbs {
            " WHERE database_name IN (current_database(), 'temp')"
        } else {
            ""
        };
        format!("SELECT {columns} FROM {}{of_here}", self.source)
    }
}

pub(super) const LISTS: [List; 14] = [
    List::of_duckdb("duckdb_tables()", "tables"),
    List::of_duckdb("duckdb_columns()", "columns").untagged(),
    List::of_duckdb("duckdb_constraints()", "constraints").untagged(),
    List::of_duckdb("duckdb_indexes()", "indexes"),
    // To write a view's text takes DuckDB long; it has another number when it has another text.
    List::of_duckdb("duckdb_views()", "views").told_by("* EXCLUDE (tags, sql, is_bound)"),
    // Where a sequence has come to is asked past the copy.
    List::of_duckdb("duckdb_sequences()", "sequences").told_by("* EXCLUDE (tags, last_value)"),
    List::of_duckdb("duckdb_schemas()", "schemas").told_by("* EXCLUDE (tags, sql)"),
    List::of_duckdb("duckdb_types()", "types").told_by(ALL_BUT_TAGS),
    List::of_server("teatree_datasets()", "datasets"),
    List::of_server("teatree_dataset_columns()", "dataset_columns"),
    List::of_server("teatree_system.support.routine", "routines"),
    List::of_server("teatree_system.support.user_trigger", "triggers"),
    List::of_server("teatree_system.support.user_foreign_key", "foreign_keys"),
    List::of_server("teatree_system.support.object_fact", "facts"),
];
