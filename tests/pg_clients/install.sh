#!/usr/bin/env bash
# Installs the clients that are missing: psql and pgjdbc by apt, psycopg, SQLAlchemy and Django by pip
# into one virtual environment, node-postgres by npm; the last two under a cache folder and never in
# the repository.
# What cannot be installed is named and left out; run.sh then reports it as skipped.
set -u

here=$(cd "$(dirname "$0")" && pwd)
cache=${TEATREE_CLIENTS_CACHE:-$HOME/.cache/teatree/pg_clients}
mkdir -p "$cache"

say() { printf 'pg_clients: %s\n' "$*"; }

apt_install() { # package, what for
  local sudo=
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  if ! command -v apt-get >/dev/null; then
    say "$1 is missing and there is no apt-get: $2 is left out"
    return
  fi
  say "installing $1"
  if ! { $sudo apt-get install -y -qq --no-install-recommends "$1" ||
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "$1"; }; } \
    >"$cache/apt.log" 2>&1; then
    say "$1 could not be installed (see $cache/apt.log): $2 is left out"
  fi
}

command -v psql >/dev/null || apt_install postgresql-client psql

if command -v python3 >/dev/null; then
  requirements=("$here"/{psycopg3,sqlalchemy,django}/requirements.txt)
  wanted=$(cat "${requirements[@]}")
  if [ "$(cat "$cache/venv/installed" 2>/dev/null)" != "$wanted" ]; then
    say "installing psycopg, SQLAlchemy and Django"
    rm -rf "$cache/venv"
    python3 -m venv "$cache/venv" >"$cache/pip.log" 2>&1 || apt_install python3-venv psycopg
    if { [ -x "$cache/venv/bin/pip" ] || python3 -m venv "$cache/venv"; } >>"$cache/pip.log" 2>&1 &&
      "$cache/venv/bin/pip" install -q "${requirements[@]/#/-r}" >>"$cache/pip.log" 2>&1; then
      printf '%s\n' "$wanted" >"$cache/venv/installed"
    else
      say "psycopg, SQLAlchemy and Django could not be installed (see $cache/pip.log): left out"
    fi
  fi
else
  say "python3 is missing: psycopg, SQLAlchemy and Django are left out"
fi

command -v npm >/dev/null || apt_install npm node-postgres
if command -v npm >/dev/null; then
  if ! cmp -s "$here/node_postgres/package-lock.json" "$cache/node_postgres/installed"; then
    say "installing node-postgres"
    mkdir -p "$cache/node_postgres"
    cp "$here/node_postgres/package.json" "$here/node_postgres/package-lock.json" \
      "$cache/node_postgres/"
    if (cd "$cache/node_postgres" && npm ci --no-audit --no-fund >"$cache/npm.log" 2>&1); then
      cp "$here/node_postgres/package-lock.json" "$cache/node_postgres/installed"
    else
      say "node-postgres could not be installed (see $cache/npm.log): it is left out"
    fi
  fi
fi

command -v javac >/dev/null || apt_install default-jdk-headless pgjdbc
[ -f /usr/share/java/postgresql.jar ] || apt_install libpostgresql-jdbc-java pgjdbc
exit 0
