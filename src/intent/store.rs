//! The log's files: RocksDB, tuned as a write-ahead log. The only place that names it.
//!
//! Column families, keyed by the place (8 bytes, big end first):
//! - `intents`: heads, kept as history;
//! - `bodies`: what is to be applied, until the outcome is known. So this family *is* the queue;
//! - `failed`: bodies of failed intents, as long as the history has them;
//! - `outcomes`: how each ended;
//! - `meta`: the last place given out, written with every append, and sizes.
//!
//! Two more are for idempotency keys (`key_store.rs`): `keys`, by name, and `key_order`, by place.
//!
//! Recovery mode `TolerateCorruptedTailRecords`: a record that a crash cut off at the very end was
//! never acknowledged and is dropped; a wrong checksum anywhere refuses to open. RocksDB's default
//! (point in time) would open with everything after the damage silently missing, and absolute
//! consistency would refuse after every crash during a write. The price: a power cut that keeps the
//! end of the very last record but loses its middle is refused as well, for it looks like damage.
//!
//! That alone is not enough. A damaged length in the last 32 KiB passes for a torn end, a zeroed
//! page for unused space, and a shortened file for a whole one; RocksDB then opens with
//! acknowledged intents missing. So [`Witness`] is asked for the last place, and the places must
//! have no gap; `damage_tests.rs` tries every kind of damage.
//!
//! [`Recovery::Salvage`] is for the operator who has no backup: it opens with what lies before the
//! damage, and marks the last place that was given out, so that none is given out twice.

use std::collections::BTreeMap;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    Direction, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions,
};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::body::Body;
use super::record::{Head, Payload, StoredOutcome, StoredResult, decode, decode_any};
use super::store_error::{lost, on_open, on_read, translated};
use super::witness::Witness;
use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::IntentSeq;
use crate::sqlstate::SqlState;

const INTENTS: &str = "intents";
const BODIES: &str = "bodies";
const OUTCOMES: &str = "outcomes";
const FAILED: &str = "failed";
const META: &str = "meta";
pub(super) const KEYS: &str = "keys";
pub(super) const KEY_ORDER: &str = "key_order";
const LAST_SEQ: &[u8] = b"last_seq";
const TOTALS: &[u8] = b"totals";
/// The oldest place that was not trimmed.
const FIRST_SEQ: &[u8] = b"first_seq";
/// Up to this place intents may be missing: they were given up when the log was salvaged.
const SALVAGED: &[u8] = b"salvaged";

const MIB: usize = 1 << 20;

/// What to do about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Refuse to open.
    Strict,
    /// Keep what lies before it.
    Salvage,
}

/// The open files.
pub(super) struct Store {
    db: DB,
    witness: Witness,
    #[cfg(test)]
    pub(super) probe: Probe,
}

/// Lets a test make writes fail, hold them up, and count them.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Probe {
    pub(super) fail_writes: AtomicBool,
    pub(super) gate: std::sync::Mutex<()>,
    pub(super) came_to_gate: AtomicUsize,
    pub(super) synced_writes: AtomicUsize,
}

/// Changes that reach the disk together or not at all.
#[derive(Default)]
pub(super) struct Batch(pub(super) WriteBatch);

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sizes that would take long to count at start. They are written beside what they count, so they
/// may be off by what a crash cut off between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) history_bytes: u64,
    pub(super) keys: u64,
}

/// What an intent of the history takes, and when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) seq: IntentSeq,
    pub(super) bytes: u64,
    pub(super) ended_at_us: Option<i64>,
}

impl Store {
    /// Opens the files, or makes them.
    ///
    /// # Errors
    /// 55000 when another process has them open, XX001 when they are damaged, 58030 otherwise.
    pub(super) fn open(path: &Path, recovery: Recovery) -> Result<Store> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let strict = recovery == Recovery::Strict;
        options.set_wal_recovery_mode(if strict {
            DBRecoveryMode::TolerateCorruptedTailRecords
        } else {
            DBRecoveryMode::PointInTime
        });
        options.set_track_and_verify_wals_in_manifest(strict);
        // Old write-ahead files stay until each family that wrote into them has flushed.
        options.set_max_total_wal_size(256 * MIB as u64);
        options.set_db_write_buffer_size(128 * MIB);
        options.set_max_background_jobs(2);
        options.set_max_open_files(64);
        options.set_keep_log_file_num(2);
        options.set_max_log_file_size(4 * MIB);
        let families = [INTENTS, BODIES, FAILED, OUTCOMES, META, KEYS, KEY_ORDER].map(|name| {
            let mut options = Options::default();
            if name == KEYS {
                // Nearly every look is for a key that is not there.
                let mut blocks = BlockBasedOptions::default();
                blocks.set_bloom_filter(10.0, false);
                options.set_block_based_table_factory(&blocks);
            }
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(if name == BODIES { 64 * MIB } else { 8 * MIB });
            ColumnFamilyDescriptor::new(name, options)
        });
        let db =
            DB::open_cf_descriptors(&options, path, families).map_err(|e| on_open(&e, path))?;
        let store = Store {
            db,
            witness: Witness::open(path)?,
            #[cfg(test)]
            probe: Probe::default(),
        };
        match recovery {
            Recovery::Strict => store.check_whole(path)?,
            Recovery::Salvage => store.give_up_missing()?,
        }
        Ok(store)
    }

    /// Checks that no acknowledged intent is missing, at the end or before it.
    fn check_whole(&self, path: &Path) -> Result<()> {
        let last = self.last_seq()?;
        if let Some(acknowledged) = self.witness.last().filter(|seen| *seen > last) {
            return Err(lost(last.next(), acknowledged, path));
        }
        let oldest = self.meta(FIRST_SEQ)?.max(self.salvaged()?.next());
        let mut heads = self.db.raw_iterator_cf(self.family(INTENTS)?);
        heads.seek(oldest.0.to_be_bytes());
        let mut wanted = oldest;
        while let Some(key) = heads.key() {
            let seq = seq_of(key)?;
            if seq != wanted {
                return Err(lost(wanted, IntentSeq(seq.0 - 1), path));
            }
            wanted = seq.next();
            heads.next();
        }
        heads.status().map_err(on_read)?;
        if wanted <= last { Err(lost(wanted, last, path)) } else { Ok(()) }
    }

    /// Gives up what is missing: later intents get places after all that were ever given out.
    fn give_up_missing(&self) -> Result<()> {
        let last = self.last_seq()?;
        let acknowledged = self.witness.last().unwrap_or(last);
        if acknowledged > last {
            tracing::warn!(from = last.0 + 1, to = acknowledged.0, "acknowledged intents are lost");
        }
        self.skip_to(last.max(acknowledged))
    }

    /// Makes `last` the last place given out, though it and some before it may be missing.
    pub(super) fn skip_to(&self, last: IntentSeq) -> Result<()> {
        let mut batch = Batch::default();
        self.put_last_seq(&mut batch, last)?;
        batch.0.put_cf(self.family(META)?, SALVAGED, last.0.to_be_bytes());
        self.write(batch, true)?;
        self.witness.note(last)
    }

    /// Returns the place up to which intents may be missing.
    pub(super) fn salvaged(&self) -> Result<IntentSeq> {
        self.meta(SALVAGED)
    }

    /// Notes, before anyone is told, that everything up to a place is on disk.
    pub(super) fn acknowledge(&self, last: IntentSeq) -> Result<()> {
        self.witness.note(last)
    }

    /// Writes a batch; with `sync` it is on disk when this returns.
    pub(super) fn write(&self, batch: Batch, sync: bool) -> Result<()> {
        #[cfg(test)]
        {
            self.probe.came_to_gate.fetch_add(1, Ordering::SeqCst);
            drop(self.probe.gate.lock().unwrap());
            if self.probe.fail_writes.load(Ordering::SeqCst) {
                return Err(Error::new(SqlState::IO_ERROR, "the test made this write fail"));
            }
            self.probe.synced_writes.fetch_add(usize::from(sync), Ordering::SeqCst);
        }
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        if sync {
            fail_point::pass(Point::LogBeforeWrite)?;
        }
        let written = self.db.write_opt(batch.0, &options);
        written.map_err(|e| translated("write the intent log", &e))?;
        if sync { fail_point::pass(Point::LogAfterWrite) } else { Ok(()) }
    }

    /// Brings everything written so far to the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.db.flush_wal(true).map_err(|e| translated("sync the intent log", &e))?;
        self.witness.sync()
    }

    /// Returns the last place given out.
    pub(super) fn last_seq(&self) -> Result<IntentSeq> {
        self.meta(LAST_SEQ)
    }

    /// Reads a place from `meta`; 0 where there is none.
    fn meta(&self, key: &[u8]) -> Result<IntentSeq> {
        let stored = self.db.get_pinned_cf(self.family(META)?, key).map_err(on_read)?;
        stored.map_or(Ok(IntentSeq(0)), |bytes| seq_of(&bytes))
    }

    /// Returns the oldest head's place.
    pub(super) fn first_seq(&self) -> Result<Option<IntentSeq>> {
        let mut heads = self.db.iterator_cf(self.family(INTENTS)?, IteratorMode::Start);
        heads.next().transpose().map_err(on_read)?.map(|(key, _)| seq_of(&key)).transpose()
    }

    /// Returns the places that have a body, that is no outcome, with the size of each record.
    pub(super) fn queued(&self) -> Result<Vec<(IntentSeq, usize)>> {
        let bodies = self.db.iterator_cf(self.family(BODIES)?, IteratorMode::Start);
        bodies
            .map(|entry| {
                let (key, value) = entry.map_err(on_read)?;
                Ok((seq_of(&key)?, value.len()))
            })
            .collect()
    }

    /// Reads one head.
    pub(super) fn head(&self, seq: IntentSeq) -> Result<Option<Head>> {
        self.read(INTENTS, seq)
    }

    /// Reads one body.
    pub(super) fn body(&self, seq: IntentSeq) -> Result<Option<Body>> {
        self.read(BODIES, seq)
    }

    /// Reads the body of a failed intent.
    pub(super) fn failed_body(&self, seq: IntentSeq) -> Result<Option<Body>> {
        self.read(FAILED, seq)
    }

    /// Reads one outcome.
    pub(super) fn outcome(&self, seq: IntentSeq) -> Result<Option<StoredOutcome>> {
        self.read(OUTCOMES, seq)
    }

    /// Reads heads from `last` backwards.
    pub(super) fn heads_back_from(
        &self,
        last: IntentSeq,
        limit: usize,
    ) -> Result<Vec<(IntentSeq, Head)>> {
        let key = last.0.to_be_bytes();
        let mut options = ReadOptions::default();
        options.set_verify_checksums(true);
        self.db
            .iterator_cf_opt(
                self.family(INTENTS)?,
                options,
                IteratorMode::From(&key, Direction::Reverse),
            )
            .take(limit)
            .map(|entry| {
                let (key, value) = entry.map_err(on_read)?;
                let seq = seq_of(&key)?;
                Ok((seq, decode(seq, &value)?))
            })
            .collect()
    }

    /// Adds an intent to a batch.
    pub(super) fn put_intent(
        &self,
        batch: &mut Batch,
        seq: IntentSeq,
        head: Payload,
        body: Payload,
    ) -> Result<()> {
        let key = seq.0.to_be_bytes();
        batch.0.put_cf(self.family(INTENTS)?, key, head.at(seq));
        batch.0.put_cf(self.family(BODIES)?, key, body.at(seq));
        Ok(())
    }

    /// Adds the last place given out to a batch that has intents.
    pub(super) fn put_last_seq(&self, batch: &mut Batch, seq: IntentSeq) -> Result<()> {
        batch.0.put_cf(self.family(META)?, LAST_SEQ, seq.0.to_be_bytes());
        Ok(())
    }

    /// Adds an outcome to a batch, and returns the bytes that the history grows by. The body leaves
    /// the queue: a failed intent's stays in the history.
    pub(super) fn put_outcome(
        &self,
        batch: &mut Batch,
        seq: IntentSeq,
        outcome: &StoredOutcome,
    ) -> Result<u64> {
        let key = seq.0.to_be_bytes();
        let encoded = Payload::encode(outcome)?.at(seq);
        let mut bytes = encoded.len();
        batch.0.put_cf(self.family(OUTCOMES)?, key, encoded);
        if matches!(outcome.result, StoredResult::Failed(_))
            && let Some(body) = self.db.get_pinned_cf(self.family(BODIES)?, key).map_err(on_read)?
        {
            bytes += body.len();
            batch.0.put_cf(self.family(FAILED)?, key, &body);
        }
        batch.0.delete_cf(self.family(BODIES)?, key);
        Ok(bytes as u64)
    }

    /// Adds to a batch that a failed intent was resubmitted: its body lives on in the new one.
    pub(super) fn put_retried(
        &self,
        batch: &mut Batch,
        seq: IntentSeq,
        outcome: &StoredOutcome,
    ) -> Result<()> {
        let key = seq.0.to_be_bytes();
        batch.0.put_cf(self.family(OUTCOMES)?, key, Payload::encode(outcome)?.at(seq));
        batch.0.delete_cf(self.family(FAILED)?, key);
        Ok(())
    }

    /// Adds the sizes to a batch.
    pub(super) fn put_totals(&self, batch: &mut Batch, totals: Totals) -> Result<()> {
        let encoded = Payload::encode(&totals)?.at(IntentSeq(0));
        batch.0.put_cf(self.family(META)?, TOTALS, encoded);
        Ok(())
    }

    /// Reads the sizes; all 0 for a log that has none yet.
    pub(super) fn totals(&self) -> Result<Totals> {
        let stored = self.db.get_pinned_cf(self.family(META)?, TOTALS).map_err(on_read)?;
        stored.map_or(Ok(Totals::default()), |bytes| decode_any(&bytes))
    }

    /// Adds to a batch the end of all history in `[first, end)`.
    pub(super) fn forget(&self, batch: &mut Batch, first: IntentSeq, end: IntentSeq) -> Result<()> {
        for name in [INTENTS, OUTCOMES, FAILED] {
            let (from, to) = (first.0.to_be_bytes(), end.0.to_be_bytes());
            batch.0.delete_range_cf(self.family(name)?, from, to);
        }
        batch.0.put_cf(self.family(META)?, FIRST_SEQ, end.0.to_be_bytes());
        Ok(())
    }

    /// Reads outcomes in `[first, last]`.
    pub(super) fn outcomes(
        &self,
        first: IntentSeq,
        last: IntentSeq,
    ) -> Result<BTreeMap<IntentSeq, StoredOutcome>> {
        let entries = self.entries(OUTCOMES, first, usize::MAX)?;
        entries
            .take_while(|entry| entry.as_ref().map_or(true, |(seq, _)| *seq <= last))
            .map(|entry| entry.and_then(|(seq, value)| Ok((seq, decode(seq, &value)?))))
            .collect()
    }

    /// Returns the places of failed intents whose body is kept.
    pub(super) fn failed(&self) -> Result<Vec<IntentSeq>> {
        self.entries(FAILED, IntentSeq(0), usize::MAX)?
            .map(|entry| entry.map(|(seq, _)| seq))
            .collect()
    }

    /// Returns what the oldest intents of the history take, at most `limit` of them.
    pub(super) fn oldest(&self, first: IntentSeq, limit: usize) -> Result<Vec<Kept>> {
        let mut kept: BTreeMap<IntentSeq, Kept> = BTreeMap::new();
        for entry in self.entries(INTENTS, first, limit)? {
            let (seq, value) = entry?;
            kept.insert(seq, Kept { seq, bytes: value.len() as u64, ended_at_us: None });
        }
        for name in [OUTCOMES, FAILED] {
            for entry in self.entries(name, first, limit)? {
                let (seq, value) = entry?;
                let Some(kept) = kept.get_mut(&seq) else { break };
                kept.bytes += value.len() as u64;
                if name == OUTCOMES {
                    let outcome: StoredOutcome = decode(seq, &value)?;
                    kept.ended_at_us = Some(outcome.applied_at_us);
                }
            }
        }
        Ok(kept.into_values().collect())
    }

    /// Walks a family from a place on.
    fn entries(
        &self,
        family: &str,
        first: IntentSeq,
        limit: usize,
    ) -> Result<impl Iterator<Item = Result<(IntentSeq, Box<[u8]>)>>> {
        let key = first.0.to_be_bytes();
        let mode = IteratorMode::From(&key, Direction::Forward);
        let entries = self.db.iterator_cf(self.family(family)?, mode).take(limit);
        Ok(entries.map(|entry| {
            let (key, value) = entry.map_err(on_read)?;
            Ok((seq_of(&key)?, value))
        }))
    }

    pub(super) fn db(&self) -> &DB {
        &self.db
    }

    fn read<T: serde::de::DeserializeOwned>(
        &self,
        family: &str,
        seq: IntentSeq,
    ) -> Result<Option<T>> {
        let key = seq.0.to_be_bytes();
        let found = self.db.get_pinned_cf(self.family(family)?, key).map_err(on_read)?;
        found.map(|bytes| decode(seq, &bytes)).transpose()
    }

    pub(super) fn family(&self, name: &str) -> Result<&ColumnFamily> {
        self.db
            .cf_handle(name)
            .ok_or_else(|| Error::internal(format!("the intent log has no family {name}")))
    }

    #[cfg(test)]
    pub(super) fn put_raw(&self, family: &str, seq: IntentSeq, value: &[u8]) {
        let key = seq.0.to_be_bytes();
        self.db.put_cf(self.family(family).unwrap(), key, value).unwrap();
    }

    #[cfg(test)]
    pub(super) fn get_raw(&self, family: &str, seq: IntentSeq) -> Option<Vec<u8>> {
        self.db.get_cf(self.family(family).unwrap(), seq.0.to_be_bytes()).unwrap()
    }
}

pub(super) fn seq_of(key: &[u8]) -> Result<IntentSeq> {
    let bytes: [u8; 8] = key
        .try_into()
        .map_err(|_| Error::new(SqlState::DATA_CORRUPTED, "a key in the intent log is damaged"))?;
    Ok(IntentSeq(u64::from_be_bytes(bytes)))
}
