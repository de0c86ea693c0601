//! The configuration: flags over `TEATREE_*` variables over a TOML file over defaults.
//!
//! Every bound of the server has its name here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $env:literal, $shown:literal;)*) => {
        /// The settings of one server, complete.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Self {
                Config { $($name: $default,)* }
            }
        }

        /// The same settings as given by flags and variables: those that are absent stay open.
        #[derive(Args, Clone, Debug, Default, Serialize)]
        pub struct ConfigFlags {
            $(
                $(#[doc = $doc])+
                #[arg(long, env = $env, help = concat!($($doc,)+ " [default: ", $shown, "]"))]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }
    };
}

/// A value that may be absent, as `--http off` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Endpoint {
    Off,
    At(SocketAddr),
}

impl std::str::FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Endpoint::Off);
        }
        text.parse()
            .map(Endpoint::At)
            .map_err(|_| format!("\"{text}\" is neither ADDR:PORT nor off"))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::Off => "off".to_owned(),
            Endpoint::At(address) => address.to_string(),
        }
    }
}

settings! {
    /// Folder of everything the server keeps: data file, datasets, log, versions, inbox.
    data_dir: PathBuf = PathBuf::from("teatree-data"), "TEATREE_DATA_DIR", "teatree-data";
    /// Where PostgreSQL clients connect; loopback only until there is authentication.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 5432)), "TEATREE_LISTEN", "127.0.0.1:5432";
    /// Where published versions are served over HTTP, and uploads taken, or off.
    http: Endpoint = Endpoint::Off, "TEATREE_HTTP", "off";
    /// The name of the one database.
    database: String = "postgres".to_owned(), "TEATREE_DATABASE", "postgres";
    /// OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318; empty for none.
    otlp_endpoint: String = String::new(), "TEATREE_OTLP_ENDPOINT", "none";
    /// Log lines as text or json.
    log_format: LogFormat = LogFormat::Text, "TEATREE_LOG_FORMAT", "text";
    /// Opens a damaged intent log with what lies before the damage, and gives up the rest.
    salvage_log: bool = false, "TEATREE_SALVAGE_LOG", "false";
    /// Allows settings that are for tests of the server itself, such as fail_points.
    debug: bool = false, "TEATREE_DEBUG", "false";
    /// Places where the server crashes or fails, such as log_after_write=crash:3; for tests.
    fail_points: String = String::new(), "TEATREE_FAIL_POINTS", "none";
    /// Client connections at once; one more gets 53300.
    connections_max: usize = 1000, "TEATREE_CONNECTIONS_MAX", "1000";
    /// Reads that DuckDB runs at once; more wait.
    reads_max: usize = 16, "TEATREE_READS_MAX", "16";
    /// Threads of DuckDB; 0 for one a core.
    duckdb_threads: usize = 0, "TEATREE_DUCKDB_THREADS", "one a core";
    /// Memory of DuckDB, in MiB; 0 for half of the machine's.
    duckdb_memory_mib: usize = 0, "TEATREE_DUCKDB_MEMORY_MIB", "half of the machine";
    /// Memory of DataFusion's operators, in MiB.
    datafusion_memory_mib: usize = 1024, "TEATREE_DATAFUSION_MEMORY_MIB", "1024";
    /// Memory of the rows that one call of an algorithm reads, in MiB.
    algorithm_memory_mib: usize = 1024, "TEATREE_ALGORITHM_MEMORY_MIB", "1024";
    /// Disk that one engine may use to spill, in MiB.
    spill_max_mib: usize = 10_240, "TEATREE_SPILL_MAX_MIB", "10240";
    /// Default statement_timeout of a session, in milliseconds; 0 for none.
    statement_timeout_ms: u64 = 0, "TEATREE_STATEMENT_TIMEOUT_MS", "0";
    /// Intents accepted and not applied; past it writers wait.
    queue_intents_max: usize = 10_000, "TEATREE_QUEUE_INTENTS_MAX", "10000";
    /// Bytes of intents accepted and not applied; past it writers wait.
    queue_bytes_max: usize = 256 << 20, "TEATREE_QUEUE_BYTES_MAX", "268435456";
    /// How long a writer waits for room in the queue before 53400, in milliseconds.
    queue_wait_ms: u64 = 10_000, "TEATREE_QUEUE_WAIT_MS", "10000";
    /// How long acknowledged rows may wait to be committed with more, unless a read waits for
    /// them, in milliseconds.
    apply_delay_ms: u64 = 40, "TEATREE_APPLY_DELAY_MS", "40";
    /// Longest wait of teatree.wait_for_intent, in milliseconds.
    intent_wait_max_ms: u64 = 60_000, "TEATREE_INTENT_WAIT_MAX_MS", "60000";
    /// Intents kept as history after their end; age and bytes bound it as well.
    history_intents_max: u64 = 100_000, "TEATREE_HISTORY_INTENTS_MAX", "100000";
    /// Bytes of history: heads and outcomes, and bodies of failed intents.
    history_bytes_max: u64 = 1 << 30, "TEATREE_HISTORY_BYTES_MAX", "1073741824";
    /// How long intents stay in the history after their end, in milliseconds.
    history_max_age_ms: u64 = 604_800_000, "TEATREE_HISTORY_MAX_AGE_MS", "604800000";
    /// Bytes of staged files kept for failed intents of the history, so that they can be retried.
    failed_staged_bytes_max: u64 = 1 << 30, "TEATREE_FAILED_STAGED_BYTES_MAX", "1073741824";
    /// How long an idempotency key is remembered, in milliseconds.
    idempotency_ttl_ms: u64 = 86_400_000, "TEATREE_IDEMPOTENCY_TTL_MS", "86400000";
    /// Idempotency keys remembered; past it a write with a new one gets 53400.
    idempotency_keys_max: u64 = 1_000_000, "TEATREE_IDEMPOTENCY_KEYS_MAX", "1000000";
    /// Bytes of result rows kept with one idempotency key for its repeats.
    idempotency_result_bytes_max: usize = 16 << 10, "TEATREE_IDEMPOTENCY_RESULT_BYTES_MAX", "16384";
    /// Prepared statements of one session.
    statements_max: usize = 10_000, "TEATREE_STATEMENTS_MAX", "10000";
    /// Open portals of one session.
    portals_max: usize = 100, "TEATREE_PORTALS_MAX", "100";
    /// Rows that RETURNING or CALL may give back.
    outcome_rows_max: usize = 1_000_000, "TEATREE_OUTCOME_ROWS_MAX", "1000000";
    /// Idle time of a transaction that has written before its session ends, in ms; 0 for none.
    /// The setting idle_in_transaction_session_timeout comes first.
    writer_idle_ms: u64 = 60_000, "TEATREE_WRITER_IDLE_MS", "60000";
    /// Bytes of a transaction's writes that are kept for ROLLBACK TO SAVEPOINT.
    savepoint_bytes_max: usize = 256 << 20, "TEATREE_SAVEPOINT_BYTES_MAX", "268435456";
    /// Autocommit writes that may wait for another session's transaction; one more gets 53400.
    parked_intents_max: usize = 1000, "TEATREE_PARKED_INTENTS_MAX", "1000";
    /// Bytes of rows that open portals keep when another statement of their transaction runs.
    portal_bytes_max: usize = 64 << 20, "TEATREE_PORTAL_BYTES_MAX", "67108864";
    /// Staged rows of at least so many bytes are appended beside the stream of other writes.
    bulk_bytes_min: u64 = 4 << 20, "TEATREE_BULK_BYTES_MIN", "4194304";
    /// How often the inbox is looked through, in milliseconds; files that appear wake it, too.
    ingest_poll_ms: u64 = 1000, "TEATREE_INGEST_POLL_MS", "1000";
    /// How long a file that was not moved into the inbox must stay as it is, in milliseconds.
    ingest_settle_ms: u64 = 1000, "TEATREE_INGEST_SETTLE_MS", "1000";
    /// Files of the inbox that are read at once, each for another table.
    ingest_files_max: usize = 2, "TEATREE_INGEST_FILES_MAX", "2";
    /// How often a file that cannot be read is tried before it is put aside.
    ingest_tries_max: u32 = 5, "TEATREE_INGEST_TRIES_MAX", "5";
    /// Rows of one file or upload that may be put aside; with more all of it fails.
    ingest_rejects_max: usize = 1000, "TEATREE_INGEST_REJECTS_MAX", "1000";
    /// Bytes of those rows.
    ingest_rejects_bytes_max: usize = 4 << 20, "TEATREE_INGEST_REJECTS_BYTES_MAX", "4194304";
    /// Bytes of ingested files that inbox/.done keeps, the latest; 0 deletes them at once.
    ingest_done_bytes_max: u64 = 1 << 30, "TEATREE_INGEST_DONE_BYTES_MAX", "1073741824";
    /// Uploads at once; one more gets 429.
    ingest_uploads_max: usize = 16, "TEATREE_INGEST_UPLOADS_MAX", "16";
    /// Bytes of one upload; a larger one gets 413.
    ingest_upload_bytes_max: u64 = 1 << 30, "TEATREE_INGEST_UPLOAD_BYTES_MAX", "1073741824";
    /// How long an upload may take, in milliseconds; a slower one gets 408.
    ingest_upload_max_ms: u64 = 300_000, "TEATREE_INGEST_UPLOAD_MAX_MS", "300000";
    /// Time between SIGTERM and the cancelling of what still runs, in milliseconds.
    shutdown_grace_ms: u64 = 5_000, "TEATREE_SHUTDOWN_GRACE_MS", "5000";
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Joins the file, if one is named, and the flags over the defaults, and checks the result.
    ///
    /// # Errors
    /// 22023 with the setting's name when a value cannot be used.
    pub fn load(file: Option<&PathBuf>, flags: &ConfigFlags) -> Result<Config> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(file) = file {
            if !file.exists() {
                return Err(invalid(format!(
                    "configuration file {} does not exist",
                    file.display()
                )));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Config = figment
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| invalid(format!("configuration: {error}")))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let reserved = ["system", "temp", "main", "memory", "teatree_system", "teatree_kept"];
        if self.database.is_empty()
            || self.database.len() > 63
            || !self.database.chars().all(plain)
            || reserved.contains(&self.database.as_str())
            || self.database.starts_with("teatree_own_")
        {
            return Err(invalid(format!(
                "database name \"{}\" cannot be used: give lower-case letters, digits and _, and none of {}",
                self.database,
                reserved.join(", ")
            )));
        }
        if !self.fail_points.is_empty() && !self.debug {
            return Err(invalid("fail_points makes the server fail".to_owned())
                .with_hint("It is for tests: start with --debug true to have it all the same."));
        }
        let mut addresses = vec![("listen", self.listen)];
        if let Endpoint::At(address) = self.http {
            addresses.push(("http", address));
        }
        for (name, address) in addresses {
            if !address.ip().is_loopback() {
                return Err(invalid(format!(
                    "{name} {address} is refused: there is no authentication yet, so only loopback is safe"
                )));
            }
        }
        let bounds = [
            ("connections_max", self.connections_max),
            ("reads_max", self.reads_max),
            ("queue_intents_max", self.queue_intents_max),
            ("portals_max", self.portals_max),
            ("statements_max", self.statements_max),
            ("ingest_files_max", self.ingest_files_max),
            ("ingest_uploads_max", self.ingest_uploads_max),
        ];
        for (name, value) in bounds {
            if value == 0 {
                return Err(invalid(format!("{name} must be at least 1")));
            }
        }
        Ok(())
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("teatree.toml");
        std::fs::write(&file, "database = \"shop\"\nreads_max = 3\nhttp = \"127.0.0.1:8080\"\n")
            .unwrap();
        let flags = ConfigFlags { reads_max: Some(5), ..ConfigFlags::default() };
        let config = Config::load(Some(&file), &flags).unwrap();
        assert_eq!(
            (config.database.as_str(), config.reads_max, config.portals_max),
            ("shop", 5, 100)
        );
        assert_eq!(config.http, Endpoint::At("127.0.0.1:8080".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_name() {
        let far =
            ConfigFlags { listen: Some("0.0.0.0:5432".parse().unwrap()), ..ConfigFlags::default() };
        assert!(Config::load(None, &far).unwrap_err().message().contains("authentication"));
        let name = ConfigFlags { database: Some("../x".into()), ..ConfigFlags::default() };
        assert!(Config::load(None, &name).unwrap_err().message().contains("../x"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("teatree.toml");
        std::fs::write(&file, "portals = 3\n").unwrap();
        assert!(
            Config::load(Some(&file), &ConfigFlags::default())
                .unwrap_err()
                .message()
                .contains("portals")
        );
    }
}
