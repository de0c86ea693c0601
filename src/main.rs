//! The `teatree` command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use teatree::config::{Config, ConfigFlags};
use teatree::error::{Error, Result};
use teatree::{server, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// A server that speaks PostgreSQL in front of DuckDB files and directories of Arrow files.
///
/// Each setting can be given by a flag, by its TEATREE_ variable, or in a TOML file, in this order;
/// else its default holds.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until SIGTERM or Ctrl-C.
    Serve {
        /// A TOML file with settings, named as the flags are with _ for -.
        #[arg(long, env = "TEATREE_CONFIG")]
        config: Option<PathBuf>,
        #[command(flatten)]
        flags: Box<ConfigFlags>,
    },
}

/// Many small requests on few threads: half the cost of the system's allocator here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { command: Command::Serve { config, flags } } = Cli::parse();
    match serve(config.as_ref(), &flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(file: Option<&PathBuf>, flags: &ConfigFlags) -> Result<()> {
    let config = Config::load(file, flags)?;
    let telemetry = telemetry::init(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Parsers and planners recurse; only what is used of a stack costs memory.
        .thread_stack_size(64 << 20)
        .build()
        .map_err(|error| Error::io("could not start the runtime", &error))?;
    let served = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())
            .map_err(|error| Error::io("could not listen for SIGTERM", &error))?;
        let mut interrupt = signal(SignalKind::interrupt())
            .map_err(|error| Error::io("could not listen for SIGINT", &error))?;
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        server::run(config, shutdown).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    telemetry.shutdown();
    served
}

#[expect(clippy::print_stderr, reason = "the log may not be set up yet")]
fn report(error: &Error) {
    eprintln!("teatree: {error}");
    for (label, text) in [("detail", error.detail()), ("hint", error.hint())] {
        if let Some(text) = text {
            eprintln!("{label}: {text}");
        }
    }
}
