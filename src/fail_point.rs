//! Fail points: places between two steps of a write where a test makes the server crash, or a
//! device fail.
//!
//! They are always compiled and off by default; passing one then costs one relaxed load. The
//! setting `fail_points` arms them, and is refused without `--debug true`:
//! `log_after_write=crash:3;manifest_before_rename=eio` crashes at the third pass of the one and
//! lets the first pass of the other fail. Each acts once. Passes count from when the server is
//! ready.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $may_fail:literal;)*) => {
        /// A place that can be armed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])* $name,)*
        }

        impl Point {
            /// All places, in the order that a write passes them.
            pub const ALL: &[Point] = &[$(Point::$name,)*];

            /// Returns the name that the setting takes.
            pub fn name(self) -> &'static str {
                match self {
                    $(Point::$name => $text,)*
                }
            }

            /// Tells whether an error can come from here; elsewhere only a crash makes sense.
            pub fn may_fail(self) -> bool {
                match self {
                    $(Point::$name => $may_fail,)*
                }
            }
        }
    };
}

points! {
    /// A COPY's rows go to a staged file.
    StagedWrite = "staged_write", true;
    /// The staged file is whole, and not synced.
    StagedBeforeSync = "staged_before_sync", true;
    /// The staged file is safe; no intent refers to it yet.
    StagedAfterSync = "staged_after_sync", true;
    /// A group of intents has its places; nothing is written.
    LogBeforeWrite = "log_before_write", true;
    /// The group is on disk; nobody knows.
    LogAfterWrite = "log_after_write", true;
    /// The Writer has the group, or soon has.
    LogAfterHandOver = "log_after_hand_over", false;
    /// The Writer begins a DuckDB transaction.
    DuckDbBeforeApply = "duckdb_before_apply", true;
    /// Everything is applied, the place too, and nothing committed.
    DuckDbBeforeCommit = "duckdb_before_commit", true;
    /// It is committed; nobody knows.
    DuckDbAfterCommit = "duckdb_after_commit", true;
    /// DuckDB meets an error, after a commit, that invalidates its instance.
    DuckDbFatal = "duckdb_fatal", true;
    /// A dataset's part files are written and synced; no manifest names them.
    DatasetAfterParts = "dataset_after_parts", true;
    /// The new manifest lies beside the old one.
    ManifestBeforeRename = "manifest_before_rename", true;
    /// The new manifest has the old one's name; the folder is not synced.
    ManifestAfterRename = "manifest_after_rename", true;
    /// A dataset is about to be dropped.
    DropBeforeRename = "drop_before_rename", true;
    /// A dropped dataset's manifest has its new name; the folder is not synced.
    DropAfterRename = "drop_after_rename", true;
    /// The data file is cloned for a version.
    VersionAfterClone = "version_after_clone", true;
    /// The clone is checked; neither it nor its manifest has its name.
    VersionBeforeRename = "version_before_rename", true;
    /// The data file of a version has its name, the manifest has not.
    VersionBetweenRenames = "version_between_renames", true;
    /// The version is there; nobody knows.
    VersionAfterRename = "version_after_rename", true;
    /// An intent is applied; its outcome is not recorded.
    OutcomeBeforeRecord = "outcome_before_record", false;
    /// The outcome is recorded.
    OutcomeAfterRecord = "outcome_after_record", false;
    /// Outcomes are on their way to the disk. `hold` keeps them from it, so that a restart replays
    /// everything.
    OutcomesWrite = "outcomes_write", false;
    /// The session knows the outcome; the client does not.
    BeforeReply = "before_reply", false;
}

/// What an armed point does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Ends the process at once, as `kill -9` does.
    Crash,
    /// A device failed.
    Eio,
    /// The disk is full.
    Enospc,
    /// The step is left out, always.
    Hold,
}

struct Armed {
    point: Point,
    action: Action,
    /// Which pass it acts on, from 1.
    at: u64,
    passes: AtomicU64,
}

static ANY: AtomicBool = AtomicBool::new(false);
static ARMED: OnceLock<Vec<Armed>> = OnceLock::new();

/// Passes a point: does what it is armed with, that is nothing outside of tests.
///
/// # Errors
/// 58030 or 53100 where the point is armed with it.
#[inline]
pub fn pass(point: Point) -> Result<()> {
    if ANY.load(Ordering::Relaxed) { act(point) } else { Ok(()) }
}

/// Passes a point where nothing can fail, but the process can end.
#[inline]
pub fn pass_or_crash(point: Point) {
    // `arm` lets such a point have no other action.
    let _ = pass(point);
}

/// Tells whether a step is to be left out.
#[inline]
pub fn holds(point: Point) -> bool {
    ANY.load(Ordering::Relaxed) && armed(point).any(|one| one.action == Action::Hold)
}

fn armed(point: Point) -> impl Iterator<Item = &'static Armed> {
    let all = ARMED.get().map_or(&[][..], Vec::as_slice);
    all.iter().filter(move |one| one.point == point)
}

#[cold]
fn act(point: Point) -> Result<()> {
    for one in armed(point).filter(|one| one.action != Action::Hold) {
        if one.passes.fetch_add(1, Ordering::Relaxed) + 1 != one.at {
            continue;
        }
        tracing::warn!(point = point.name(), action = ?one.action, "a fail point acts");
        let what = format!("fail point {}", point.name());
        match one.action {
            Action::Crash => std::process::abort(),
            Action::Eio => return Err(Error::new(SqlState::IO_ERROR, what)),
            Action::Enospc => return Err(Error::new(SqlState::DISK_FULL, what)),
            Action::Hold => {}
        }
    }
    Ok(())
}

/// Arms the points of a setting, for the life of the process.
///
/// # Errors
/// 22023 for a text that is no list of `point=action` or `point=action:pass`, and when points are
/// armed already.
pub fn arm(setting: &str) -> Result<()> {
    let armed = parse(setting)?;
    if armed.is_empty() {
        return Ok(());
    }
    ARMED.set(armed).map_err(|_| invalid("fail points are armed already".to_owned()))?;
    ANY.store(true, Ordering::Relaxed);
    tracing::warn!(%setting, "fail points are armed: this server is made to fail");
    Ok(())
}

fn parse(setting: &str) -> Result<Vec<Armed>> {
    setting.split(';').map(str::trim).filter(|one| !one.is_empty()).map(parse_one).collect()
}

fn parse_one(text: &str) -> Result<Armed> {
    let wrong = || invalid(format!("\"{text}\" is no fail point"));
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (action, at) = rest.split_once(':').unwrap_or((rest, "1"));
    let point = Point::ALL.iter().copied().find(|point| point.name() == name).ok_or_else(wrong)?;
    let action = match action {
        "crash" => Action::Crash,
        "eio" if point.may_fail() => Action::Eio,
        "hold" if point == Point::OutcomesWrite => Action::Hold,
        "enospc" if point.may_fail() => Action::Enospc,
        _ => return Err(wrong()),
    };
    let at = at.parse().ok().filter(|at| *at > 0).ok_or_else(wrong)?;
    Ok(Armed { point, action, at, passes: AtomicU64::new(0) })
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_and_a_wrong_one_refused() {
        let armed = parse("log_after_write=crash:3; manifest_before_rename=eio").unwrap();
        let read: Vec<_> = armed.iter().map(|one| (one.point, one.action, one.at)).collect();
        let want = [
            (Point::LogAfterWrite, Action::Crash, 3),
            (Point::ManifestBeforeRename, Action::Eio, 1),
        ];
        assert_eq!(read, want);
        assert!(parse("").unwrap().is_empty());
        for wrong in [
            "nowhere=crash",
            "log_after_write",
            "log_after_write=explode",
            "log_after_write=crash:0",
            "before_reply=eio",
        ] {
            assert_eq!(parse(wrong).err().unwrap().code(), SqlState::INVALID_PARAMETER_VALUE);
        }
    }

    #[test]
    fn names_are_unique_and_passing_an_unarmed_point_does_nothing() {
        let names: std::collections::BTreeSet<_> =
            Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
        for point in Point::ALL {
            pass(*point).unwrap();
        }
    }
}
