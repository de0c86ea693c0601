#!/usr/bin/env bash
# Installs what the clients need and is missing:
#
#   tests/pg_clients/install.sh               for the light clients
#   tests/pg_clients/install.sh --heavy       for all of them; or --all
#   tests/pg_clients/install.sh client…       for these, light or heavy
#
# By apt psql, pgbench, pgjdbc, the Go, ODBC, PHP and Ruby clients; by pip the Python ones into a
# virtual environment, dbt and each heavy one into one of its own; by npm node-postgres and
# postgres.js; by cargo Rust's. What the last three make is under a cache folder, never in the
# repository. What cannot be installed is named and left out; run.sh then reports it as skipped.
set -u

here=$(cd "$(dirname "$0")" && pwd)
cache=${TEATREE_CLIENTS_CACHE:-$HOME/.cache/teatree/pg_clients}
mkdir -p "$cache"
sudo=
[ "$(id -u)" = 0 ] || sudo="sudo -n"
packages=()
. "$here/clients.sh"
choose_clients "$@"

say() { printf 'pg_clients: %s\n' "$*"; }

# wants CLIENT…: one of these is to be installed.
wants() {
  local client
  for client in "$@"; do
    [[ " ${clients[*]} " == *" $client "* ]] && return
  done
  return 1
}

# need PACKAGE… -- COMMAND…: apt is to install the packages where the command fails.
need() {
  local wanted=()
  while [ "$1" != -- ]; do
    wanted+=("$1")
    shift
  done
  shift
  "$@" >/dev/null 2>&1 || packages+=("${wanted[@]}")
}

apt_get() { # with what was known of the packages, and once more with what is known now
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
  $sudo "${install[@]}" "$@" || { $sudo apt-get update -qq && $sudo "${install[@]}" "$@"; }
}

# All at once; where that fails, each by itself, so that one package hides no other.
install_packages() {
  [ ${#packages[@]} -gt 0 ] || return
  if ! command -v apt-get >/dev/null; then
    say "there is no apt-get for ${packages[*]}: their clients are left out"
    return
  fi
  say "installing ${packages[*]}"
  apt_get "${packages[@]}" >"$cache/apt.log" 2>&1 && return
  local package
  for package in "${packages[@]}"; do
    apt_get "$package" >"$cache/apt.log" 2>&1 ||
      say "$package could not be installed (see $cache/apt.log): it is left out"
  done
}

# pgbench comes with the server, which is not to make a cluster and start.
no_cluster() {
  local settings=/etc/postgresql-common/createcluster.conf
  [ -e $settings ] && return
  $sudo mkdir -p "$(dirname $settings)"
  echo 'create_main_cluster = false' | $sudo tee $settings >/dev/null
}

has_pgbench() { compgen -G '/usr/lib/postgresql/*/bin/pgbench' >/dev/null; }

# python_clients NAME FOLDER…: a virtual environment with what the clients of the folders need, if
# one of them is wanted.
python_clients() {
  local name=$1 requirements=() wanted
  shift
  wants "$@" || return
  requirements=("${@/%//requirements.txt}")
  requirements=("${requirements[@]/#/$here/}")
  wanted=$(cat "${requirements[@]}")
  [ "$(cat "$cache/$name/installed" 2>/dev/null)" = "$wanted" ] && return
  say "installing $*"
  rm -rf "${cache:?}/$name"
  if python3 -m venv "$cache/$name" >"$cache/$name.log" 2>&1 &&
    "$cache/$name/bin/pip" install -q "${requirements[@]/#/-r}" >>"$cache/$name.log" 2>&1; then
    printf '%s\n' "$wanted" >"$cache/$name/installed"
  else
    say "$* could not be installed (see $cache/$name.log): left out"
  fi
}

# node_client FOLDER: what its lock file names, if it is wanted.
node_client() {
  wants "$1" || return
  cmp -s "$here/$1/package-lock.json" "$cache/$1/installed" && return
  say "installing $1"
  mkdir -p "$cache/$1"
  cp "$here/$1/package.json" "$here/$1/package-lock.json" "$cache/$1/"
  if (cd "$cache/$1" && npm ci --no-audit --no-fund >"$cache/$1.log" 2>&1); then
    cp "$here/$1/package-lock.json" "$cache/$1/installed"
  else
    say "$1 could not be installed (see $cache/$1.log): it is left out"
  fi
}

# rust_client FOLDER: the crates that its lock file names, and it built of them, if it is wanted.
rust_client() {
  local manifest=$here/$1/Cargo.toml
  wants "$1" || return
  if ! command -v cargo >/dev/null; then
    say "cargo is missing: $1 is left out"
    return
  fi
  [ -x "$cache/$1/debug/$1" ] || say "building $1"
  { cargo fetch --locked --manifest-path "$manifest" &&
    CARGO_TARGET_DIR=$cache/$1 cargo build --locked --manifest-path "$manifest"; } \
    >"$cache/$1.log" 2>&1 || say "$1 could not be built (see $cache/$1.log): it is left out"
}

together=(psycopg3 psycopg2 asyncpg sqlalchemy django dataframes odbc psql)
python=("${together[@]}" dbt sqlalchemy_suite dbt_suite superset pgadmin)

wants psql pgbench && need postgresql-client -- command -v psql
if wants pgbench && ! has_pgbench; then
  no_cluster
  packages+=(postgresql)
fi
wants "${python[@]}" && need python3 python3-venv -- python3 -c 'import ensurepip, venv'
wants node_postgres postgres_js && need npm -- command -v npm
if wants pgjdbc; then
  need default-jdk-headless -- command -v javac
  need libpostgresql-jdbc-java -- test -f /usr/share/java/postgresql.jar
fi
if wants go_clients; then
  need golang-go -- command -v go
  need golang-github-lib-pq-dev -- test -d /usr/share/gocode/src/github.com/lib/pq
  need golang-github-jackc-pgx-v4-dev -- test -d /usr/share/gocode/src/github.com/jackc/pgx
fi
wants odbc && need odbc-postgresql unixodbc -- grep -qs 'PostgreSQL Unicode' /etc/odbcinst.ini
wants php_pdo && need php-cli php-pgsql -- php -r 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);'
wants ruby_pg && need ruby ruby-pg -- ruby -e 'require "pg"'
install_packages

if command -v python3 >/dev/null; then
  python_clients venv "${together[@]}"
  python_clients venv_dbt dbt
  python_clients venv_suites sqlalchemy_suite
  python_clients venv_dbt_suite dbt_suite
  python_clients venv_superset superset
  python_clients venv_pgadmin pgadmin
elif wants "${python[@]}"; then
  say "python3 is missing: the Python clients are left out"
fi
if command -v npm >/dev/null; then
  node_client node_postgres
  node_client postgres_js
fi
rust_client rust_clients
exit 0
