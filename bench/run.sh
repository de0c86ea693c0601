#!/usr/bin/env bash
# Measures Teatree beside embedded DuckDB and, where it is installed, PostgreSQL, in one run on one
# disk, and writes the table into bench/README.md. Under ten minutes on two cores.
#
#   bench/run.sh [--quick] [--pipelines [--minutes N]]
#     --quick      small sizes, to see that it works; writes no table
#     --pipelines  only what is about pipelines and traces; writes no table
#     --minutes N  streams events into pipelines for so long
#   TEATREE_BENCH_DIR        where the servers' data goes (a folder under /var/tmp: not memory)
#   TEATREE_BIN, TEATREE_BENCH_BIN   programs to run instead of building them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${CARGO_TARGET_DIR:-$HOME/.cache/teatree/target}
if [ -z "${TEATREE_BIN:-}" ] || [ -z "${TEATREE_BENCH_BIN:-}" ]; then
    # Both at once: apart, cargo would choose other features for the crates they share.
    cargo build --release --locked -p teatree -p teatree-bench
fi
teatree=${TEATREE_BIN:-$target/release/teatree}
bench=${TEATREE_BENCH_BIN:-$target/release/teatree-bench}
dir=$(mktemp -d "${TEATREE_BENCH_DIR:-/var/tmp}/teatree-bench.XXXXXX")
teatree_pid=''
traced_pid=''
postgres_pid=''
unset PGOPTIONS PGSERVICE PGSSLMODE PGPASSWORD PGHOST PGPORT PGUSER PGDATABASE PGHOSTADDR

stop() {
    trap '' INT TERM
    [ -z "$teatree_pid" ] || kill -TERM "$teatree_pid" 2>/dev/null || true
    [ -z "$traced_pid" ] || kill -TERM "$traced_pid" 2>/dev/null || true
    # The server's own id, from its lock file: what we started may be runuser, waiting for it.
    [ ! -e "$dir/postgres/postmaster.pid" ] ||
        kill -INT "$(head -n 1 "$dir/postgres/postmaster.pid")" 2>/dev/null || true
    [ -z "$teatree_pid" ] || wait "$teatree_pid" 2>/dev/null || true
    [ -z "$traced_pid" ] || wait "$traced_pid" 2>/dev/null || true
    [ -z "$postgres_pid" ] || wait "$postgres_pid" 2>/dev/null || true
    rm -rf -- "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

free_port() {
    local port
    for ((port = $1; port < $1 + 200; port++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    return 1
}

# ready PORT PID LOG: waits until a server answers.
ready() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        kill -0 "$2" 2>/dev/null || break
        psql -X -q -h 127.0.0.1 -p "$1" -U bench -d postgres -c 'SELECT 1' >/dev/null 2>&1 && return
        sleep 0.1
    done
    tail -n 20 "$3" >&2
    echo "a server did not start" >&2
    exit 1
}

# PostgreSQL refuses to run as root.
unprivileged() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif id postgres >/dev/null 2>&1; then
        runuser -u postgres -- "$@"
    else
        runuser -u nobody -- "$@"
    fi
}

postgres_bin() {
    local bin
    for bin in /usr/lib/postgresql/15/bin $(compgen -G '/usr/lib/postgresql/*/bin' | sort -rV); do
        [ -x "$bin/initdb" ] && { echo "$bin"; return; }
    done
    return 0
}

start_postgres() {
    local bin=$1
    chmod 755 "$dir"
    mkdir "$dir/postgres" "$dir/socket"
    if [ "$(id -u)" = 0 ]; then
        chown "$(unprivileged id -un)" "$dir/postgres" "$dir/socket"
    fi
    (cd / && unprivileged "$bin/initdb" -D "$dir/postgres" -U bench -A trust >"$dir/initdb.log" 2>&1) ||
        { cat "$dir/initdb.log" >&2; exit 1; }
    postgres_port=$(free_port 54400)
    # The settings are PostgreSQL's own: only where to listen is said.
    (cd / && unprivileged "$bin/postgres" -D "$dir/postgres" -p "$postgres_port" -k "$dir/socket" \
        -c listen_addresses=127.0.0.1 >"$dir/postgres.log" 2>&1 </dev/null) &
    postgres_pid=$!
    ready "$postgres_port" "$postgres_pid" "$dir/postgres.log"
}

teatree_port=$(free_port 54200)
"$teatree" serve --data-dir "$dir/teatree" --listen "127.0.0.1:$teatree_port" \
    >"$dir/teatree.log" 2>&1 </dev/null &
teatree_pid=$!
ready "$teatree_port" "$teatree_pid" "$dir/teatree.log"

# The same with its traces and metrics exported, to measure what that costs.
traced_port=$(free_port $((teatree_port + 1)))
sink_port=$(free_port $((traced_port + 1)))
"$teatree" serve --data-dir "$dir/traced" --listen "127.0.0.1:$traced_port" \
    --otlp-endpoint "http://127.0.0.1:$sink_port" >"$dir/traced.log" 2>&1 </dev/null &
traced_pid=$!
ready "$traced_port" "$traced_pid" "$dir/traced.log"

arguments=(--teatree "127.0.0.1:$teatree_port" --data-dir "$dir/teatree" --report bench/README.md
    --pid "$teatree_pid" --traced "127.0.0.1:$traced_port" --sink "127.0.0.1:$sink_port")
bin=$(postgres_bin)
if [ -n "$bin" ]; then
    start_postgres "$bin"
    arguments+=(--postgres "127.0.0.1:$postgres_port")
else
    echo "PostgreSQL is not installed (apt-get install postgresql): measuring without it"
fi

status=0
"$bench" "${arguments[@]}" "$@" || status=$?
[ "$status" = 0 ] || { echo "The end of the server's log:" >&2; tail -n 20 "$dir/teatree.log" >&2; }
exit "$status"
