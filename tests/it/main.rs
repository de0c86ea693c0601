//! Every integration test, in one binary because each binary links four engines.
//!
//! By default the tests start the built `teatree`. With `TEATREE_TEST_ADDR=host:port` they use a
//! server that already runs (those that must kill or restart one are skipped, by name), and
//! `TEATREE_TEST_ORACLE=1` says that it is a real PostgreSQL 15, which the expected results of all
//! `wire_*` tests were taken from and are checked against.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::pedantic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, waits by sleeping, and is nobody's interface"
)]

mod harness;
mod http_client;
mod messages;
mod raw_client;

mod wire_cancel;
mod wire_copy;
mod wire_copy_formats;
mod wire_errors;
mod wire_extended;
mod wire_portals;
mod wire_simple;
mod wire_startup;
mod wire_stream;
mod wire_types;

mod algorithms;
mod catalog;
mod crash;
mod cursors;
mod definitions;
mod idempotency;
mod indexes;
mod ingest_http;
mod ingest_inbox;
mod intent_life;
mod damage;
mod disk_full;
mod explain;
mod fail_points;
mod foreign_keys;
mod foreign_keys_crash;
mod linearizable;
mod meaning;
mod observability;
mod outbox;
mod procedures;
mod reopen;
mod replay;
mod roles;
mod routines;
mod routing;
mod rows_acks;
mod rows_typed;
mod security;
mod sequences;
mod tidy;
mod transactions_conflicts;
mod transactions_locks;
mod transactions_savepoints;
mod transactions_temp;
mod transactions_writes;
mod torture;
mod triggers;
mod triggers_crash;
mod triggers_datasets;
mod triggers_definitions;
mod versions;
mod views;
mod views_datasets;
mod views_property;
mod writes;
mod writes_bulk;
mod writes_staged;
mod writes_transactions;
mod writes_with;
