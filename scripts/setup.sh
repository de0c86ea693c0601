#!/usr/bin/env bash
# Installs what building, the tests and the demo need, and only what is missing:
# Debian or Ubuntu packages (with sudo when not root), and DuckDB's prebuilt library.
#
# The library comes from inside a package of the npm registry, because DuckDB takes half an hour to
# compile on two cores. It is kept in DUCKDB_LIB_DIR (by default under ~/.cache/teatree, for every
# clone) and linked into .deps/libduckdb, where .cargo/config.toml looks when that is not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

duckdb_version=1.5.6
npm_version=1.5.6-r.1
lib_dir=${DUCKDB_LIB_DIR:-$HOME/.cache/teatree/libduckdb-$duckdb_version}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Registries fail now and then: three tries, with a pause that grows.
retry() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        [ "$try" = 3 ] || { say "failed, trying again: $*" >&2; sleep $((try * 5)); }
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# libclang-cpp, which comes with other packages, is another library.
has_libclang() {
    compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null ||
        compgen -G '/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' >/dev/null ||
        compgen -G '/usr/lib/*/libclang-[0-9]*.so*' >/dev/null
}

missing_packages() {
    has cc || echo gcc
    has c++ || echo g++
    has make || echo make
    has pkg-config || echo pkg-config
    has_libclang || echo libclang-dev
    has psql || echo postgresql-client
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    # npm is only the way to DuckDB's library.
    [ -e "$lib_dir/libduckdb.so" ] || has npm || printf '%s\n' nodejs npm
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    has apt-get || die "these are missing, and there is no apt-get to install them: ${packages[*]}"
    if [ "$(id -u)" != 0 ] && ! has sudo; then
        die "run this as root, then try again: apt-get install ${packages[*]}"
    fi
    say "installing ${packages[*]}"
    retry as_root apt-get update -qq
    retry as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null ||
        die "apt-get could not install ${packages[*]}"
}

# Fills DUCKDB_LIB_DIR. The rename at the end makes it all or nothing, also for two at once.
fetch_libduckdb() {
    local arch sha512 temp archive
    case $(uname -m) in
    x86_64)
        arch=x64
        sha512=21772b64913a904a8cd19e30c1d5671811d7fdface4b7dd53cd0300d743f43e16cf386f4e7c41ef78721ac208870d2651bc6375072145387817824315b998dd5 ;;
    aarch64)
        # No checksum of ours yet: npm compares the archive with what the registry says of it.
        arch=arm64 sha512='' ;;
    *) die "there is no prebuilt DuckDB library for $(uname -m): build with --features bundled" ;;
    esac
    say "fetching DuckDB $duckdb_version's library (25 MB)"
    mkdir -p "$(dirname "$lib_dir")"
    temp=$(mktemp -d "$lib_dir.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    retry npm pack --loglevel=error --pack-destination "$temp" \
        "@duckdb/node-bindings-linux-$arch@$npm_version" </dev/null >/dev/null ||
        die "npm could not fetch @duckdb/node-bindings-linux-$arch@$npm_version"
    archive=$(compgen -G "$temp/*.tgz")
    if [ -n "$sha512" ]; then
        echo "$sha512  $archive" | sha512sum --check --quiet ||
            die "the archive of DuckDB's library is not the one we know"
    fi
    tar -xzf "$archive" -C "$temp" --strip-components=1
    mkdir -p "$lib_dir"
    cp "$temp/LICENSE" "$lib_dir/LICENSE"
    mv "$temp/libduckdb.so" "$lib_dir/libduckdb.so"
    rm -rf "$temp"
    trap - EXIT
}

# A plain `cargo build`, without make, finds the library here.
link_libduckdb() {
    local file
    mkdir -p .deps/libduckdb
    for file in libduckdb.so LICENSE; do
        [ -e ".deps/libduckdb/$file" ] || ln -sf "$lib_dir/$file" ".deps/libduckdb/$file"
    done
}

has cargo || die "Rust is missing: install Rust 1.90 or newer (with rustup), then try again"
install_packages
[ -e "$lib_dir/libduckdb.so" ] || fetch_libduckdb
link_libduckdb
