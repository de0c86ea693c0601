//! The one DuckDB instance of a server.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::capi::{Connection, Database, QueryResult};
use super::deliveries;
use super::facts;
use super::foreign_keys;
use super::functions;
use super::kept::KeptCopy;
use super::own_catalog::OwnCopies;
use super::reader::Idle;
use super::replay::replay;
use super::routines;
use super::system_functions::{self, SystemFunction};
use super::system_tables::{self, SystemTable};
use super::triggers;
use super::write_connection::WriteConnection;
use crate::catalog::{self, KeptPlace};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::quote_ident;
use crate::types::Value;

/// What the instance is opened with.
#[derive(Clone, Debug)]
pub struct DuckDbOptions {
    /// The data file; its stem is the database's name.
    pub file: PathBuf,
    /// Where DuckDB may spill.
    pub spill_dir: PathBuf,
    /// The folders that statements of the server itself may read files from, and write them to.
    pub usable_dirs: Vec<PathBuf>,
    pub threads: usize,
    pub memory_mib: usize,
    pub spill_max_mib: usize,
    /// Reads that run at once; more wait.
    pub reads_max: usize,
}

impl DuckDbOptions {
    /// Takes the options from the configuration; paths are below the data folder.
    pub fn new(config: &Config) -> DuckDbOptions {
        let dir = &config.data_dir;
        DuckDbOptions {
            file: dir.join(format!("{}.duckdb", config.database)),
            spill_dir: dir.join("spill").join("duckdb"),
            usable_dirs: vec![dir.join("inbox"), dir.join("outbox")],
            threads: config.duckdb_threads,
            memory_mib: config.duckdb_memory_mib,
            spill_max_mib: config.spill_max_mib,
            reads_max: config.reads_max,
        }
    }

    /// The name of the data file's database.
    fn database(&self) -> String {
        self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn place(&self, copy: &'static str) -> KeptPlace {
        KeptPlace { copy, data: self.database() }
    }

    /// The SQL that closes the file system to statements. It cannot be undone while the instance
    /// runs; lists are no settings that DuckDB takes at opening.
    fn closing_sql(&self) -> String {
        let dirs: Vec<String> = self
            .usable_dirs
            .iter()
            .map(|dir| format!("'{}'", dir.to_string_lossy().replace('\'', "''")))
            .collect();
        format!(
            "SET GLOBAL allowed_directories = [{}]; SET GLOBAL enable_external_access = false",
            dirs.join(", ")
        )
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("autoinstall_known_extensions", "false".to_owned()),
            ("autoload_known_extensions", "false".to_owned()),
            ("allow_community_extensions", "false".to_owned()),
            ("temp_directory", self.spill_dir.to_string_lossy().into_owned()),
            ("max_temp_directory_size", format!("{}MiB", self.spill_max_mib)),
            ("integer_division", "true".to_owned()),
            ("default_null_order", "postgres".to_owned()),
        ];
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = if self.threads > 0 { self.threads } else { cores() };
        settings.push(("threads", threads.to_string()));
        let memory_mib = if self.memory_mib > 0 { self.memory_mib } else { half_of_memory_mib() };
        settings.push(("memory_limit", format!("{memory_mib}MiB")));
        settings
    }
}

/// Half of what this process may use: the machine's memory, or its container's limit.
fn half_of_memory_mib() -> usize {
    let machine = rustix::system::sysinfo();
    let machine = u64::from(machine.mem_unit.max(1)).saturating_mul(machine.totalram);
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|limit| limit.trim().parse::<u64>().ok());
    let bytes = container.map_or(machine, |limit| limit.min(machine));
    usize::try_from(bytes / 2 / (1 << 20)).unwrap_or(1024).max(256)
}

/// The instance, shared by all sessions and the Writer.
pub struct DuckDb {
    pub(super) database: Database,
    pub(super) idle: Mutex<Vec<Idle>>,
    pub(super) slots: Arc<Semaphore>,
    /// Shared by the connections of the pool that are in use.
    pub(super) counted: Arc<()>,
    pub(super) reads_max: usize,
    pub(super) kept: KeptCopy,
    pub(super) own: OwnCopies,
    pub(super) place: KeptPlace,
    file: PathBuf,
    /// What functions read values of any type by.
    _renderer: Mutex<Connection>,
}

impl std::fmt::Debug for DuckDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DuckDb").field("file", &self.file).finish_non_exhaustive()
    }
}

impl DuckDb {
    /// Opens or creates the data file, with the tables that the server computes and the functions
    /// that act on sessions, and builds the system catalog over them in an attached in-memory
    /// database, so that the data file holds nothing but the users' tables and the applied
    /// IntentSeq.
    ///
    /// # Errors
    /// 58030 when the file cannot be opened, for instance because another process holds it.
    pub fn open(
        options: &DuckDbOptions,
        tables: Vec<SystemTable>,
        system_functions: Vec<SystemFunction>,
    ) -> Result<DuckDb> {
        replay(&options.file, &options.settings())?;
        let database = Database::open(&options.file, &options.settings())?;
        system_tables::register(&database, tables)?;
        let renderer = functions::register(&database)?;
        system_functions::register(&database, system_functions)?;
        let mut connection = database.connect()?;
        let system = ["teatree_system", catalog::KEPT_DATABASE];
        for name in system.into_iter().chain(catalog::OWN_DATABASES) {
            connection.execute(&format!("ATTACH ':memory:' AS {name}"))?;
        }
        connection.execute(&options.closing_sql())?;
        routines::prepare(&mut connection, &options.database())?;
        connection.execute(catalog::own_tables_sql())?;
        triggers::prepare(&mut connection, &options.database())?;
        deliveries::prepare(&mut connection)?;
        foreign_keys::prepare(&mut connection, &options.database())?;
        facts::prepare(&mut connection, &options.database())?;
        for (name, sql) in catalog::system_sql() {
            connection
                .execute(sql)
                .map_err(|error| Error::internal(format!("system catalog, {name}: {error}")))?;
        }
        Ok(DuckDb {
            kept: KeptCopy::new(database.connect()?, options.place(catalog::KEPT_DATABASE))?,
            own: OwnCopies::default(),
            place: options.place(catalog::KEPT_DATABASE),
            _renderer: Mutex::new(renderer),
            database,
            idle: Mutex::new(Vec::new()),
            slots: Arc::new(Semaphore::new(options.reads_max)),
            counted: Arc::default(),
            reads_max: options.reads_max,
            file: options.file.clone(),
        })
    }

    /// Returns the data file's path.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Tells whether DuckDB has invalidated the instance: an error of that type has come, and a
    /// new connection meets it, too. Blocks for a moment then, and costs nothing else.
    pub fn is_invalidated(&self) -> bool {
        if !super::error::take_fatal() {
            return false;
        }
        let probed = self.database.connect().and_then(|mut one| one.execute("SELECT 1"));
        probed.is_err() && super::error::take_fatal()
    }

    /// Returns what tells whether the data file is still open in this process.
    pub fn watch(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        self.database.watch()
    }

    /// Counts the transactions of sessions that are open now, of single reads, too. The Writer's
    /// own are not among them, nor are those in which the server looks something up.
    pub fn transactions(&self) -> usize {
        Arc::strong_count(&self.counted) - 1
    }

    /// Opens a connection that looks definitions up beside the Writer's, and writes nothing.
    pub fn lookup_connection(&self) -> Result<WriteConnection> {
        let mut idle = Idle::new(self.database.connect()?);
        Ok(WriteConnection::on(&mut idle))
    }

    /// Opens a connection for the Writer.
    pub fn write_connection(&self) -> Result<WriteConnection> {
        WriteConnection::new(self.database.connect()?)
    }
}

/// Opens a DuckDB file that nobody else has open, and writes what is in its write-ahead log into
/// it.
///
/// # Errors
/// What DuckDB says when the file cannot be opened or written.
pub fn settle_file(file: &Path) -> Result<()> {
    replay(file, &[])
}

/// Opens a DuckDB file that nobody else has open, read-only, and counts its tables' rows: the
/// check that a version can be opened.
///
/// # Errors
/// What DuckDB says when the file cannot be opened or read.
pub fn inspect_file(file: &Path) -> Result<Vec<(TableName, u64)>> {
    let settings = [("access_mode", "READ_ONLY".to_owned())];
    let mut connection = Database::open(file, &settings)?.connect()?;
    let names = text_rows(
        &mut connection,
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL",
    )?;
    let mut counts = Vec::new();
    for row in names {
        let [schema, table] = row.as_slice() else { continue };
        let sql =
            format!("SELECT count(*)::varchar FROM {}.{}", quote_ident(schema), quote_ident(table));
        let rows = text_rows(&mut connection, &sql)?;
        let count = rows.first().and_then(|row| row.first()).and_then(|n| n.parse().ok());
        let schema = if schema == "main" { "public" } else { schema };
        counts.push((TableName::new(schema, table.clone()), count.unwrap_or(0)));
    }
    Ok(counts)
}

/// Lists the schemas of the data file, in PostgreSQL's words.
pub(super) fn schemas(connection: &mut Connection) -> Result<Vec<String>> {
    let rows = text_rows(
        connection,
        "SELECT schema_name FROM duckdb_schemas()
         WHERE database_name = current_database() AND schema_name NOT IN ('teatree', 'teatree_internal')",
    )?;
    let names = rows.into_iter().flatten();
    Ok(names.map(|name| if name == "main" { "public".to_owned() } else { name }).collect())
}

/// Runs a small query of our own whose columns are all text.
pub(super) fn text_rows(connection: &mut Connection, sql: &str) -> Result<Vec<Vec<String>>> {
    text_rows_with(connection, sql, &[])
}

/// Runs a small query of our own, with parameters, whose columns are all text.
pub(super) fn text_rows_with(
    connection: &mut Connection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Vec<String>>> {
    let mut prepared = connection.prepare(sql)?;
    prepared.bind(params)?;
    text_rows_of(&mut prepared.run(false)?)
}

/// Reads all rows of a result whose columns are text; NULL is empty text.
pub(super) fn text_rows_of(result: &mut QueryResult) -> Result<Vec<Vec<String>>> {
    use arrow::array::{Array, AsArray};
    let mut rows = Vec::new();
    while let Some(batch) = result.fetch()? {
        let columns: Option<Vec<_>> =
            batch.columns().iter().map(|column| column.as_string_opt::<i32>()).collect();
        let columns =
            columns.ok_or_else(|| Error::internal("a system query's column is no text"))?;
        for row in 0..batch.num_rows() {
            let text = |column: &&arrow::array::StringArray| {
                if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
            };
            rows.push(columns.iter().map(text).collect());
        }
    }
    Ok(rows)
}
