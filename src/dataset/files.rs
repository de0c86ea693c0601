//! Names of directories and files, and durable file operations.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::fail_point::{self, Point};
use crate::ids::{IntentSeq, TableName};

/// Bytes of one encoded name in a directory's name; what is longer is cut and told apart by a hash.
const ENCODED_MAX: usize = 80;

/// Returns the directory name of a dataset. It is for people's eyes and unique; the manifest
/// inside is the truth about the table's name.
pub(super) fn directory_name(name: &TableName, create_seq: IntentSeq) -> String {
    format!("{}.{}.{create_seq}", encode(&name.schema), encode(&name.table))
}

/// Writes a byte outside `[a-z0-9_]` as `=` and two hex digits. It is not `%`, because an object
/// store's path and a URL take that as an escape of their own.
fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => encoded.push(char::from(byte)),
            _ => {
                let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n & 15)]);
                encoded.extend(['=', digit(byte >> 4), digit(byte)]);
            }
        }
    }
    if encoded.len() > ENCODED_MAX {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        encoded.truncate(ENCODED_MAX - 18);
        encoded.push_str(&format!("=-{hash:016x}"));
    }
    encoded
}

/// Returns the file name of a part.
pub(super) fn part_file(number: u64) -> String {
    format!("part-{number:08}.arrow")
}

/// Reads a part's number from its file name.
pub(super) fn part_number(file: &str) -> Option<u64> {
    file.strip_prefix("part-")?.strip_suffix(".arrow")?.parse().ok()
}

/// Returns the name that a dropped dataset's manifest has.
pub(super) fn dropped_file(seq: IntentSeq) -> String {
    format!("DROPPED-{seq}.json")
}

/// Reads the dropping intent from such a name.
pub(super) fn dropped_seq(file: &str) -> Option<IntentSeq> {
    file.strip_prefix("DROPPED-")?.strip_suffix(".json")?.parse().ok().map(IntentSeq)
}

/// Makes a directory's entries durable.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| Error::io("could not sync a dataset directory", &error))
}

/// Replaces a file by one with these bytes: after a crash there is the old one or the new one.
pub(super) fn replace_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(&format!("could not write {name}"), &error);
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fail_point::pass(Point::ManifestBeforeRename)?;
    fs::rename(&temporary, dir.join(name)).map_err(failed)?;
    fail_point::pass(Point::ManifestAfterRename)?;
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_names_are_safe_unique_and_short() {
        let name = |schema: &str, table: &str| {
            directory_name(&TableName::new(schema, table), IntentSeq(7))
        };
        assert_eq!(name("public", "a_1"), "public.a_1.7");
        assert_eq!(name("public", "../Ä"), "public.=2e=2e=2f=c3=84.7");
        let long = |last: char| name("public", &format!("{}{last}", "Ü".repeat(60)));
        assert!(long('a').len() < 200 && long('a') != long('b'));
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(part_number(&part_file(12)), Some(12));
        assert_eq!(part_number("part-x.arrow"), None);
        assert_eq!(dropped_seq(&dropped_file(IntentSeq(9))), Some(IntentSeq(9)));
    }
}
