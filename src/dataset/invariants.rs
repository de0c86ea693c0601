//! What must hold of a manifest before it is published, each under a name.
//!
//! A violation is a fault of the code, so it is an internal error and nothing is published.

use std::collections::HashSet;
use std::path::Path;

use super::manifest::Manifest;
use crate::error::{Error, Result};

/// One change of a dataset, as the invariants see it.
pub(super) struct Change<'a> {
    /// The manifest that is replaced, if there is one.
    pub old: Option<&'a Manifest>,
    pub new: &'a Manifest,
    pub dir: &'a Path,
    /// A change of files alone, such as compaction: the rows and the applied intent stay.
    pub same_rows: bool,
}

type Predicate = fn(&Change) -> bool;

const INVARIANTS: &[(&str, Predicate)] = &[
    ("file names are unique", unique_file_names),
    ("file names are numbered below the next", numbered_below_next),
    ("all files exist with their size", files_exist),
    ("no part is empty", no_empty_part),
    ("each part has statistics of each column", statistics_match_columns),
    ("NOT NULL columns hold no NULL", not_null_holds),
    ("the applied intent grows", applied_seq_grows),
    ("identity stays", identity_stays),
    ("compaction keeps the rows", compaction_keeps_rows),
];

/// Checks every invariant.
pub(super) fn check(change: &Change) -> Result<()> {
    for (name, holds) in INVARIANTS {
        if !holds(change) {
            return Err(Error::internal(format!(
                "dataset {}: invariant \"{name}\" would be broken, nothing was published",
                change.new.name
            )));
        }
    }
    Ok(())
}

fn unique_file_names(change: &Change) -> bool {
    let mut seen = HashSet::new();
    change.new.parts.iter().all(|part| seen.insert(part.file.as_str()))
}

fn numbered_below_next(change: &Change) -> bool {
    let number = |file: &str| super::files::part_number(file);
    change.new.parts.iter().all(|p| number(&p.file).is_some_and(|n| n < change.new.next_part))
        && change.old.is_none_or(|old| old.next_part <= change.new.next_part)
}

fn files_exist(change: &Change) -> bool {
    change.new.parts.iter().all(|part| {
        let known = change.old.is_some_and(|old| old.parts.iter().any(|o| o.file == part.file));
        known
            || std::fs::metadata(change.dir.join(&part.file))
                .is_ok_and(|metadata| metadata.len() == part.bytes)
    })
}

fn no_empty_part(change: &Change) -> bool {
    change.new.parts.iter().all(|part| part.rows > 0)
}

fn statistics_match_columns(change: &Change) -> bool {
    change.new.parts.iter().all(|part| part.stats.len() == change.new.columns.len())
}

fn not_null_holds(change: &Change) -> bool {
    change.new.parts.iter().all(|part| {
        part.stats.iter().zip(&change.new.columns).all(|(s, c)| !c.not_null || s.nulls == 0)
    })
}

fn applied_seq_grows(change: &Change) -> bool {
    match change.old {
        None => change.new.applied_seq == change.new.create_seq,
        Some(old) if change.same_rows => change.new.applied_seq == old.applied_seq,
        Some(old) => change.new.applied_seq > old.applied_seq,
    }
}

fn identity_stays(change: &Change) -> bool {
    change.old.is_none_or(|old| {
        old.create_seq == change.new.create_seq && old.columns == change.new.columns
    })
}

fn compaction_keeps_rows(change: &Change) -> bool {
    !change.same_rows || change.old.is_some_and(|old| old.rows() == change.new.rows())
}
