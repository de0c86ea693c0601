#!/usr/bin/env bash
# Deletes the demo's data, if that folder is one: TEATREE_DEMO_DIR is a user's to set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dir=${TEATREE_DEMO_DIR:-$PWD/demo-data}
[ -e "$dir" ] || { echo "there is no $dir"; exit 0; }
[ -e "$dir/server.log" ] && [ -d "$dir/inbox" ] || { echo "$dir is not the demo's: left alone" >&2; exit 1; }
rm -rf -- "$dir"
echo "deleted $dir"
