//! The durable queue of writes: append with group commit, read back what was not applied, outcomes.
//!
//! The path through it: a session builds an [`Origin`] and a [`Body`] and awaits
//! [`IntentLog::append`] (`append.rs`), which waits for room (`room.rs`), encodes (`record.rs`) and
//! hands the record to the log thread, or takes its pen when nobody else writes (`pen.rs`). Who
//! has the pen (`appender.rs`) gives out places, writes many records with one synced write
//! (`store.rs`), tells the sessions, and passes each [`Accepted`] on to the Writer in order. The
//! Writer applies and calls [`IntentLog::record_outcomes`] (`outcomes.rs`), which wakes the session
//! and frees the room. `history.rs` reads it all back for `teatree.intents`, until `trim.rs` ends
//! it.
//!
//! Beside it: when clients are told, and what reads wait for (`ack.rs`, `promised.rs`,
//! `definitions.rs`), idempotency keys (`keys.rs`, `key_store.rs`), failed intents resubmitted
//! (`retry.rs`), the files that intents' rows are staged in (`staged.rs`), and what they came from
//! (`source.rs`).
//!
//! **Invariant:** a place that `append` gave out is on disk, and every smaller place is too.
//! **Invariant:** a write that failed to reach the disk poisons the log until restart; after such
//! a failure nobody can know what the disk holds, so nothing more is promised.
//!
//! Not here: applying, and knowing what was applied. Each target keeps its own applied
//! [`IntentSeq`](crate::ids::IntentSeq) with its data; that, not the outcomes here, is the truth
//! at replay.

mod ack;
mod action;
mod append;
mod appender;
mod body;
mod bytes;
mod compute;
mod covers;
mod definitions;
mod draw;
mod deliver;
mod export;
mod history;
mod key_store;
mod keys;
mod log;
mod outcomes;
mod pen;
mod promised;
mod record;
mod result_set;
mod retry;
mod room;
mod source;
mod staged;
mod state;
mod storage;
mod store;
mod store_error;
mod tag;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod tests;
mod trim;
mod values;
mod view_rows;
mod witness;

pub use ack::Ack;
pub use action::Action;
pub use body::{
    Applied, Body, DatasetChange, INLINE_BYTES_MAX, Intent, Origin, Outcome, STATEMENT_BYTES_MAX,
};
pub use bytes::Bytes;
pub use compute::{Compute, ComputeInput};
pub use covers::fault_code;
pub use definitions::Moment;
pub use deliver::{DatasetTarget, Deliver};
pub use draw::{Draw, Drawn};
pub use export::Export;
pub use history::{IntentRow, IntentState, IntentStats};
pub use keys::{IdempotencyKey, KEY_BYTES_MAX};
pub use log::{Accepted, AppendOptions, IntentLog, LogLimits, Ticket};
pub use promised::ReadScope;
pub use record::{StoredOutcome, StoredResult};
pub use result_set::ResultSet;
pub use source::{IngestTag, Reject, Source};
pub use storage::{RowsAt, Storage};
pub use tag::{TagKind, stands_apart};
pub use values::{TargetColumns, Values, ValuesTarget};
pub use view_rows::{AsOf, ViewRows};
