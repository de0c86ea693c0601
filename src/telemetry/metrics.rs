//! Metrics: one set of instruments, scraped as Prometheus text and, when a collector is configured,
//! pushed to it by OTLP.
//!
//! What happens is recorded where it happens, by the functions here; what is at a moment is asked
//! for when somebody looks, by [`observe`]. Before [`start`] nothing is recorded. Names and units
//! are OpenTelemetry's way (`teatree.statement.duration`, seconds); Prometheus shows them as
//! `teatree_statement_duration_seconds`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

use crate::error::{Error, Result};

/// How often metrics are pushed.
const PUSH_EVERY: Duration = Duration::from_secs(10);

/// Bounds of the latency histograms, in seconds: from 100 µs to a minute.
const LATENCY_S: [f64; 18] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];

static METRICS: OnceLock<Metrics> = OnceLock::new();

struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
    meter: Meter,
    statements: Histogram<f64>,
    applied: Counter<u64>,
    applying: Histogram<f64>,
    intents_at_once: Histogram<u64>,
    following: Histogram<f64>,
    steps: Histogram<f64>,
    notified: Counter<u64>,
}

/// Makes the instruments, once for a process; `push_to` is the base address of a collector.
///
/// # Errors
/// XX000 when the exporters cannot be made.
pub(super) fn start(resource: Resource, push_to: Option<&str>) -> Result<()> {
    if METRICS.get().is_some() {
        return Ok(());
    }
    let refused = |error: &dyn std::fmt::Display| Error::internal(format!("metrics: {error}"));
    let registry = Registry::new();
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .build()
        .map_err(|error| refused(&error))?;
    let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(scraped);
    if let Some(base) = push_to {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .build()
            .map_err(|error| refused(&error))?;
        let pushed = PeriodicReader::builder(exporter).with_interval(PUSH_EVERY).build();
        provider = provider.with_reader(pushed);
    }
    let provider = provider.build();
    let meter = provider.meter("teatree");
    let latency = |name: &'static str, about: &'static str| {
        meter
            .f64_histogram(name)
            .with_unit("s")
            .with_description(about)
            .with_boundaries(LATENCY_S.to_vec())
            .build()
    };
    let metrics = Metrics {
        statements: latency(
            "teatree.statement.duration",
            "From a statement's arrival to its last row or its outcome",
        ),
        applied: meter
            .u64_counter("teatree.intents.applied")
            .with_description("Intents that were applied or have failed")
            .build(),
        applying: latency("teatree.apply.duration", "One turn of the Writer, commit included"),
        intents_at_once: meter
            .u64_histogram("teatree.apply.intents")
            .with_description("Intents in one turn of the Writer")
            .with_boundaries([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0].to_vec())
            .build(),
        following: latency(
            "teatree.pipeline.duration",
            "What one view or trigger takes in the transaction that it follows",
        ),
        steps: latency("teatree.step.duration", "One step of an algorithm"),
        notified: meter
            .u64_counter("teatree.notifications")
            .with_description(
                "Notifications handed to listeners, and those lost because they were slow",
            )
            .build(),
        provider,
        registry,
        meter,
    };
    // Another thread may have been faster; then its set counts.
    let _ = METRICS.set(metrics);
    Ok(())
}

/// Sends what is left. Blocks, for some seconds at most.
pub(super) fn shutdown() {
    if let Some(metrics) = METRICS.get()
        && let Err(error) = metrics.provider.shutdown()
    {
        tracing::debug!(%error, "the last metrics were not exported");
    }
}

/// Renders all metrics as Prometheus text.
pub fn scrape() -> String {
    let Some(metrics) = METRICS.get() else { return String::new() };
    TextEncoder::new().encode_to_string(&metrics.registry.gather()).unwrap_or_default()
}

/// Measures a statement; recorded when it is dropped.
#[derive(Debug)]
pub struct StatementTimer {
    started: Instant,
    kind: &'static str,
    engine: &'static str,
}

impl StatementTimer {
    /// Starts the clock.
    pub fn start(kind: &'static str) -> StatementTimer {
        StatementTimer { started: Instant::now(), kind, engine: "none" }
    }

    /// Says which engine runs it.
    pub fn on(&mut self, engine: &'static str) {
        self.engine = engine;
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        if let Some(metrics) = METRICS.get() {
            let labels = [KeyValue::new("kind", self.kind), KeyValue::new("engine", self.engine)];
            metrics.statements.record(self.started.elapsed().as_secs_f64(), &labels);
        }
    }
}

/// Records one turn of the Writer.
pub fn applied(intents: usize, took: Duration) {
    let Some(metrics) = METRICS.get() else { return };
    metrics.applying.record(took.as_secs_f64(), &[]);
    metrics.intents_at_once.record(intents as u64, &[]);
}

/// Counts an intent's outcome.
pub fn ended(succeeded: bool) {
    let Some(metrics) = METRICS.get() else { return };
    let outcome = if succeeded { "applied" } else { "failed" };
    metrics.applied.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// Records what a pipeline took to follow a change.
pub fn followed(pipeline: &str, took: Duration) {
    let Some(metrics) = METRICS.get() else { return };
    let labels = [KeyValue::new("pipeline", pipeline.to_owned())];
    metrics.following.record(took.as_secs_f64(), &labels);
}

/// Records a step of an algorithm.
pub fn step_took(algorithm: &str, step: &str, took: Duration) {
    let Some(metrics) = METRICS.get() else { return };
    let labels =
        [KeyValue::new("algorithm", algorithm.to_owned()), KeyValue::new("step", step.to_owned())];
    metrics.steps.record(took.as_secs_f64(), &labels);
}

/// Counts a notification for one listener.
pub fn notified(taken: bool) {
    let Some(metrics) = METRICS.get() else { return };
    let outcome = if taken { "delivered" } else { "lost" };
    metrics.notified.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// One value that is asked for: with a label's name and value, where there are several.
pub type Observed = Vec<(Option<(&'static str, String)>, f64)>;

/// Registers what is asked for when somebody looks. Asked from the exporters' threads: `values`
/// must not block for long.
pub fn observe(
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    values: impl Fn() -> Observed + Send + Sync + 'static,
) {
    let Some(metrics) = METRICS.get() else { return };
    metrics
        .meter
        .f64_observable_gauge(name)
        .with_unit(unit)
        .with_description(about)
        .with_callback(move |observer| {
            for (label, value) in values() {
                match label {
                    Some((name, text)) => observer.observe(value, &[KeyValue::new(name, text)]),
                    None => observer.observe(value, &[]),
                }
            }
        })
        .build();
}
