//! How an intent and its outcome lie on disk.
//!
//! Every value is `format byte · place (8 bytes, big end first) · checksum (8 bytes) · MessagePack
//! with named fields`. The checksum is the payload's XXH3 (in format 1, which is still read, the
//! start of its SHA-256); together with the place it finds a record that changed, or that stands
//! under another record's key, whatever the store below has checked. A record with another format
//! byte is refused, never guessed at.
//!
//! An intent is two values: the *head* (who, what kind, which table), kept as history, and the
//! *body* (SQL or rows), which goes away when the intent is applied, and stays as long as the
//! history when it failed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::body::{Applied, Body, Origin, too_large};
use super::keys::KeyName;
use super::storage::{RowsAt, Storage};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;

const FORMAT: u8 = 2;
/// As 2, with SHA-256 for the checksum.
const FORMAT_SHA256: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 8;

/// The largest record: inline rows at their bound and room for the rest.
pub(super) const RECORD_BYTES_MAX: usize = 20 << 20;

/// Room for most records.
const RECORD_BYTES_USUAL: usize = 512;

/// What is kept of an intent after it was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) accepted_at_us: i64,
    pub(super) origin: Origin,
    pub(super) kind: String,
    pub(super) storage: Option<Storage>,
    pub(super) table: Option<TableName>,
    /// How many rows the intent brings, where that is known before it is applied.
    pub(super) rows: Option<u64>,
    /// The staged file that holds them.
    #[serde(default)]
    pub(super) staged: Option<StagedFile>,
    /// The failed intent that this one resubmits.
    #[serde(default)]
    pub(super) retry_of: Option<IntentSeq>,
}

/// A file with an intent's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StagedFile {
    /// Relative to the data folder.
    pub(super) path: String,
    pub(super) bytes: u64,
}

impl StagedFile {
    pub(super) fn of(body: &Body) -> Option<StagedFile> {
        match body.rows() {
            Some(RowsAt::Staged { path, bytes, .. }) => {
                Some(StagedFile { path: path.clone(), bytes: *bytes })
            }
            Some(RowsAt::Inline(_)) | None => None,
        }
    }
}

/// A head to be written: what a [`Head`] is read from.
#[derive(Serialize)]
pub(super) struct NewHead<'a> {
    accepted_at_us: i64,
    origin: &'a Origin,
    kind: &'a str,
    storage: Option<Storage>,
    table: Option<&'a TableName>,
    rows: Option<u64>,
    staged: Option<StagedFile>,
    retry_of: Option<IntentSeq>,
}

impl<'a> NewHead<'a> {
    pub(super) fn new(
        accepted_at_us: i64,
        origin: &'a Origin,
        body: &'a Body,
        retry_of: Option<IntentSeq>,
    ) -> NewHead<'a> {
        NewHead {
            accepted_at_us,
            origin,
            kind: body.kind(),
            storage: body.storage(),
            table: body.table(),
            rows: body.row_count(),
            staged: StagedFile::of(body),
            retry_of,
        }
    }
}

impl Head {
    pub(super) fn key_name(&self) -> Option<KeyName> {
        let text = self.origin.idempotency_key.as_ref();
        text.map(|text| KeyName::new(&self.origin.user, text))
    }
}

/// How an intent ended, without the result rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredOutcome {
    /// When the intent was on disk; unknown for one that was replayed after a restart.
    pub durable_at_us: Option<i64>,
    /// When its turn at the Writer came.
    #[serde(default)]
    pub started_at_us: Option<i64>,
    pub applied_at_us: i64,
    /// When a client was told; absent when nobody waited any more.
    #[serde(default)]
    pub acknowledged_at_us: Option<i64>,
    pub result: StoredResult,
    /// The intent that resubmits this one, which failed.
    #[serde(default)]
    pub retried_as: Option<IntentSeq>,
}

/// Success or failure of an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StoredResult {
    Applied { tag: String, rows: u64 },
    Failed(Error),
}

impl From<&Result<Applied>> for StoredResult {
    fn from(result: &Result<Applied>) -> StoredResult {
        match result {
            Ok(applied) => StoredResult::Applied { tag: applied.tag.clone(), rows: applied.rows },
            Err(error) => StoredResult::Failed(error.clone()),
        }
    }
}

/// A value without its place: encoded by the client's own task, so that the log thread has only
/// the header left to write.
pub(super) struct Payload(Vec<u8>);

impl Payload {
    /// Encodes a value and takes its checksum.
    ///
    /// # Errors
    /// 54000 when it is larger than a record may be.
    pub(super) fn encode<T: Serialize>(value: &T) -> Result<Payload> {
        let mut bytes = Vec::with_capacity(RECORD_BYTES_USUAL);
        bytes.resize(HEADER_BYTES, 0);
        value
            .serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map())
            .map_err(|error| Error::internal(format!("an intent cannot be encoded: {error}")))?;
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(too_large(bytes.len(), RECORD_BYTES_MAX));
        }
        let sum = xxh3_64(&bytes[HEADER_BYTES..]).to_be_bytes();
        bytes[0] = FORMAT;
        bytes[9..HEADER_BYTES].copy_from_slice(&sum);
        Ok(Payload(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes the place into the header; what comes out is the value to store.
    pub(super) fn at(mut self, seq: IntentSeq) -> Vec<u8> {
        self.0[1..9].copy_from_slice(&seq.0.to_be_bytes());
        self.0
    }
}

/// Reads a value back.
///
/// # Errors
/// XX001, naming the place, when the value is not what was written there.
pub(super) fn decode<T: DeserializeOwned>(seq: IntentSeq, bytes: &[u8]) -> Result<T> {
    let corrupt = |what: &str| {
        Error::new(SqlState::DATA_CORRUPTED, format!("intent {seq} in the log is damaged: {what}"))
    };
    let Some((header, payload)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(corrupt("it is cut short"));
    };
    let sum = match header[0] {
        FORMAT => xxh3_64(payload).to_be_bytes(),
        FORMAT_SHA256 => sha256_start(payload),
        _ => {
            return Err(corrupt("its format is unknown")
                .with_hint("It may have been written by a newer Teatree."));
        }
    };
    if header[1..9] != seq.0.to_be_bytes() {
        return Err(corrupt("it belongs to another place"));
    }
    if header[9..] != sum {
        return Err(corrupt("its checksum does not match"));
    }
    rmp_serde::from_slice(payload).map_err(|error| corrupt(&error.to_string()))
}

/// Reads a value whose place is not known before: what stands under another kind of key.
///
/// # Errors
/// XX001 when the value is damaged.
pub(super) fn decode_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let place = bytes.get(1..9).and_then(|place| place.try_into().ok()).unwrap_or_default();
    decode(IntentSeq(u64::from_be_bytes(place)), bytes)
}

fn sha256_start(payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(payload);
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Bytes;
    use super::super::tag::TagKind;
    use super::*;
    use crate::types::{Interval, Numeric, ScalarType, Value};

    #[test]
    fn every_kind_of_value_survives() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int2(-2),
            Value::Int4(4),
            Value::Int8(i64::MIN),
            Value::Float4(-0.5),
            Value::Float8(f64::INFINITY),
            Value::Numeric(Numeric { unscaled: i128::MIN + 7, scale: 38 }),
            Value::Text("naïve \0 text".into()),
            Value::Bytea(vec![0, 255]),
            Value::Date(-1),
            Value::Time(1),
            Value::Timestamp(i64::MAX),
            Value::Timestamptz(-5),
            Value::Interval(Interval { months: 1, days: -2, micros: 3 }),
            Value::Uuid([7; 16]),
            Value::Array(ScalarType::Int4, vec![Value::Int4(1), Value::Null]),
        ];
        let bodies = [
            Body::Statement {
                sql: "UPDATE t SET a = $1".into(),
                params: values.clone(),
                table: Some(TableName::new("public", "t")),
                tag: TagKind::Update,
                returning: true,
                effect: crate::sql::Effect::Inserts,
                draws: Vec::new(),
            },
            Body::Rows {
                table: TableName::new("public", "t"),
                storage: Storage::Arrow,
                columns: vec!["a".into()],
                rows: RowsAt::Inline(Bytes(vec![1; 70_000])),
                tag: TagKind::Fixed("X".into()),
                create: Some("CREATE TABLE t (a int)".into()),
                draws: Vec::new(),
                replaces: false,
                source: None,
                delivered: Vec::new(),
            },
            Body::Call { procedure: "teatree.ingest".into(), args: values },
        ];
        for body in bodies {
            let bytes = Payload::encode(&body).unwrap().at(IntentSeq(9));
            assert_eq!(decode::<Body>(IntentSeq(9), &bytes).unwrap(), body);
        }
    }

    #[test]
    fn inline_rows_are_kept_as_bytes() {
        let rows = RowsAt::Inline(Bytes(vec![200; 100_000]));
        assert!(Payload::encode(&rows).unwrap().len() < 100_100);
    }

    #[test]
    fn records_of_the_first_format_are_read() {
        let mut old = Payload::encode(&"some text".to_owned()).unwrap().at(IntentSeq(3));
        old[0] = FORMAT_SHA256;
        assert!(decode::<String>(IntentSeq(3), &old).is_err());
        let sum = sha256_start(&old[HEADER_BYTES..]);
        old[9..HEADER_BYTES].copy_from_slice(&sum);
        assert_eq!(decode::<String>(IntentSeq(3), &old).unwrap(), "some text");
    }

    #[test]
    fn any_changed_byte_is_found() {
        let good = Payload::encode(&"some text".to_owned()).unwrap().at(IntentSeq(3));
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            let error = decode::<String>(IntentSeq(3), &bad).unwrap_err();
            assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "byte {index}");
        }
        for end in 0..good.len() {
            assert!(decode::<String>(IntentSeq(3), &good[..end]).is_err(), "cut at {end}");
        }
        assert!(decode::<String>(IntentSeq(4), &good).is_err());
    }
}
