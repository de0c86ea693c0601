//! The inbox as a folder: what lies in it, and where files go that are done with.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::submit::hex;
use crate::error::{Error, Result};

/// Where files go whose rows are in their table.
pub(super) const DONE: &str = ".done";
/// Where files go that could not be ingested.
pub(super) const FAILED: &str = ".failed";

/// Files that are seen at one look; the others are seen when these are gone.
const FILES_MAX: usize = 10_000;
/// How deep folders are looked into.
const DEPTH_MAX: usize = 8;
/// What a file takes on the disk at least.
const FILE_BYTES_MIN: u64 = 4096;

/// A file in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Relative to the inbox, with `/`.
    pub(super) path: String,
    pub(super) state: FileState,
}

/// What tells that a file has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    pub(super) bytes: u64,
    pub(super) modified_us: i64,
    inode: u64,
}

impl FileState {
    fn of(metadata: &Metadata) -> FileState {
        FileState {
            bytes: metadata.len(),
            modified_us: metadata.mtime() * 1_000_000 + metadata.mtime_nsec() / 1000,
            inode: metadata.ino(),
        }
    }

    /// Looks at a file again; `None` when it is gone.
    pub(super) fn now(path: &Path) -> Option<FileState> {
        fs::symlink_metadata(path).ok().map(|metadata| FileState::of(&metadata))
    }
}

/// Lists the files that may be taken and are wanted, by their paths. Links are not followed, since
/// they lead to files that are not the inbox's own.
pub(super) fn look(inbox: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    look_into(inbox, "", 0, &is_wanted, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn look_into(
    folder: &Path,
    prefix: &str,
    depth: usize,
    is_wanted: &impl Fn(&str) -> bool,
    found: &mut Vec<Found>,
) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("could not read the inbox", &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_taken(&name) || found.len() >= FILES_MAX {
            continue;
        }
        // It may be gone already.
        let Ok(metadata) = entry.metadata() else { continue };
        let path = format!("{prefix}{name}");
        if metadata.is_file() && is_wanted(&path) {
            found.push(Found { path, state: FileState::of(&metadata) });
        } else if metadata.is_dir() && depth < DEPTH_MAX {
            look_into(&entry.path(), &format!("{path}/"), depth + 1, is_wanted, found)?;
        }
    }
    Ok(())
}

/// Tells whether a name is that of a file that is meant to be taken, or of a folder of such.
pub(super) fn is_taken(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && !lower.ends_with(".tmp") && !lower.ends_with(".part")
}

/// Hashes a file's content: SHA-256, in hex.
pub(super) fn hash(path: &Path) -> Result<String> {
    let failed = |error: std::io::Error| Error::io("could not read the file", &error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

/// Moves a file out of the way, below a folder of the inbox. One of the same path there with
/// another content stays beside it.
pub(super) fn move_to(inbox: &Path, folder: &str, path: &str, hash: Option<&str>) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(&format!("could not move \"{path}\""), &error);
    let relative = Path::new(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::internal("a file of the inbox lies outside of it"));
    }
    let wanted = inbox.join(folder).join(relative);
    if let Some(parent) = wanted.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let free = (0..).map(|number| beside(&wanted, hash, number)).find(|name| !name.exists());
    let target = free.unwrap_or(wanted);
    match fs::rename(inbox.join(relative), target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        moved => moved.map_err(failed),
    }
}

/// The names that a moved file may get: its own, then with the start of its hash, then numbered.
fn beside(wanted: &Path, hash: Option<&str>, number: u32) -> PathBuf {
    let hash = hash.and_then(|hash| hash.get(..12)).unwrap_or("again");
    let ending = match number {
        0 => return wanted.to_owned(),
        1 => format!(".{hash}"),
        _ => format!(".{hash}.{number}"),
    };
    let mut name = wanted.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Deletes the oldest files of the folder of done ones, by when they came there, until the rest has
/// no more than so many bytes.
pub(super) fn prune(inbox: &Path, bytes_max: u64) -> Result<()> {
    let mut files = Vec::new();
    list_done(&inbox.join(DONE), 0, &mut files);
    let mut bytes: u64 = files.iter().map(|file| file.1).sum();
    files.sort();
    for (_, size, path) in files {
        if bytes <= bytes_max {
            break;
        }
        fs::remove_file(&path)
            .map_err(|error| Error::io("could not delete an ingested file", &error))?;
        bytes -= size;
    }
    Ok(())
}

fn list_done(folder: &Path, depth: usize, files: &mut Vec<((i64, i64), u64, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            let came = (metadata.ctime(), metadata.ctime_nsec());
            files.push((came, metadata.len().max(FILE_BYTES_MIN), entry.path()));
        } else if metadata.is_dir() && depth <= DEPTH_MAX {
            list_done(&entry.path(), depth + 1, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(inbox: &Path) -> Vec<String> {
        look(inbox, |path| path != "other.csv")
            .unwrap()
            .into_iter()
            .map(|found| found.path)
            .collect()
    }

    #[test]
    fn hidden_and_unfinished_files_and_links_are_left() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sub/.git")).unwrap();
        for name in [
            "b.csv",
            "a.csv",
            ".a.csv",
            "a.csv.tmp",
            "A.PART",
            "sub/c.csv",
            "sub/.git/d",
            "other.csv",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("a.csv"), dir.path().join("link.csv")).unwrap();
        assert_eq!(paths(dir.path()), ["a.csv", "b.csv", "sub/c.csv"]);
    }

    #[test]
    fn a_moved_file_replaces_none() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["one", "two", "three"] {
            fs::write(dir.path().join("a.csv"), text).unwrap();
            let hash = hash(&dir.path().join("a.csv")).unwrap();
            move_to(dir.path(), DONE, "a.csv", Some(&hash)).unwrap();
        }
        assert_eq!(fs::read_dir(dir.path().join(DONE)).unwrap().count(), 3);
        assert!(move_to(dir.path(), DONE, "../a.csv", None).is_err());
        prune(dir.path(), 2 * FILE_BYTES_MIN).unwrap();
        assert_eq!(fs::read_dir(dir.path().join(DONE)).unwrap().count(), 2);
        assert!(!dir.path().join(DONE).join("a.csv").exists(), "the oldest goes first");
    }
}
