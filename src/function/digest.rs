//! Digests of the SHA-2 family, which DuckDB has only one of.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::error::{Error, Result};

/// The digest of so many bits of bytes that are written in hexadecimal digits, in such digits.
pub(super) fn sha2(bytes: &str, bits: i32) -> Result<String> {
    let bytes = unhex(bytes).ok_or_else(|| Error::internal("not hexadecimal digits"))?;
    match bits {
        224 => Ok(hex(&Sha224::digest(bytes))),
        256 => Ok(hex(&Sha256::digest(bytes))),
        384 => Ok(hex(&Sha384::digest(bytes))),
        512 => Ok(hex(&Sha512::digest(bytes))),
        bits => Err(Error::internal(format!("no digest has {bits} bits"))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
