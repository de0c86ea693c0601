//! The witness: a small file beside the log that says up to where writes were acknowledged.
//!
//! RocksDB cannot tell a record that a crash cut off, which nobody was promised, from the loss of
//! whole records at the end: a damaged length, a cut or a zeroed page make both look the same. The
//! witness can. It is written after each synced write and before anyone is told, without a sync of
//! its own: that costs a microsecond, and outlives the process. After a power cut it may be older
//! than the log, never younger, so it never accuses a log that is whole.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::ids::IntentSeq;

/// RocksDB leaves files alone whose names it does not know.
const FILE: &str = "ACKNOWLEDGED";
const BYTES: usize = 16;

pub(super) struct Witness {
    file: File,
}

impl Witness {
    /// Opens the file in the log's folder, or makes it.
    ///
    /// # Errors
    /// 58030 when it cannot be opened.
    pub(super) fn open(dir: &Path) -> Result<Witness> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        options.open(dir.join(FILE)).map(|file| Witness { file }).map_err(|e| failed(&e))
    }

    /// Returns the last place that was acknowledged; `None` when the file does not say, because
    /// it is new or damaged itself.
    pub(super) fn last(&self) -> Option<IntentSeq> {
        let mut bytes = [0; BYTES];
        if self.file.read_exact_at(&mut bytes, 0).is_err() {
            return None;
        }
        let (seq, check) = bytes.split_at(8);
        let seq = IntentSeq(u64::from_be_bytes(seq.try_into().ok()?));
        if check != checksum(seq).to_be_bytes() {
            tracing::warn!("the log's file {FILE} is damaged, and left out of the check");
            return None;
        }
        Some(seq)
    }

    /// Notes that everything up to a place is durable and may be acknowledged.
    ///
    /// # Errors
    /// 58030 when the file cannot be written.
    pub(super) fn note(&self, seq: IntentSeq) -> Result<()> {
        let bytes = [seq.0.to_be_bytes(), checksum(seq).to_be_bytes()].concat();
        self.file.write_all_at(&bytes, 0).map_err(|error| failed(&error))
    }

    /// Brings the file to the disk.
    ///
    /// # Errors
    /// 58030 when it cannot be synced.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| failed(&error))
    }
}

/// Tells a place from any other bytes, zeros included.
fn checksum(seq: IntentSeq) -> u64 {
    seq.0.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x7465_6174_7265_6531
}

fn failed(error: &std::io::Error) -> Error {
    Error::io(&format!("could not use the log's file {FILE}"), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_the_last_place_and_says_nothing_when_damaged() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().last(), None);
        for seq in [0, 1, 700, u64::MAX] {
            Witness::open(dir.path()).unwrap().note(IntentSeq(seq)).unwrap();
            assert_eq!(Witness::open(dir.path()).unwrap().last(), Some(IntentSeq(seq)));
        }
        let path = dir.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..BYTES {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(Witness::open(dir.path()).unwrap().last(), None);
        }
        std::fs::write(&path, [0; BYTES]).unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().last(), None);
    }
}
