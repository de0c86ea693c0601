#!/usr/bin/env bash
# The demo: starts a server on its own data folder, loads a year of flights through the normal write
# path over the wire (the first time), and keeps the server up until Ctrl-C.
#
#   TEATREE_DEMO_DIR  where the data goes              (./demo-data)
#   TEATREE_DEMO_PORT where to start looking for a port (5432)
#   TEATREE_BIN       the server                        (the release build)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dir=${TEATREE_DEMO_DIR:-$PWD/demo-data}
bin=${TEATREE_BIN:-${CARGO_TARGET_DIR:-$HOME/.cache/teatree/target}/release/teatree}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
first_port=${TEATREE_DEMO_PORT:-5432}
server_pid=''
# What the user's own settings for psql say is about other servers.
unset PGOPTIONS PGSERVICE PGSSLMODE PGPASSWORD PGHOST PGPORT PGUSER PGDATABASE PGHOSTADDR

die() { printf '\n%s\n' "$*" >&2; exit 1; }
port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
thousands() { sed -e ':a' -e 's/\B[0-9]\{3\}\>/,&/' -e 'ta'; }

psql=(psql -X -q -P pager=off -v ON_ERROR_STOP=1 -h 127.0.0.1 -U demo -d postgres)
ask() { "${psql[@]}" -p "$port" "$@"; }
value() { ask -A -t -c "$1"; }

# Stops the server by its id and waits for it: what it was told is on disk before we go.
stop() {
    trap '' INT TERM
    if [ -n "$server_pid" ] && kill -0 "$server_pid" 2>/dev/null; then
        printf '\nStopping the server ...'
        kill -TERM "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
        printf ' done. Your data is in %s; make clean-demo deletes it. Goodbye.\n' "$dir"
    fi
}
trap stop EXIT
trap 'exit 0' INT TERM

start() {
    local tries
    port=$first_port
    for ((tries = 0; tries < 100; tries++, port++)); do
        port_is_taken "$port" || break
        echo "Port $port is taken."
    done
    mkdir -p "$dir/inbox"
    "$bin" serve --data-dir "$dir" --listen "127.0.0.1:$port" >>"$dir/server.log" 2>&1 </dev/null &
    server_pid=$!
    for ((tries = 0; tries < 600; tries++)); do
        kill -0 "$server_pid" 2>/dev/null || failed_to_start
        value 'SELECT 1' >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    die "The server did not answer within a minute; see $dir/server.log"
}

failed_to_start() {
    tail -n 15 "$dir/server.log" >&2 || true
    server_pid=''
    die "The server did not start; the whole log is $dir/server.log"
}

has_rows() {
    local tables rows
    tables=$(value "SELECT count(*) FROM teatree.tables WHERE name = '$1'") || die 'The server did not answer.'
    [ "$tables" != 0 ] || return 1
    rows=$(value "SELECT count(*) FROM $1") || die 'The server did not answer.'
    [ "$rows" != 0 ]
}

# load TABLE HOW ARGUMENTS...: fills a table by psql with these arguments, unless it has rows.
load() {
    local table=$1 how=$2 start took rows
    shift 2
    if has_rows "$table"; then
        rows=$(value "SELECT count(*) FROM $table" | thousands)
        printf '  %-14s %8s rows   there already\n' "$table" "$rows"
        return
    fi
    if [ -t 1 ]; then printf '  %-14s ...' "$table"; fi
    start=${EPOCHREALTIME//[.,]/}
    ask "$@" >/dev/null
    took=$((${EPOCHREALTIME//[.,]/} - start))
    rows=$(value "SELECT count(*) FROM $table" | thousands)
    if [ -t 1 ]; then printf '\r\033[K'; fi
    printf '  %-14s %8s rows %3d.%02d s   %s\n' "$table" "$rows" \
        $((took / 1000000)) $((took % 1000000 / 10000)) "$how"
}

# ingest TABLE: puts its Parquet file into the server's inbox and calls the procedure.
ingest() {
    local file=$1.parquet
    if ! has_rows "$1"; then cp "sql/demo/data/$file" "$dir/inbox/$file"; fi
    load "$1" "CALL teatree.ingest('$1', '$file')" -v "table=$1" -v "file=$file" -f sql/demo/ingest.sql
    rm -f "$dir/inbox/$file"
}

load_all() {
    echo 'Every flight that left New York City in 2013, through the write path, over the wire:'
    load airlines 'CREATE TABLE, COPY FROM STDIN' -f sql/demo/airlines.sql
    ingest airports
    ingest planes
    ingest weather
    ingest flights
    load flights_arrow 'CREATE TABLE ... USING arrow AS SELECT * FROM flights' -f sql/demo/flights_arrow.sql
}

show_both_engines() {
    local flights
    for flights in flights flights_arrow; do
        printf '\nWhich airlines arrived latest? Asked of %s:\n' "$flights"
        ask -v "flights=$flights" -f sql/demo/question.sql
        ask -A -t -v "flights=$flights" -f sql/demo/explain.sql | head -n 4 | sed 's/^/  /'
    done
}

# stream: sends a year of departures, a day at a time, as fast as they are taken; a second session
# listens meanwhile, and what it is told is shown.
stream() {
    local told=$dir/anomalies.log start took rows notifications listener_pid number
    printf '\nDepartures stream in, a day at a time; two views and an algorithm follow each statement (sql/demo/live.sql):\n'
    ask -f sql/demo/live.sql >/dev/null
    if has_rows departures; then
        ask -c 'TRUNCATE departures, anomalies' >/dev/null
    fi
    # A client is told when it asks for something; this one asks four times a second.
    (echo 'LISTEN anomalies;'; while sleep 0.25; do echo 'SELECT 1 WHERE false;'; done) |
        exec "${psql[@]}" -p "$port" -A -t >"$told" 2>&1 & # exec: what is killed is psql itself
    listener_pid=$!
    sleep 0.5
    start=${EPOCHREALTIME//[.,]/}
    for ((number = 0; number < 365; number++)); do
        printf '\\set day %s\n' "$(date -d "2013-01-01 + $number days" +%F)"
        cat sql/demo/departures.sql
    done | ask >/dev/null
    took=$((${EPOCHREALTIME//[.,]/} - start))
    sleep 0.5
    kill "$listener_pid" 2>/dev/null || true
    wait "$listener_pid" 2>/dev/null || true
    rows=$(value 'SELECT count(*) FROM departures' | thousands)
    printf '  %s departures in %d.%02d s, 365 statements\n' "$rows" \
        $((took / 1000000)) $((took % 1000000 / 10000))
    ask -c 'SELECT carrier, flights, round(delay::numeric, 1) AS minutes_late FROM live_by_airline
            ORDER BY flights DESC LIMIT 3'
    notifications=$(grep -c '^Asynchronous notification "anomalies"' "$told") || true
    echo "A second psql, which listens to anomalies, was told $notifications times; the last three:"
    { grep '^Asynchronous' "$told" || true; } | tail -n 3 | cut -c 1-150 | sed 's/^/  /'
    echo 'What the algorithm did last, step by step:'
    ask -c 'SELECT algorithm, position, step, rows_in, rows_out, took_us FROM teatree.steps
            WHERE run = (SELECT max(run) FROM teatree.steps) ORDER BY position'
}

publish_first_version() {
    [ "$(value 'SELECT count(*) FROM teatree.versions')" = 0 ] || return 0
    printf '\nPublishing a version of it all:\n'
    ask -f sql/demo/publish.sql
}

invite() {
    local newest
    newest=$(value 'SELECT file FROM teatree.versions ORDER BY number DESC LIMIT 1')
    newest=$dir/versions/${newest##*/}
    printf '\n%s\n' '-- Six things to try -------------------------------------------------------------'
    cat sql/demo/try.sql
    cat <<END

   A version needs no server: pip install duckdb, then
     python3 -c "import duckdb; print(duckdb.connect('$newest', read_only=True).sql('SELECT count(*) FROM flights'))"
----------------------------------------------------------------------------------
Connect from another terminal:  psql -h 127.0.0.1 -p $port -U demo postgres
All six in one go:              psql -h 127.0.0.1 -p $port -U demo -f sql/demo/try.sql postgres
The server's log:               $dir/server.log
Ctrl-C stops it; the next make demo starts on this data.
END
}

[ -x "$bin" ] || die "$bin is not built: run make demo, or make build first"
start
echo "Teatree serves $dir on 127.0.0.1:$port"
load_all
show_both_engines
stream
publish_first_version
invite

status=0
wait "$server_pid" || status=$?
server_pid=''
[ "$status" = 0 ] || { tail -n 15 "$dir/server.log" >&2; die "The server ended by itself ($status)."; }
