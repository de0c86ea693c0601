-- What Teatree shows of itself, in schema teatree.

CREATE VIEW teatree_system.teatree.intents AS
SELECT seq, state, kind, statement, storage, table_name, rows, sqlstate, message, accepted_at,
       durable_at, applied_at, trace_id, application_name, usename
FROM teatree_intents();

CREATE VIEW teatree_system.teatree.versions AS
SELECT number, file, note, intent_seq, bytes, sha256, storage_version, created_at, tables, rows
FROM teatree_versions();

CREATE VIEW teatree_system.teatree.tables AS
SELECT teatree_system.support.schema_name(schema_name) AS schema, table_name AS name,
       'duckdb' AS storage, 'duckdb' AS engine, estimated_size AS rows, NULL::BIGINT AS bytes,
       NULL::BIGINT AS files
FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND schema_name <> 'teatree_internal'
UNION ALL
SELECT teatree_system.support.schema_name(schema_name), table_name, 'arrow', 'datafusion',
       row_count, bytes, file_count
FROM teatree_datasets();
