# Teatree's commands. `make` alone lists them.

# One target folder for every clone, so that a second clone does not compile 500 crates again.
CARGO_TARGET_DIR ?= $(HOME)/.cache/teatree/target
# Where scripts/setup.sh keeps DuckDB's library: a path that is the same in every clone, because cargo
# rebuilds DuckDB's crates when it changes.
DUCKDB_LIB_DIR ?= $(HOME)/.cache/teatree/libduckdb-1.5.6
export CARGO_TARGET_DIR DUCKDB_LIB_DIR

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-fmt test-rust test-clients-light test-clients compat torture \
	bench clean-demo fmt lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (apt packages, DuckDB's library); quick when nothing is
	@scripts/setup.sh

build: setup ## build the server, optimised
	cargo build --release --locked --workspace

demo: build ## load a year of flights and keep a server up to try it, until Ctrl-C
	@scripts/demo.sh

test: test-fmt test-rust test-clients-light ## everything that CI runs

test-fmt:
	@scripts/check_fmt.sh

# One build serves the Rust tests and the clients: another set of packages would be another set of
# features, and compile hundreds of crates twice.
test-rust: setup ## the Rust tests
	cargo test --locked --workspace

test-clients-light: setup ## the light PostgreSQL clients against the development build
	cargo test --locked --workspace --no-run
	tests/pg_clients/install.sh
	tests/pg_clients/run.sh

# The heavy ones take two gigabytes, and on two cores about an hour.
test-clients: setup ## all PostgreSQL clients, the heavy ones too, against the development build
	cargo test --locked --workspace --no-run
	tests/pg_clients/install.sh --heavy
	tests/pg_clients/run.sh --heavy

# The table in the README is written anew. What disagrees and is not in tests/pg_compat/known.tsv fails.
compat: setup ## statements on Teatree and on PostgreSQL 15, compared; needs Debian's postgresql-15
	cargo test --locked --workspace --no-run
	tests/pg_clients/install.sh
	tests/pg_compat/run --readme

# The same build as the tests'; MINUTES=60 is some hundreds of kills.
torture: setup ## kill a busy server again and again, and check every promise (MINUTES=60)
	TEATREE_TORTURE_MINUTES=$(or $(MINUTES),60) cargo test --locked --workspace torture:: -- --nocapture

bench: setup ## measure against embedded DuckDB and PostgreSQL, and write the table into bench/README.md
	@bench/run.sh

clean-demo: ## delete the demo's data (TEATREE_DEMO_DIR, or ./demo-data)
	@scripts/clean_demo.sh

fmt: ## format the code
	cargo fmt --all

lint: setup ## clippy; checks every crate again, so it takes a while
	cargo clippy --locked --workspace --all-targets -- -D warnings
