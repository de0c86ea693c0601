-- What the data file keeps for who brings files: the rules, what came in, and what was put aside. Users
-- read these tables like any other; which rows they may change is in src/sql/own_tables.rs.
-- Run at every start, so that a data file of an earlier version gets them, too.
CREATE SCHEMA IF NOT EXISTS teatree;

-- A CHECK raises its error with its name, as those of users' tables do (src/sql/define/shape.rs).
-- Which files of the inbox go into which table. Of several rules that a file fits, the first by name takes it.
CREATE TABLE IF NOT EXISTS teatree.ingest_rules (
  name VARCHAR PRIMARY KEY,
  pattern VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  format VARCHAR,
  delimiter VARCHAR,
  header BOOLEAN,
  null_string VARCHAR,
  quote VARCHAR,
  escape VARCHAR,
  encoding VARCHAR,
  on_error VARCHAR NOT NULL DEFAULT 'reject',
  enabled BOOLEAN NOT NULL DEFAULT true,
  CHECK (CASE WHEN coalesce(name <> '', true)
    THEN true ELSE error('[23514] ingest_rules_name_check') END),
  CHECK (CASE WHEN coalesce(pattern <> '' AND NOT starts_with(pattern, '/') AND NOT contains('/' || pattern || '/', '/../'), true)
    THEN true ELSE error('[23514] ingest_rules_pattern_check') END),
  CHECK (CASE WHEN coalesce(regexp_full_match(table_name, '[^.]+(\.[^.]+)?')
    AND NOT regexp_matches(lower(table_name), '^(teatree|teatree_.*|pg_catalog|information_schema|system)\.'), true)
    THEN true ELSE error('[23514] ingest_rules_table_name_check') END),
  CHECK (CASE WHEN coalesce(format IN ('csv', 'jsonl', 'parquet', 'arrow'), true)
    THEN true ELSE error('[23514] ingest_rules_format_check') END),
  CHECK (CASE WHEN coalesce(strlen(delimiter) = 1 AND delimiter NOT IN (chr(10), chr(13)), true)
    THEN true ELSE error('[23514] ingest_rules_delimiter_check') END),
  CHECK (CASE WHEN coalesce(NOT contains(null_string, chr(10)) AND NOT contains(null_string, chr(13)), true)
    THEN true ELSE error('[23514] ingest_rules_null_string_check') END),
  CHECK (CASE WHEN coalesce(strlen(quote) = 1, true)
    THEN true ELSE error('[23514] ingest_rules_quote_check') END),
  CHECK (CASE WHEN coalesce(strlen(escape) = 1, true)
    THEN true ELSE error('[23514] ingest_rules_escape_check') END),
  CHECK (CASE WHEN coalesce(encoding IN ('utf8', 'latin1'), true)
    THEN true ELSE error('[23514] ingest_rules_encoding_check') END),
  CHECK (CASE WHEN coalesce(on_error IN ('reject', 'fail'), true)
    THEN true ELSE error('[23514] ingest_rules_on_error_check') END)
);

-- What came in, by file or over HTTP. A row with state 'done' is written in the transaction of its rows.
CREATE TABLE IF NOT EXISTS teatree.ingests (
  ended_at TIMESTAMPTZ NOT NULL,
  source VARCHAR NOT NULL,
  rule VARCHAR,
  hash VARCHAR,
  table_name VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  rows BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  sqlstate VARCHAR,
  error VARCHAR,
  intent BIGINT
);

-- Rows that their table did not take, in the transaction of those that it took.
CREATE TABLE IF NOT EXISTS teatree.rejects (
  ended_at TIMESTAMPTZ NOT NULL,
  intent BIGINT NOT NULL,
  source VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  row_number BIGINT NOT NULL,
  column_name VARCHAR,
  raw VARCHAR NOT NULL,
  sqlstate VARCHAR NOT NULL,
  reason VARCHAR NOT NULL
);
