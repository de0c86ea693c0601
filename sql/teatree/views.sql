-- What Teatree shows of itself, in schema teatree.

CREATE VIEW teatree_system.teatree.intents AS
SELECT seq, state, kind, statement, storage, table_name, tag, rows, sqlstate, message, accepted_at,
       durable_at, started_at, applied_at, acknowledged_at, trace_id, application_name, usename,
       idempotency_key, retry_of, retried_as
FROM teatree_intents();

-- One row: what waits for the Writer now, and what has ended since the server started.
CREATE VIEW teatree_system.teatree.intent_stats AS
SELECT queued, queued_bytes, oldest_queued_at, last_durable, applied, failed, ended_per_second,
       history_intents, history_bytes, idempotency_keys
FROM teatree_intent_stats();

-- Materialized views: how each follows what it reads, and how far it has come since the server started.
-- Triggers: what each runs, how often it has since then, and how many rows it has changed.
CREATE VIEW teatree_system.teatree.pipelines AS
SELECT schema_name, name, refresh, upkeep, inputs, populated, stale, last_input_intent, last_output_intent,
       lag_intents, lag_ms, error, failures, next_retry_at, kind, runs, rows
FROM teatree_pipelines();

-- What CALL can compute, and how it is called.
CREATE VIEW teatree_system.teatree.algorithms AS
SELECT name, signature, about FROM teatree_algorithms();

-- The last 1,000 steps of algorithms and of procedures in Polars, since the server started.
CREATE VIEW teatree_system.teatree.steps AS
SELECT run, algorithm, position, step, rows_in, rows_out, bytes_in, bytes_out, took_us, started_at
FROM teatree_steps();

CREATE VIEW teatree_system.teatree.versions AS
SELECT number, file, note, intent_seq, bytes, sha256, storage_version, created_at, tables, rows
FROM teatree_versions();

CREATE VIEW teatree_system.teatree.tables AS
SELECT teatree_system.support.schema_name(schema_name) AS schema, table_name AS name,
       'duckdb' AS storage, 'duckdb' AS engine, estimated_size AS rows, NULL::BIGINT AS bytes,
       NULL::BIGINT AS files
FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN ('teatree', 'teatree_internal')
UNION ALL
SELECT teatree_system.support.schema_name(schema_name), table_name, 'arrow', 'datafusion',
       row_count, bytes, file_count
FROM teatree_datasets();
