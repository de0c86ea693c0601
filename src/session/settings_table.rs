//! The table of settings: names, defaults, and which values each may have. PostgreSQL's own come
//! with PostgreSQL's names; Teatree's begin with `teatree.`. Those that change nothing here are in
//! `settings_accepted.rs`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::settings_accepted::ACCEPTED;
use crate::intent::KEY_BYTES_MAX;
use crate::types::IntervalStyle;

/// How a setting's value is checked and written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// Text of so many bytes at most.
    TextMax(usize),
    Bool,
    /// Milliseconds, or a number with a unit.
    Time,
    Int(i64, i64),
    Enum(&'static [&'static str]),
    TimeZone,
    DateStyle,
    Encoding,
    /// Cannot be changed.
    ReadOnly,
}

/// A setting that exists.
pub(super) struct Spec {
    /// As SHOW and ParameterStatus spell it.
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) kind: Kind,
    /// Told to the client at start and whenever it changes.
    pub(super) reported: bool,
    pub(super) about: &'static str,
}

pub(super) const fn spec(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    about: &'static str,
) -> Spec {
    Spec { name, default, kind, reported: false, about }
}

const fn told(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Spec {
    Spec { name, default, kind, reported: true, about }
}

/// The version of PostgreSQL that clients are told.
pub const SERVER_VERSION: &str = "15.0";

const ISOLATION: Kind =
    Kind::Enum(&["read committed", "read uncommitted", "repeatable read", "serializable"]);
const LEVELS: Kind = Kind::Enum(&[
    "debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "info", "notice", "warning",
    "error", "fatal", "panic",
]);

const SPECS: &[Spec] = &[
    told("application_name", "", Kind::Text, "Name of the application that connects."),
    spec("block_size", "8192", Kind::ReadOnly, "What pg_class counts pages by."),
    spec("bytea_output", "hex", Kind::Enum(&["hex", "escape"]), "Output format of bytea."),
    spec("check_function_bodies", "on", Kind::Bool, "Accepted for compatibility."),
    told("client_encoding", "UTF8", Kind::Encoding, "The client's character set."),
    spec("client_min_messages", "notice", LEVELS, "Least level of messages that are sent."),
    told("DateStyle", "ISO, MDY", Kind::DateStyle, "Display format of dates and times."),
    spec(
        "default_table_access_method",
        "duckdb",
        Kind::Enum(&["duckdb", "heap", "arrow"]),
        "Where a table lives that does not say it.",
    ),
    spec("data_checksums", "on", Kind::ReadOnly, "Always on."),
    spec("default_tablespace", "", Kind::Text, "Accepted for compatibility."),
    spec(
        "default_text_search_config",
        "pg_catalog.simple",
        Kind::Text,
        "Accepted for compatibility.",
    ),
    spec("default_transaction_deferrable", "off", Kind::Bool, "Accepted for compatibility."),
    spec(
        "default_transaction_isolation",
        "read committed",
        ISOLATION,
        "Isolation level of new transactions.",
    ),
    told("default_transaction_read_only", "off", Kind::Bool, "Whether new transactions only read."),
    spec("extra_float_digits", "1", Kind::Int(-15, 3), "Digits shown of floating-point values."),
    spec(
        "idle_in_transaction_session_timeout",
        "0",
        Kind::Time,
        "Longest idle time inside a transaction.",
    ),
    told("in_hot_standby", "off", Kind::ReadOnly, "Always off."),
    told("integer_datetimes", "on", Kind::ReadOnly, "Always on."),
    told(
        "IntervalStyle",
        "postgres",
        Kind::Enum(&IntervalStyle::NAMES),
        "Display format of intervals.",
    ),
    told("is_superuser", "on", Kind::ReadOnly, "Whether the user is a superuser."),
    spec("jit", "off", Kind::Bool, "Accepted for compatibility."),
    spec("lc_collate", "C", Kind::ReadOnly, "Collation order."),
    spec("lc_ctype", "C.UTF-8", Kind::ReadOnly, "Character classes."),
    spec("lc_messages", "C", Kind::Text, "Accepted for compatibility."),
    spec("lc_monetary", "C", Kind::Text, "Accepted for compatibility."),
    spec("lock_timeout", "0", Kind::Time, "Longest wait for a lock."),
    spec("max_connections", "1000", Kind::ReadOnly, "Most sessions at a time."),
    spec("max_function_args", "100", Kind::ReadOnly, "Most arguments of a function."),
    spec("max_identifier_length", "63", Kind::ReadOnly, "Longest identifier PostgreSQL keeps."),
    spec("max_index_keys", "32", Kind::ReadOnly, "Most columns of an index."),
    spec("max_prepared_transactions", "0", Kind::ReadOnly, "There is no PREPARE TRANSACTION."),
    spec("max_replication_slots", "0", Kind::ReadOnly, "There is no replication."),
    spec("max_wal_senders", "0", Kind::ReadOnly, "There is no replication."),
    spec(
        "password_encryption",
        "scram-sha-256",
        Kind::Enum(&["scram-sha-256", "md5"]),
        "How passwords are kept.",
    ),
    spec("role", "none", Kind::ReadOnly, "The role that statements run as."),
    spec("row_security", "on", Kind::Bool, "Accepted for compatibility."),
    spec("search_path", "\"$user\", public", Kind::Text, "Schemas of unqualified names."),
    told("server_encoding", "UTF8", Kind::ReadOnly, "The server's character set."),
    told("server_version", SERVER_VERSION, Kind::ReadOnly, "The version of PostgreSQL spoken."),
    spec("server_version_num", "150000", Kind::ReadOnly, "The same as a number."),
    told("session_authorization", "", Kind::ReadOnly, "The session's user."),
    told(
        "standard_conforming_strings",
        "on",
        Kind::Enum(&["on"]),
        "Backslashes in plain strings are plain.",
    ),
    spec("ssl", "off", Kind::ReadOnly, "There is no TLS."),
    spec("statement_timeout", "0", Kind::Time, "Longest time of a statement."),
    spec("synchronize_seqscans", "on", Kind::Bool, "Accepted for compatibility."),
    spec(
        "synchronous_commit",
        "on",
        Kind::Enum(&["on", "off", "local", "remote_write", "remote_apply"]),
        "Accepted: every write is synced.",
    ),
    spec(
        "teatree.ack",
        "applied",
        Kind::Enum(&["applied", "durable"]),
        "When a write is acknowledged.",
    ),
    spec(
        "teatree.max_staleness",
        "0",
        Kind::Time,
        "How long acknowledged writes may stay unseen by reads of this session.",
    ),
    spec(
        "teatree.notice_intents",
        "off",
        Kind::Bool,
        "Whether each write is answered with its number in the intent log.",
    ),
    spec(
        "teatree.engine",
        "auto",
        Kind::Enum(&["auto", "duckdb", "datafusion"]),
        "Which engine runs reads.",
    ),
    spec(
        "teatree.idempotency_key",
        "",
        Kind::TextMax(KEY_BYTES_MAX),
        "Makes a repeat of the next write an answer; used up by it.",
    ),
    told("TimeZone", "UTC", Kind::TimeZone, "Time zone of displayed times."),
    spec(
        "transaction_isolation",
        "read committed",
        ISOLATION,
        "Isolation level of this transaction.",
    ),
    spec("transaction_read_only", "off", Kind::Bool, "Whether this transaction only reads."),
    spec("wal_level", "minimal", Kind::ReadOnly, "There is no replication."),
    spec("work_mem", "4MB", Kind::Text, "Accepted for compatibility."),
    spec(
        "xmloption",
        "content",
        Kind::Enum(&["content", "document"]),
        "Accepted for compatibility.",
    ),
];

/// Every setting, in the order of their names.
pub(super) fn all() -> impl Iterator<Item = &'static Spec> {
    static SORTED: LazyLock<Vec<&'static Spec>> = LazyLock::new(|| {
        let mut all: Vec<&'static Spec> = SPECS.iter().chain(ACCEPTED).collect();
        all.sort_by_key(|spec| spec.name.to_ascii_lowercase());
        all
    });
    SORTED.iter().copied()
}

/// Finds a setting by its name, in any letter case.
pub(super) fn find(name: &str) -> Option<&'static Spec> {
    // The server itself asks by the right spelling, several times a statement.
    static BY_NAME: LazyLock<HashMap<&str, &Spec>> =
        LazyLock::new(|| all().map(|spec| (spec.name, spec)).collect());
    let exact = BY_NAME.get(name).copied();
    exact.or_else(|| all().find(|spec| spec.name.eq_ignore_ascii_case(name)))
}
