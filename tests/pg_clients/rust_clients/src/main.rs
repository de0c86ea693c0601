//! Rust's clients: tokio-postgres and sqlx. Runs the checks of both, or those whose names have one
//! of the arguments in them. Connects by PGHOST, PGPORT, PGUSER, PGDATABASE.

mod checks;
mod sqlx_session;
mod sqlx_tools;
mod sqlx_values;
mod tokio_copy;
mod tokio_errors;
mod tokio_inferred;
mod tokio_rows;
mod tokio_session;
mod tokio_values;

use std::env;
use std::process::{ExitCode, id};

/// What these need is not there yet.
const LATER: &[&str] = &[
    "sqlx_as_text",
    "sqlx_composite",
    "sqlx_connection",
    "sqlx_databases",
    "sqlx_domain",
    "sqlx_enum",
    "sqlx_enum_array",
    "sqlx_inet",
    "sqlx_nullability",
    "sqlx_nullability_of_joins",
    "sqlx_odd_types",
    "sqlx_pg_notify",
    "sqlx_ranges",
    "sqlx_settings",
    "sqlx_wrong_option",
    "tokio_as_text",
    "tokio_composite",
    "tokio_constraints",
    "tokio_described_rarely",
    "tokio_domain",
    "tokio_enum",
    "tokio_error_messages",
    "tokio_error_positions",
    "tokio_fewer_values",
    "tokio_inferred_rarely",
    "tokio_notices",
    "tokio_numbers",
    "tokio_options",
    "tokio_range",
    "tokio_read_only",
    "tokio_statements_are_seen",
    "tokio_transaction_modes",
];

/// The server's address, and the schema in which every check makes what it needs.
pub struct Place {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub database: String,
    pub schema: String,
}

pub fn place() -> Place {
    let read = |name: &str, other: &str| env::var(name).unwrap_or_else(|_| other.to_owned());
    let user = read("PGUSER", "postgres");
    Place {
        host: read("PGHOST", "127.0.0.1"),
        port: read("PGPORT", "5432").parse().unwrap_or(5432),
        database: read("PGDATABASE", &user),
        user,
        schema: format!("tea_rust_{}", id()),
    }
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut only: Vec<String> = env::args().skip(1).collect();
    if !only.is_empty() {
        only.extend(["set_up".to_owned(), "clean_up".to_owned()]);
    }
    let mut all = tokio_session::before();
    all.extend(tokio_session::checks());
    all.extend(tokio_errors::checks());
    all.extend(tokio_values::checks());
    all.extend(tokio_inferred::checks());
    all.extend(tokio_rows::checks());
    all.extend(tokio_copy::checks());
    all.extend(sqlx_session::checks());
    all.extend(sqlx_values::checks());
    all.extend(sqlx_tools::checks());
    all.extend(tokio_session::after());
    let failed = runtime.block_on(checks::run_all(all, LATER, &only));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
