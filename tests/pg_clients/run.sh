#!/usr/bin/env bash
# Runs the clients' scripts against one server, and says per client `ok`, `skipped: reason` or
# `FAILED`. The last line is `N passed, N failed, N skipped`; the exit status is 0 when none failed.
#
#   tests/pg_clients/run.sh                   the light clients
#   tests/pg_clients/run.sh --heavy           all of them, the heavy ones last; or --all
#   tests/pg_clients/run.sh client…           these, light or heavy
#
# With PGHOST and PGPORT set it uses that server; else it starts the built `teatree` (TEATREE_BIN,
# or cargo's target folder) on a folder and a port of its own, and stops it at the end.
# A client's script exits 0 for success and 77, with the reason as its last line, for "not here". It
# has 300 seconds; a heavy one has those that its file `heavy` names, if it names any.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export TEATREE_CLIENTS_CACHE=${TEATREE_CLIENTS_CACHE:-$HOME/.cache/teatree/pg_clients}
. "$here/clients.sh"
choose_clients "$@"
work=$(mktemp -d)
server=
running=

finish() {
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null # timeout hands the signal on to the client
    wait "$running" 2>/dev/null
  fi
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000)) # below those that the system gives to connections
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

accepts() { (exec 3<>"/dev/tcp/$PGHOST/$PGPORT") 2>/dev/null; }

start_server() {
  local bin=${TEATREE_BIN:-}
  if [ -z "$bin" ]; then
    if [ -n "${CARGO_TARGET_DIR:-}" ]; then # never a stale build from elsewhere
      bin=$CARGO_TARGET_DIR/debug/teatree
    else
      for target in "$root/target" "$HOME/.cache/teatree/target"; do
        [ -x "$target/debug/teatree" ] && bin="$target/debug/teatree" && break
      done
    fi
  fi
  if [ ! -x "$bin" ]; then
    echo "pg_clients: no teatree to start: build it, or set TEATREE_BIN, or PGHOST and PGPORT"
    exit 2
  fi
  export PGHOST=127.0.0.1 PGPORT
  PGPORT=$(free_port)
  "$bin" serve --data-dir "$work/data" --listen "$PGHOST:$PGPORT" >"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    accepts && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "pg_clients: the server did not start:"
  cat "$work/server.log"
  exit 2
}

# seconds CLIENT: how long it may take.
seconds() {
  local given
  given=$(cat "$here/$1/heavy" 2>/dev/null)
  echo "${given:-300}"
}

if [ -z "${PGHOST:-}" ] || [ -z "${PGPORT:-}" ]; then start_server; fi
export PGUSER=${PGUSER:-postgres} PGDATABASE=${PGDATABASE:-postgres} PGCONNECT_TIMEOUT=10

passed=0 failed=0 skipped=0
for client in "${clients[@]}"; do
  limit=$(seconds "$client")
  # In the background, so that a signal ends this script at once and not after the client.
  timeout -k 10 "$limit" "$here/$client/run" >"$work/$client.out" 2>&1 </dev/null &
  running=$!
  wait "$running"
  status=$?
  running=
  case $status in
  0)
    echo "$client: ok"
    grep 'no longer to be named' "$work/$client.out" | sed 's/^/    /'
    passed=$((passed + 1))
    ;;
  77)
    echo "$client: skipped: $(tail -n 1 "$work/$client.out")"
    skipped=$((skipped + 1))
    ;;
  *)
    echo "$client: FAILED"
    [ $status -eq 124 ] && echo "    (no end within $limit s)"
    sed 's/^/    /' "$work/$client.out"
    failed=$((failed + 1))
    ;;
  esac
done
if [ $failed -gt 0 ] && [ -n "$server" ]; then
  echo "the server's last lines:"
  tail -n 20 "$work/server.log" | sed 's/^/    /'
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
