//! Lets the program find libduckdb where the server's build puts it: beside the binaries.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for place in ["$ORIGIN", "$ORIGIN/.."] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{place}");
    }
}
