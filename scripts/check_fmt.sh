#!/usr/bin/env bash
# Checks the formatting, where rustfmt is installed: some Rust installations come without it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all --check
    echo "formatting: as rustfmt wants it"
else
    echo "formatting: not checked, because rustfmt is not installed"
fi
