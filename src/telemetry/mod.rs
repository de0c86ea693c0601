//! Log lines and traces: `tracing` to stderr, and to an OTLP collector when one is configured.
//!
//! Log lines obey `RUST_LOG` (default `info`). Traces hold Teatree's own spans of level info and
//! above whatever `RUST_LOG` says, so that a quiet log does not tear a trace apart; spans of
//! background tasks are of level debug and stay out, since they never end. Spans are for traces
//! only: without a collector none is made, so a statement pays nothing for them.
//!
//! Trace contexts travel as W3C `traceparent` text: [`current_traceparent`] on the side that goes
//! on elsewhere, [`set_parent`] on the side that continues.
//!
//! `metrics.rs` has the metrics. Nothing is exported unless an endpoint is configured.

mod metrics;

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Dispatch, Level, Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use crate::config::{Config, LogFormat};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

pub use metrics::{
    Observed, StatementTimer, applied, ended, followed, notified, observe, scrape, step_took,
};

/// Some subscriber of this process exports traces.
static IS_TRACED: AtomicBool = AtomicBool::new(false);

/// Keeps the exporter alive; what it still holds is lost without [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends what is left and stops the exporter. Blocks, for five seconds at most.
    pub fn shutdown(&self) {
        metrics::shutdown();
        let Some(provider) = &self.provider else { return };
        if let Err(error) = provider.shutdown() {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }

    /// Sends what has been gathered so far. Blocks.
    ///
    /// # Errors
    /// 08006 when the collector cannot be reached.
    pub fn flush(&self) -> Result<()> {
        let Some(provider) = &self.provider else { return Ok(()) };
        provider.force_flush().map_err(|error| {
            Error::new(SqlState::CONNECTION_FAILURE, format!("could not export traces: {error}"))
        })
    }
}

/// Sets up logs and traces for the whole process.
///
/// # Errors
/// 22023 for an endpoint that cannot be used; 55000 when it was set up before.
pub fn init(config: &Config) -> Result<Telemetry> {
    let (dispatch, telemetry) = layers(config)?;
    let endpoint = config.otlp_endpoint.trim();
    metrics::start(resource(), (!endpoint.is_empty()).then(|| base_of(endpoint)))?;
    dispatch.try_init().map_err(|error| {
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("logging: {error}"))
    })?;
    Ok(telemetry)
}

/// Builds the same without installing it, for a test's own threads.
///
/// # Errors
/// 22023 for an endpoint or a `RUST_LOG` that cannot be used.
pub fn layers(config: &Config) -> Result<(Dispatch, Telemetry)> {
    let provider = match config.otlp_endpoint.trim() {
        "" => None,
        endpoint => Some(provider(endpoint)?),
    };
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("teatree"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(is_ours).and(LevelFilter::from_level(Level::INFO)))
    });
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    if provider.is_some() {
        IS_TRACED.store(true, Ordering::Relaxed);
    }
    let lines = lines.with_filter(line_filter()?.and(filter_fn(|metadata| metadata.is_event())));
    // A layer that is absent would still ask for spans, which then are made for nobody.
    let dispatch = match traces {
        Some(traces) => Dispatch::new(Registry::default().with(lines).with(traces)),
        None => Dispatch::new(Registry::default().with(lines)),
    };
    Ok((dispatch, Telemetry { provider }))
}

fn line_filter() -> Result<EnvFilter> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) => builder.parse(directives).map_err(|error| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("RUST_LOG: {error}"))
        }),
        Err(_) => Ok(builder.parse_lossy("")),
    }
}

/// Tells Teatree's own spans from those of its libraries (the exporter's among them, which would
/// trace itself).
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    metadata.is_span() && (target == "teatree" || target.starts_with("teatree::"))
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let refused = |error: &dyn std::fmt::Display| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("otlp_endpoint \"{endpoint}\" cannot be used: {error}"),
        )
        .with_hint("Give the address of an OTLP/HTTP collector, such as http://127.0.0.1:4318.")
    };
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        return Err(refused(&"it is no http address"));
    }
    let url = format!("{}/v1/traces", base_of(endpoint));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .build()
        .map_err(|error| refused(&error))?;
    Ok(SdkTracerProvider::builder()
        .with_resource(resource())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_batch_exporter(exporter)
        .build())
}

/// The collector's address without what stands for traces.
fn base_of(endpoint: &str) -> &str {
    let base = endpoint.trim_end_matches('/');
    base.strip_suffix("/v1/traces").unwrap_or(base)
}

fn resource() -> Resource {
    Resource::builder()
        .with_service_name("teatree")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Returns the current span's context as W3C `traceparent`; `None` where nothing is traced.
pub fn current_traceparent() -> Option<String> {
    if !IS_TRACED.load(Ordering::Relaxed) {
        return None;
    }
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let flags = span.trace_flags().to_u8();
        format!("00-{:032x}-{:016x}-{flags:02x}", span.trace_id(), span.span_id())
    })
}

/// Makes a span, which must not have been entered yet, the continuation of a trace.
/// Text that is no `traceparent` is passed over, as the W3C recommendation wants.
pub fn set_parent(span: &Span, traceparent: Option<&str>) {
    let Some(parent) = traceparent.and_then(parse) else { return };
    let context = Context::new().with_remote_span_context(parent);
    if let Err(error) = span.set_parent(context) {
        tracing::trace!(?error, "the span is not traced");
    }
}

/// Links a span, which must not have been entered yet, to one more trace.
pub fn add_link(span: &Span, traceparent: Option<&str>) {
    if let Some(linked) = traceparent.and_then(parse) {
        span.add_link(linked);
    }
}

/// Returns the trace id, 32 hexadecimal digits, of a `traceparent`.
pub fn trace_id(traceparent: &str) -> Option<String> {
    parse(traceparent).map(|context| format!("{:032x}", context.trace_id()))
}

/// Reads `version-traceid-spanid-flags`; later versions may have more parts.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = traceparent.trim().split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let more = parts.next().is_some();
    if !hex(version, 2) || !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
        return None;
    }
    if version == "ff" || (version == "00" && more) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
