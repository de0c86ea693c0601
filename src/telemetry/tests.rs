//! Traces reach a real collector with the right parents, across threads.

use super::testing::Collector;
use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_traceparent_is_read_as_w3c_wants() {
    assert_eq!(trace_id(PARENT).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    let later = PARENT.replacen("00-", "01-", 1) + "-what-the-future-brings";
    assert!(trace_id(&later).is_some());
    for bad in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(trace_id(bad), None, "{bad}");
    }
}

#[test]
fn an_endpoint_that_is_no_address_is_refused() {
    let config = Config { otlp_endpoint: "localhost:4318".into(), ..Config::default() };
    let error = layers(&config).unwrap_err();
    assert_eq!(error.code(), SqlState::INVALID_PARAMETER_VALUE);
    assert!(error.message().contains("localhost:4318"));
}

#[test]
fn without_an_endpoint_there_is_no_traceparent() {
    for log_format in [LogFormat::Text, LogFormat::Json] {
        let (dispatch, telemetry) = layers(&Config { log_format, ..Config::default() }).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("parse");
            // Where this is the only subscriber, spans are not made at all: they would cost every
            // statement.
            let unwanted = |metadata| dispatch.register_callsite(metadata).is_never();
            assert!(span.metadata().is_none_or(unwanted));
            set_parent(&span, Some(PARENT));
            assert_eq!(span.in_scope(current_traceparent), None);
        });
        telemetry.shutdown();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_goes_through_threads() {
    let collector = Collector::start().await;
    let config = collector.config();
    crate::task::blocking(move || {
        let (dispatch, telemetry) = layers(&config)?;
        let carried = tracing::dispatcher::with_default(&dispatch, || {
            let parse = tracing::info_span!("parse", statement = "INSERT");
            set_parent(&parse, Some(PARENT));
            parse.in_scope(|| tracing::info_span!("append").in_scope(current_traceparent))
        });
        let for_writer = dispatch.clone();
        let writer = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&for_writer, || {
                let task = tracing::debug_span!("task");
                task.in_scope(|| {
                    let apply = tracing::info_span!("apply");
                    set_parent(&apply, carried.as_deref());
                    apply.in_scope(|| {});
                });
            });
        });
        writer.join().unwrap();
        telemetry.shutdown();
        Ok(())
    })
    .await
    .unwrap();
    let (parse, append, apply) =
        (collector.span("parse"), collector.span("append"), collector.span("apply"));
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for span in [&parse, &append, &apply] {
        assert_eq!(hex(&span.trace_id), "0af7651916cd43dd8448eb211c80319c");
    }
    assert_eq!(hex(&parse.parent_span_id), "b7ad6b7169203331");
    assert_eq!(append.parent_span_id, parse.span_id);
    assert_eq!(apply.parent_span_id, append.span_id);
    assert!(parse.attributes.iter().any(|one| one.key == "statement"));
    assert!(collector.spans().iter().all(|span| span.name != "task"));
    assert_eq!(collector.resource("service.name").as_deref(), Some("teatree"));
    assert!(collector.resource("service.version").is_some());
}
