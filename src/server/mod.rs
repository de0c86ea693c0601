//! The process: what is opened in which order, the listeners, and the way down.
//!
//! - `lock.rs`: one server per data folder.
//! - `reopen.rs`: what outlives the stores, and what must not, when they are opened again.
//! - `tables.rs`: what the server computes for the system catalog.
//! - `http/`: versions over HTTP, for edges, and uploads.
//! - `metrics.rs`: what the server is asked for when somebody looks at its metrics.

mod http;
mod lock;
mod metrics;
mod reopen;
mod own_tables;
mod tables;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use crate::algorithm::Algorithms;
use crate::config::Config;
use crate::dataset::DatasetStore;
use crate::engine::datafusion::{DataFusionEngine, Settings as DataFusionSettings};
use crate::engine::duckdb::{DuckDb, DuckDbOptions, DuckDbTables, SystemTable};
use crate::error::{Error, Result};
use crate::intent::{Accepted, IntentLog, LogLimits};
use crate::notification::Notifications;
use crate::outbox::{OUTBOX_FOLDER, Outbox};
use crate::pipeline::{Registry, View, deliver, schedule};
use crate::procedure::{INBOX_FOLDER, Procedures, Stores};
use crate::router::{ColumnCache, DefaultCache, Router, STAGED_FOLDER, Shapes};
use crate::session::{Activity, Services};
use crate::sql::ParsedTexts;
use crate::version::VersionStore;
use crate::writer::{self, DeletedRows, Targets};
use crate::{fail_point, ingest, task, wire};

use lock::DirectoryLock;
use reopen::{Listeners, Remains};

/// How often small parts of datasets are looked for.
const COMPACT_EVERY: Duration = Duration::from_secs(30);
/// The Writer gets at least this long to drain the log at the end.
const DRAIN_LEAST: Duration = Duration::from_secs(10);

/// Serves until `shutdown` resolves, then goes down in order: no new connections, running
/// statements finished or cancelled within the configured time, the log drained, a checkpoint.
///
/// When DuckDB invalidates its instance, as it does after an error that it cannot undo, all
/// connections end, as after a crash of PostgreSQL, everything is closed and opened again, and the
/// log is replayed.
///
/// # Errors
/// What keeps the server from starting, or a listener that fails.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    run_with(config, Algorithms::built_in(), shutdown).await
}

/// The same with algorithms of one's own.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    config: Config,
    algorithms: Algorithms,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let prepared = config.clone();
    let _lock = task::blocking(move || prepare_directory(&prepared)).await?;
    // The listeners come first, so that a taken port is told before anything is opened; they stay
    // while the rest is opened again.
    let listeners = Listeners::bind(&config)?;
    tokio::pin!(shutdown);
    let watched = metrics::watch();
    let mut reopened = false;
    loop {
        let opening = config.clone();
        let runtime = tokio::runtime::Handle::current();
        let known = algorithms.clone();
        let open = task::blocking(move || open(opening, known, runtime, reopened)).await?;
        if !reopened {
            // Only now, so that it is the clients' writes that pass them.
            fail_point::arm(&config.fail_points)?;
        }
        *watched.lock() = Arc::downgrade(&open.services);
        let remains = Remains::of(&open);
        match serve(open, &config, &listeners, shutdown.as_mut()).await? {
            End::Shutdown => {
                tracing::info!("bye");
                return Ok(());
            }
            End::Invalidated => remains.wait().await?,
        }
        reopened = true;
    }
}

/// Why serving has ended.
enum End {
    Shutdown,
    Invalidated,
}

async fn serve(
    open: Open,
    config: &Config,
    listeners: &Listeners,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<End> {
    let Open { services, versions, writer_thread } = open;
    let stop = CancellationToken::new();
    let compactor =
        task::spawn("compact", compact(Arc::clone(&services.router.datasets), stop.clone()));
    let tick = history_tick(config.history_max_age_ms.min(config.idempotency_ttl_ms));
    let trimmer = task::spawn("trim", trim(Arc::clone(&services.log), tick, stop.clone()));
    let refresher = task::spawn("refresh", refresh(&services, stop.clone()));
    let deliverer = task::spawn("deliver", deliver_rows(&services, stop.clone()));
    // Weak, so that a connection which stays open does not keep the stores open.
    let (weak, most) = (Arc::downgrade(&services), config.ingest_uploads_max);
    let http = listeners.http()?.map(|listener| {
        task::spawn("http", http::serve(listener, versions, weak, most, stop.clone()))
    });
    let inbox = task::spawn("inbox", ingest::watch(Arc::clone(&services), stop.clone()));
    let listener = listeners.clients()?;
    let mut connections =
        task::spawn("listener", wire::serve(listener, Arc::clone(&services), stop.clone()));
    tracing::info!(listen = %config.listen, data = %config.data_dir.display(), "ready");

    let mut grace = Duration::from_millis(config.shutdown_grace_ms);
    let ended = tokio::select! {
        () = shutdown.as_mut() => Ok(End::Shutdown),
        () = reopen::invalidated(&services.router.duckdb) => Ok(End::Invalidated),
        ended = &mut connections => Err(ended),
    };
    match ended {
        Ok(End::Invalidated) => {
            tracing::error!("DuckDB has invalidated its instance; everything is opened again");
            // Nothing that runs can succeed.
            grace = Duration::ZERO;
        }
        _ => tracing::info!("going down"),
    }
    stop.cancel();
    if ended.is_ok() {
        end_connections(&services, &mut connections, grace).await;
    }
    compactor.abort();
    trimmer.abort();
    deliverer.abort();
    refresher.abort();
    end_inbox(inbox, grace).await;
    if let Some(http) = http
        && tokio::time::timeout(grace, http).await.is_err()
    {
        tracing::warn!("downloads of versions were cut off");
    }
    close(services, writer_thread, grace).await?;
    match ended {
        Ok(end) => Ok(end),
        Err(Ok(Err(error))) => Err(error),
        Err(Err(error)) => Err(Error::internal(format!("the listener failed: {error}"))),
        Err(Ok(Ok(()))) => Ok(End::Shutdown),
    }
}

/// What `open` gives.
struct Open {
    services: Arc<Services>,
    versions: Arc<VersionStore>,
    writer_thread: std::thread::JoinHandle<()>,
}

fn prepare_directory(config: &Config) -> Result<DirectoryLock> {
    let make = |path: &Path| {
        std::fs::create_dir_all(path)
            .map_err(|error| Error::io(&format!("could not make {}", path.display()), &error))
    };
    make(&config.data_dir)?;
    let lock = DirectoryLock::take(&config.data_dir)?;
    for folder in [
        INBOX_FOLDER,
        OUTBOX_FOLDER,
        STAGED_FOLDER,
        "datasets",
        "versions",
        "log",
        "spill/duckdb",
        "spill/datafusion",
    ] {
        make(&config.data_dir.join(folder))?;
    }
    Ok(lock)
}

/// Opens the stores, recovers, and starts the Writer. Blocks.
fn open(
    mut config: Config,
    algorithms: Algorithms,
    runtime: tokio::runtime::Handle,
    reopened: bool,
) -> Result<Open> {
    let algorithms = algorithms.with_memory(config.algorithm_memory_mib << 20);
    config.data_dir = data_folder(&config)?;
    let dir = config.data_dir.clone();
    let datasets = Arc::new(DatasetStore::open(&dir.join("datasets")).map_err(with_hint)?);
    let versions = Arc::new(VersionStore::open(&dir.join("versions")).map_err(with_hint)?);
    let (log, accepted) = open_log(&config)?;
    let activity = Arc::new(Activity::new(config.connections_max));
    let pipelines = Arc::new(Registry::new(Outbox::new(&config.data_dir), algorithms.clone()));
    let tables =
        tables::all(&config, &activity, &log, &datasets, &versions, &pipelines, &algorithms);
    let duckdb = open_duckdb(&config, tables, &activity)?;
    let datafusion = Arc::new(datafusion_engine(&config, &datasets, &duckdb)?);
    let procedures = Arc::new(Procedures::new(Stores {
        pipelines: Arc::clone(&pipelines),
        data_dir: dir.clone(),
        duckdb: Arc::clone(&duckdb),
        datasets: Arc::clone(&datasets),
        versions: Arc::clone(&versions),
    }));
    let notifications = Arc::<Notifications>::default();
    let targets = Targets {
        notifications: Arc::clone(&notifications),
        data_dir: dir.clone(),
        duckdb: Arc::clone(&duckdb),
        datasets: Arc::clone(&datasets),
        datafusion: Arc::new(datafusion_engine(&config, &datasets, &duckdb)?),
        procedures: Arc::clone(&procedures),
        pipelines: Arc::clone(&pipelines),
        log: Arc::clone(&log),
        deleted: DeletedRows::default(),
        reopened,
        outcome_rows_max: config.outcome_rows_max,
        parked_intents_max: config.parked_intents_max,
        kept_rows_bytes_max: config.idempotency_result_bytes_max,
        bulk_bytes_min: config.bulk_bytes_min,
        apply_delay: Duration::from_millis(config.apply_delay_ms),
    };
    let (writer, writer_thread) = writer::start(targets, accepted, runtime)?;
    let router = Router {
        database: config.database.clone(),
        data_dir: dir,
        duckdb,
        datafusion,
        datasets,
        procedures,
        algorithms,
        pipelines,
        columns: ColumnCache::default(),
        shapes: Shapes::default(),
        log: Arc::clone(&log),
        defaults: DefaultCache::default(),
    };
    let services = Services {
        config,
        router,
        log,
        writer,
        advisory_locks: activity.advisory_locks(),
        activity,
        notifications,
        parsed: ParsedTexts::default(),
    };
    Ok(Open { services: Arc::new(services), versions, writer_thread })
}

fn open_duckdb(
    config: &Config,
    tables: Vec<SystemTable>,
    activity: &Arc<Activity>,
) -> Result<Arc<DuckDb>> {
    let functions = tables::functions(activity);
    let duckdb = DuckDb::open(&DuckDbOptions::new(config), tables, functions);
    Ok(Arc::new(duckdb.map_err(with_hint)?))
}

/// The data folder's full path. It keeps the name of the database that it was made with.
fn data_folder(config: &Config) -> Result<PathBuf> {
    let dir = config.data_dir.canonicalize();
    let dir = dir.map_err(|error| Error::io("could not open the data folder", &error))?;
    refuse_other_database(config)?;
    Ok(dir)
}

fn open_log(config: &Config) -> Result<(Arc<IntentLog>, Receiver<Accepted>)> {
    let (log, accepted) = IntentLog::open(&config.data_dir.join("log"), log_limits(config))?;
    log.remove_unused_staged(&config.data_dir, STAGED_FOLDER)?;
    Ok((Arc::new(log), accepted))
}

fn log_limits(config: &Config) -> LogLimits {
    LogLimits {
        queue_intents_max: config.queue_intents_max,
        queue_bytes_max: config.queue_bytes_max,
        queue_wait: Duration::from_millis(config.queue_wait_ms),
        history_intents_max: config.history_intents_max,
        history_bytes_max: config.history_bytes_max,
        history_max_age: Duration::from_millis(config.history_max_age_ms),
        failed_staged_bytes_max: config.failed_staged_bytes_max,
        key_ttl: Duration::from_millis(config.idempotency_ttl_ms),
        keys_max: config.idempotency_keys_max,
        key_result_bytes_max: config.idempotency_result_bytes_max,
        salvage: config.salvage_log,
    }
}

/// Says how to go on when a store cannot be opened.
fn with_hint(error: Error) -> Error {
    if error.hint().is_some() {
        return error;
    }
    error.with_hint(
        "If another process has the file open, end that; if the file is damaged, restore the data \
         folder from a backup.",
    )
}

fn datafusion_engine(
    config: &Config,
    datasets: &Arc<DatasetStore>,
    duckdb: &Arc<DuckDb>,
) -> Result<DataFusionEngine> {
    let settings = DataFusionSettings {
        database: config.database.clone(),
        memory_mib: config.datafusion_memory_mib,
        spill_dir: config.data_dir.join("spill").join("datafusion"),
        spill_max_mib: config.spill_max_mib,
        threads: 0,
    };
    let tables = Arc::new(DuckDbTables(Arc::clone(duckdb)));
    DataFusionEngine::new(Arc::clone(datasets), tables, settings)
}

/// One server has one database: a folder keeps the name that it was made with.
fn refuse_other_database(config: &Config) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("could not read the data folder", &error);
    for entry in std::fs::read_dir(&config.data_dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if let Some(database) = name.strip_suffix(".duckdb").filter(|name| *name != config.database)
        {
            return Err(Error::new(
                crate::sqlstate::SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!(
                    "the data folder holds database \"{database}\", not \"{}\"",
                    config.database
                ),
            )
            .with_hint(format!("Start with --database {database}, or with another folder.")));
        }
    }
    Ok(())
}

/// Lets running statements finish within the time, then stops them.
async fn end_connections(
    services: &Arc<Services>,
    connections: &mut tokio::task::JoinHandle<Result<()>>,
    grace: Duration,
) {
    let deadline = tokio::time::Instant::now() + grace;
    while tokio::time::Instant::now() < deadline && services.activity.is_busy() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    services.activity.end_all();
    if tokio::time::timeout(grace.max(Duration::from_secs(1)), connections).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// Lets files that are being taken come to their end within the time. What is left is taken at the
/// next start.
async fn end_inbox(inbox: tokio::task::JoinHandle<()>, grace: Duration) {
    let end = inbox.abort_handle();
    if tokio::time::timeout(grace, inbox).await.is_err() {
        tracing::warn!("files of the inbox are left to the next start");
        end.abort();
    }
}

/// Drains the log through the Writer, which checkpoints at its end, and closes it. A Writer that
/// takes longer than the time is left behind: what it has not applied is durable, and applied at
/// the next start.
async fn close(
    services: Arc<Services>,
    writer_thread: std::thread::JoinHandle<()>,
    grace: Duration,
) -> Result<()> {
    services.log.refuse().await;
    let log = Arc::clone(&services.log);
    let drained = task::blocking(move || {
        if writer_thread.join().is_err() {
            return Err(Error::internal("the Writer panicked"));
        }
        log.close()
    });
    match tokio::time::timeout(grace.max(DRAIN_LEAST), drained).await {
        Ok(outcome) => outcome?,
        Err(_) => tracing::warn!("the Writer was left behind; the next start goes on from the log"),
    }
    Ok(())
}

/// Sends datasets the rows that triggers keep for them, once the intents of the start are applied.
fn deliver_rows(services: &Services, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
    let deliveries = Arc::clone(services.router.pipelines.deliveries());
    let duckdb = Arc::clone(&services.router.duckdb);
    let (log, writer) = (Arc::clone(&services.log), services.writer.clone());
    async move {
        let last = log.last_durable();
        while writer.seen().place < last {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
        deliver::run(deliveries, duckdb, log, stop).await;
    }
}

/// How often an idle log looks for what is too old.
fn history_tick(age_max_ms: u64) -> Duration {
    Duration::from_millis((age_max_ms / 16).clamp(100, 10_000))
}

/// Refreshes the materialized views that are due.
fn refresh(services: &Arc<Services>, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
    let pipelines = Arc::clone(&services.router.pipelines);
    let log = Arc::clone(&services.log);
    let services = Arc::downgrade(services);
    let token = stop.clone();
    let compute = move |view: View| {
        let (services, token) = (services.upgrade(), token.clone());
        async move {
            let services = services.ok_or_else(Error::shutting_down)?;
            services.router.compute_view(&view, None, &token).await
        }
    };
    schedule::run(pipelines, log, compute, stop)
}

/// Ends history and idempotency keys by their age also when nobody writes.
async fn trim(log: Arc<IntentLog>, tick: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(tick) => log.wake(),
            () = stop.cancelled() => return,
        }
    }
}

/// Merges small parts of datasets, again and again.
async fn compact(datasets: Arc<DatasetStore>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(COMPACT_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let names: Vec<_> = datasets.list().iter().map(|manifest| manifest.name.clone()).collect();
        for name in names {
            let store = Arc::clone(&datasets);
            let shown = name.to_string();
            match task::blocking(move || store.compact(&name)).await {
                Ok(true) => tracing::debug!(dataset = %shown, "compacted"),
                Ok(false) => {}
                Err(error) => tracing::warn!(dataset = %shown, %error, "could not compact"),
            }
        }
    }
}
