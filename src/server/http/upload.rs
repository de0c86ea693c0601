//! The body of an upload as a file: never in memory, bounded in bytes and in time.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::reply::Refusal;
use crate::error::Error;
use crate::ingest::hex;
use crate::router::STAGED_FOLDER;
use crate::sqlstate::SqlState;

/// What is gathered before it is written.
const BUFFER_BYTES: usize = 256 << 10;

/// A body that came in whole. Dropping it deletes the file; one that a crash leaves is deleted at
/// the next start, like other staged files without an intent.
pub(super) struct Upload {
    pub(super) path: PathBuf,
    /// SHA-256, in hex.
    pub(super) hash: String,
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Upload {
    /// Takes a body in.
    ///
    /// # Errors
    /// 413 for too many bytes, 400 when the client hangs up, 507 when the disk is full.
    pub(super) async fn receive(
        data_dir: &Path,
        body: Body,
        bytes_max: u64,
    ) -> Result<Upload, Refusal> {
        let failed = |error: std::io::Error| Error::io("could not write a staged file", &error);
        let name = format!("{}.upload", uuid::Uuid::new_v4().simple());
        let path = data_dir.join(STAGED_FOLDER).join(name);
        let file = File::create_new(&path).await.map_err(failed)?;
        let mut upload = Upload { path, hash: String::new() };
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        let mut stream = body.into_data_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|_| {
                let message = "the content ended early";
                Refusal::bad_request(Error::new(SqlState::CONNECTION_FAILURE, message))
            })?;
            bytes += piece.len() as u64;
            if bytes > bytes_max {
                return Err(too_large(bytes_max));
            }
            hash.update(&piece);
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        upload.hash = hex(&hash.finalize());
        Ok(upload)
    }
}

/// Refuses a content by the length that its client announces.
pub(super) fn check_length(length: Option<u64>, bytes_max: u64) -> Result<(), Refusal> {
    match length {
        Some(bytes) if bytes > bytes_max => Err(too_large(bytes_max)),
        _ => Ok(()),
    }
}

fn too_large(bytes_max: u64) -> Refusal {
    let error = Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("an upload may have up to {bytes_max} bytes"),
    )
    .with_hint("Send it in parts, or raise ingest_upload_bytes_max.");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}
