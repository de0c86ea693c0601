//! Puts the prebuilt libduckdb beside the binaries and lets them find it there, so that a built
//! `teatree` runs from any folder without variables set.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let Some(source) = env::var_os("DUCKDB_LIB_DIR").map(|dir| library_in(&PathBuf::from(dir)))
    else {
        panic!("DUCKDB_LIB_DIR is not set: run `make setup`, or build with --features bundled");
    };
    assert!(source.exists(), "{} does not exist: run `make setup`", source.display());
    println!("cargo:rerun-if-changed={}", source.display());
    // OUT_DIR is <target>/<profile>/build/<package>/out; test binaries live in <profile>/deps.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let profile = out.ancestors().nth(3).expect("OUT_DIR has a profile folder");
    let target = library_in(profile);
    let same =
        fs::metadata(&target).ok().map(|m| m.len()) == fs::metadata(&source).ok().map(|m| m.len());
    if !same {
        let partial = target.with_extension("partial");
        fs::copy(&source, &partial).expect("copy libduckdb");
        fs::rename(&partial, &target).expect("place libduckdb");
    }
    for place in ["$ORIGIN", "$ORIGIN/..", "$ORIGIN/../lib"] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{place}");
    }
}

fn library_in(dir: &Path) -> PathBuf {
    dir.join("libduckdb.so")
}
