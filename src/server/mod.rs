//! The process: listeners and what runs behind them.
//!
//! - `http.rs`: versions over HTTP, for edges.

mod http;

pub use http::serve as serve_http;
