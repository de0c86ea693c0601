//! A small OTLP collector for tests: takes spans over HTTP and hands them out.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::config::Config;

type Requests = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// Keeps a subscriber alive beside a test's own. While there is only one, `tracing` asks the
/// thread's own whether anybody wants a span that is used for the first time: in the threads of
/// tests beside this one, which have none, it would be nobody, for good.
fn keep_another_subscriber() {
    static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&OTHER);
}

/// A collector that runs until the test's runtime ends.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    requests: Requests,
}

impl Collector {
    pub(crate) async fn start() -> Collector {
        keep_another_subscriber();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Requests::default();
        let app =
            Router::new().route("/v1/traces", post(receive)).with_state(Arc::clone(&requests));
        crate::task::spawn("collector", async move { axum::serve(listener, app).await });
        Collector { endpoint, requests }
    }

    /// Returns a configuration that exports to this collector.
    pub(crate) fn config(&self) -> Config {
        Config { otlp_endpoint: self.endpoint.clone(), ..Config::default() }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.requests.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|r| &r.scope_spans).flat_map(|s| s.spans.clone()).collect()
    }

    pub(crate) fn span(&self, name: &str) -> Span {
        let spans = self.spans();
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "spans named {name} among {spans:?}");
        found[0].clone()
    }

    /// Returns a resource attribute that is text.
    pub(crate) fn resource(&self, key: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        let attributes = &requests.first()?.resource_spans.first()?.resource.as_ref()?.attributes;
        let value = attributes.iter().find(|one| one.key == key)?.value.clone()?.value?;
        match value {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }
}

async fn receive(State(requests): State<Requests>, body: Bytes) -> StatusCode {
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            requests.lock().unwrap().push(request);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
