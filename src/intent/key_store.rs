//! Idempotency keys in the log's files: by name with their record, and by place, the order in which
//! they expire.

use rocksdb::{Direction, IteratorMode};

use super::keys::{KeyName, KeyRecord};
use super::record::{Payload, decode_any};
use super::store::{Batch, KEY_ORDER, KEYS, Store, seq_of};
use super::store_error::on_read;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

impl Store {
    /// Reads a key's record.
    pub(super) fn key(&self, name: &KeyName) -> Result<Option<KeyRecord>> {
        let found = self.db().get_pinned_cf(self.family(KEYS)?, &name.0).map_err(on_read)?;
        found.map(|bytes| decode_any(&bytes)).transpose()
    }

    /// Adds a key's record to a batch.
    pub(super) fn put_key(
        &self,
        batch: &mut Batch,
        name: &KeyName,
        record: &KeyRecord,
    ) -> Result<()> {
        batch.0.put_cf(self.family(KEYS)?, &name.0, Payload::encode(record)?.at(record.seq));
        Ok(())
    }

    /// Adds a key to a batch that binds it.
    pub(super) fn put_new_key(
        &self,
        batch: &mut Batch,
        name: &KeyName,
        record: &KeyRecord,
    ) -> Result<()> {
        let value = [&record.bound_at_us.to_be_bytes()[..], &name.0].concat();
        batch.0.put_cf(self.family(KEY_ORDER)?, record.seq.0.to_be_bytes(), value);
        self.put_key(batch, name, record)
    }

    /// Adds a key's end to a batch.
    pub(super) fn forget_key(
        &self,
        batch: &mut Batch,
        seq: IntentSeq,
        name: &KeyName,
    ) -> Result<()> {
        batch.0.delete_cf(self.family(KEY_ORDER)?, seq.0.to_be_bytes());
        batch.0.delete_cf(self.family(KEYS)?, &name.0);
        Ok(())
    }

    /// Returns place, time and name of keys in the order in which they were bound.
    pub(super) fn keys_from(
        &self,
        first: IntentSeq,
        limit: usize,
    ) -> Result<Vec<(IntentSeq, i64, KeyName)>> {
        let key = first.0.to_be_bytes();
        let mode = IteratorMode::From(&key, Direction::Forward);
        let entries = self.db().iterator_cf(self.family(KEY_ORDER)?, mode).take(limit);
        entries
            .map(|entry| {
                let (key, value) = entry.map_err(on_read)?;
                let (time, name) = value.split_first_chunk::<8>().ok_or_else(|| {
                    Error::new(SqlState::DATA_CORRUPTED, "a key's place in the log is damaged")
                })?;
                Ok((seq_of(&key)?, i64::from_be_bytes(*time), KeyName(name.to_vec())))
            })
            .collect()
    }
}
