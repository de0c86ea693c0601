//! What outlives the stores when they are opened again, and what must be gone before.
//!
//! DuckDB holds a POSIX lock on the data file, which closing any descriptor of that file lets go
//! of. So the old instance is closed wholly before the new one opens.

use std::net::TcpListener as StdListener;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::TcpListener;

use super::Open;
use crate::config::{Config, Endpoint};
use crate::engine::duckdb::DuckDb;
use crate::error::{Error, Result};
use crate::intent::IntentLog;

/// How often the instance is looked at; the look costs nothing while DuckDB reports no error.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the old stores may take to close before the process gives up.
const CLOSE_MAX: Duration = Duration::from_secs(20);

/// The server's sockets.
pub(super) struct Listeners {
    clients: StdListener,
    http: Option<StdListener>,
}

impl Listeners {
    pub(super) fn bind(config: &Config) -> Result<Listeners> {
        let bind = |address| {
            let listener = StdListener::bind(address);
            let listener = listener.and_then(|one| one.set_nonblocking(true).map(|()| one));
            listener.map_err(|error| Error::io(&format!("could not listen on {address}"), &error))
        };
        let http = match config.http {
            Endpoint::Off => None,
            Endpoint::At(address) => Some(bind(address)?),
        };
        Ok(Listeners { clients: bind(config.listen)?, http })
    }

    pub(super) fn clients(&self) -> Result<TcpListener> {
        again(&self.clients)
    }

    pub(super) fn http(&self) -> Result<Option<TcpListener>> {
        self.http.as_ref().map(again).transpose()
    }
}

fn again(listener: &StdListener) -> Result<TcpListener> {
    let listener = listener.try_clone().and_then(TcpListener::from_std);
    listener.map_err(|error| Error::io("could not listen", &error))
}

/// Resolves when DuckDB has invalidated the instance.
pub(super) async fn invalidated(duckdb: &Arc<DuckDb>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let duckdb = Arc::clone(duckdb);
        let looked = tokio::task::spawn_blocking(move || duckdb.is_invalidated());
        if looked.await.unwrap_or(false) {
            return;
        }
    }
}

/// Tells whether something of the old stores is left.
pub(super) struct Remains {
    data_file_is_open: Box<dyn Fn() -> bool + Send + Sync>,
    log: Weak<IntentLog>,
}

impl Remains {
    pub(super) fn of(open: &Open) -> Remains {
        Remains {
            data_file_is_open: Box::new(open.services.router.duckdb.watch()),
            log: Arc::downgrade(&open.services.log),
        }
    }

    /// Waits until everything is closed.
    ///
    /// # Errors
    /// XX000 when something is not, so that a new process must take over.
    pub(super) async fn wait(self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + CLOSE_MAX;
        while (self.data_file_is_open)() || self.log.strong_count() > 0 {
            if tokio::time::Instant::now() > deadline {
                return Err(Error::internal("the invalidated data file could not be closed")
                    .with_hint("Start the server again; nothing acknowledged is lost."));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
