//! What an upload is answered.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::ingest::Done;
use crate::sqlstate::SqlState;

/// When a client that was sent away may come again, in seconds.
const RETRY_AFTER: &str = "1";

/// An upload that is refused.
pub(super) struct Refusal {
    status: StatusCode,
    error: Error,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: Error) -> Refusal {
        Refusal { status, error }
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(error: Error) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, error)
    }
}

impl From<Error> for Refusal {
    /// The content is to blame unless the code says otherwise.
    fn from(error: Error) -> Refusal {
        let status = match (error.code(), error.code().class()) {
            (SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME, _) => StatusCode::NOT_FOUND,
            (SqlState::INSUFFICIENT_PRIVILEGE, _) => StatusCode::FORBIDDEN,
            (SqlState::DUPLICATE_OBJECT, _) => StatusCode::CONFLICT,
            (SqlState::CONFIGURATION_LIMIT_EXCEEDED, _) => StatusCode::TOO_MANY_REQUESTS,
            (SqlState::DISK_FULL, _) => StatusCode::INSUFFICIENT_STORAGE,
            (_, "53" | "57" | "58") => StatusCode::SERVICE_UNAVAILABLE,
            (_, "40" | "55") => StatusCode::CONFLICT,
            (_, "XX") => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal { status, error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal { status, error } = self;
        let mut told = json!({
            "sqlstate": error.code().as_str(),
            "message": error.message(),
        });
        let more =
            [("detail", error.detail()), ("hint", error.hint()), ("context", error.context())];
        for (name, text) in more {
            if let Some(text) = text {
                told[name] = text.into();
            }
        }
        let mut response = (status, Json(told)).into_response();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// The answer to an upload that is durable, or applied.
pub(super) fn accepted(done: Done) -> Response {
    let status = if done.is_applied { StatusCode::OK } else { StatusCode::ACCEPTED };
    let told = json!({ "intent": done.intent.0, "rows": done.rows, "rejected": done.rejected });
    (status, Json(told)).into_response()
}
