-- The server, its roles, sessions and settings.

CREATE VIEW teatree_system.pg.pg_roles AS
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit,
       '********' AS rolpassword, rolvaliduntil, rolbypassrls, NULL::VARCHAR[] AS rolconfig, oid
FROM teatree_system.pg.pg_authid;

CREATE VIEW teatree_system.pg.pg_user AS
SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
       rolreplication AS userepl, rolbypassrls AS usebypassrls, '********' AS passwd,
       rolvaliduntil AS valuntil, NULL::VARCHAR[] AS useconfig
FROM teatree_system.pg.pg_authid;

CREATE VIEW teatree_system.pg.pg_shadow AS
SELECT usename, usesysid, usecreatedb, usesuper, userepl, usebypassrls, NULL::VARCHAR AS passwd,
       valuntil, useconfig
FROM teatree_system.pg.pg_user;

CREATE VIEW teatree_system.pg.pg_shdescription AS
SELECT CASE WHEN kind = 'database' THEN 5::UINTEGER ELSE a.oid END AS objoid,
       CASE WHEN kind = 'database' THEN 1262 ELSE 1260 END::UINTEGER AS classoid, value AS description
FROM teatree_system.support.object_fact
LEFT JOIN teatree_system.pg.pg_authid a ON a.rolname = object_name AND kind = 'role'
WHERE fact = 'comment' AND kind IN ('database', 'role') AND (kind = 'database' OR a.oid IS NOT NULL);

CREATE VIEW teatree_system.pg.pg_database AS
SELECT 5::UINTEGER AS oid, current_database() AS datname, 10::UINTEGER AS datdba, 6::INTEGER AS encoding,
  'c' AS datlocprovider, false AS datistemplate, true AS datallowconn, -1::INTEGER AS datconnlimit,
  0::BIGINT AS datfrozenxid, 0::BIGINT AS datminmxid, 1663::UINTEGER AS dattablespace,
  'C.UTF-8' AS datcollate, 'C.UTF-8' AS datctype, NULL::VARCHAR AS daticulocale,
  NULL::VARCHAR AS datcollversion,
  (SELECT any_value(acl) FROM teatree_system.support.object_acl WHERE kind = 'database') AS datacl, NULL::VARCHAR AS datlocale,
  NULL::VARCHAR AS daticurules, false AS dathasloginevt;

CREATE VIEW teatree_system.pg.pg_tablespace AS
SELECT 1663::UINTEGER AS oid, 'pg_default' AS spcname, 10::UINTEGER AS spcowner,
       NULL::VARCHAR[] AS spcacl, NULL::VARCHAR[] AS spcoptions
UNION ALL SELECT 1664::UINTEGER, 'pg_global', 10::UINTEGER, NULL, NULL;

-- The session asks for its own rows by its process number. The views, which are kept in other
-- views, show what holds for a session that has changed nothing.
CREATE MACRO teatree_system.support.settings_of(arg_pid) AS TABLE
SELECT name, setting, unit, category, short_desc, NULL::VARCHAR AS extra_desc, context, vartype, source,
  min_val, max_val, CASE WHEN choices IS NOT NULL THEN string_split(choices, ',') END AS enumvals,
  boot_val, reset_val, NULL::VARCHAR AS sourcefile, NULL::INTEGER AS sourceline, false AS pending_restart
FROM teatree_settings() WHERE pid = arg_pid AND category <> 'Customized Options';

CREATE VIEW teatree_system.pg.pg_settings AS SELECT * FROM teatree_system.support.settings_of(0);

CREATE MACRO teatree_system.support.prepared_statements_of(arg_pid) AS TABLE
SELECT name, statement, prepare_time,
  CASE WHEN parameter_types = '' THEN []::VARCHAR[] ELSE string_split(parameter_types, ',') END AS parameter_types,
  from_sql, 0::BIGINT AS generic_plans, 0::BIGINT AS custom_plans
FROM teatree_prepared_statements() WHERE pid = arg_pid;

CREATE VIEW teatree_system.pg.pg_prepared_statements AS
SELECT * FROM teatree_system.support.prepared_statements_of(0);

CREATE MACRO teatree_system.support.cursors_of(arg_pid) AS TABLE
SELECT name, statement, is_holdable, false AS is_binary, is_scrollable, creation_time
FROM teatree_cursors() WHERE pid = arg_pid;

CREATE VIEW teatree_system.pg.pg_cursors AS SELECT * FROM teatree_system.support.cursors_of(0);

CREATE VIEW teatree_system.pg.pg_stat_activity AS
SELECT 5::UINTEGER AS datid, s.datname, s.pid, NULL::INTEGER AS leader_pid, a.oid AS usesysid, s.usename,
  s.application_name, s.client_addr, NULL::VARCHAR AS client_hostname, s.client_port, s.backend_start,
  s.xact_start, s.query_start, s.state_change, s.wait_event_type, s.wait_event, s.state,
  NULL::BIGINT AS backend_xid, NULL::BIGINT AS backend_xmin, NULL::BIGINT AS query_id, s.query,
  'client backend' AS backend_type
FROM teatree_sessions() s LEFT JOIN teatree_system.pg.pg_authid a ON a.rolname = s.usename;

CREATE VIEW teatree_system.pg.pg_stat_progress_copy AS
SELECT c.pid, 5::UINTEGER AS datid, current_database() AS datname, coalesce(r.oid, 0::UINTEGER) AS relid,
  c.command, 'PIPE' AS type, c.bytes_processed, 0::BIGINT AS bytes_total, c.tuples_processed, c.tuples_excluded
FROM teatree_copies() c
LEFT JOIN teatree_system.support.schema_entry n ON n.name = c.schema_name
LEFT JOIN teatree_system.support.user_relation r ON r.namespace_oid = n.oid AND r.name = c.table_name;

CREATE VIEW teatree_system.pg.pg_stat_database AS
SELECT 5::UINTEGER AS datid, current_database() AS datname,
  (SELECT count(*) FROM teatree_sessions())::INTEGER AS numbackends,
  (SELECT applied FROM teatree_intent_stats()) AS xact_commit,
  (SELECT failed FROM teatree_intent_stats()) AS xact_rollback,
  0::BIGINT AS blks_read, 0::BIGINT AS blks_hit, 0::BIGINT AS tup_returned, 0::BIGINT AS tup_fetched,
  0::BIGINT AS tup_inserted, 0::BIGINT AS tup_updated, 0::BIGINT AS tup_deleted, 0::BIGINT AS conflicts,
  0::BIGINT AS temp_files, 0::BIGINT AS temp_bytes, 0::BIGINT AS deadlocks,
  NULL::BIGINT AS checksum_failures, NULL::TIMESTAMPTZ AS checksum_last_failure, 0::DOUBLE AS blk_read_time,
  0::DOUBLE AS blk_write_time, 0::DOUBLE AS session_time, 0::DOUBLE AS active_time,
  0::DOUBLE AS idle_in_transaction_time, 0::BIGINT AS sessions, 0::BIGINT AS sessions_abandoned,
  0::BIGINT AS sessions_fatal, 0::BIGINT AS sessions_killed, NULL::TIMESTAMPTZ AS stats_reset;

CREATE VIEW teatree_system.pg.pg_stat_user_tables AS
SELECT r.oid AS relid, n.name AS schemaname, r.name AS relname, 0::BIGINT AS seq_scan,
  0::BIGINT AS seq_tup_read, 0::BIGINT AS idx_scan, 0::BIGINT AS idx_tup_fetch, 0::BIGINT AS n_tup_ins,
  0::BIGINT AS n_tup_upd, 0::BIGINT AS n_tup_del, 0::BIGINT AS n_tup_hot_upd,
  CAST(r.row_count AS BIGINT) AS n_live_tup, 0::BIGINT AS n_dead_tup, 0::BIGINT AS n_mod_since_analyze,
  0::BIGINT AS n_ins_since_vacuum, NULL::TIMESTAMPTZ AS last_vacuum, NULL::TIMESTAMPTZ AS last_autovacuum,
  NULL::TIMESTAMPTZ AS last_analyze, NULL::TIMESTAMPTZ AS last_autoanalyze, 0::BIGINT AS vacuum_count,
  0::BIGINT AS autovacuum_count, 0::BIGINT AS analyze_count, 0::BIGINT AS autoanalyze_count
FROM teatree_system.support.user_relation r
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid WHERE r.kind = 'r';

CREATE VIEW teatree_system.pg.pg_stat_all_tables AS SELECT * FROM teatree_system.pg.pg_stat_user_tables;

CREATE VIEW teatree_system.pg.pg_stat_user_indexes AS
SELECT i.table_oid AS relid, i.oid AS indexrelid, n.name AS schemaname, i.table_name AS relname,
       i.name AS indexrelname, 0::BIGINT AS idx_scan, 0::BIGINT AS idx_tup_read, 0::BIGINT AS idx_tup_fetch
FROM teatree_system.support.index_entry i
JOIN teatree_system.support.schema_entry n ON n.oid = i.namespace_oid;

-- The locks that clients ask for by name. Which tables a transaction holds is not shown.
CREATE VIEW teatree_system.pg.pg_locks AS
SELECT 'advisory' AS locktype, 5::UINTEGER AS database, NULL::UINTEGER AS relation, NULL::INTEGER AS page,
  NULL::SMALLINT AS tuple, NULL::VARCHAR AS virtualxid, NULL::BIGINT AS transactionid,
  CAST(class AS UINTEGER) AS classid, CAST(object AS UINTEGER) AS objid, CAST(parts AS SMALLINT) AS objsubid,
  pid || '/1' AS virtualtransaction, pid, CASE WHEN shared THEN 'ShareLock' ELSE 'ExclusiveLock' END AS mode,
  granted, false AS fastpath, NULL::TIMESTAMPTZ AS waitstart
FROM teatree_advisory_locks();

-- Nobody counts blocks.
CREATE VIEW teatree_system.pg.pg_statio_user_tables AS
SELECT relid, schemaname, relname, 0::BIGINT AS heap_blks_read, 0::BIGINT AS heap_blks_hit,
  0::BIGINT AS idx_blks_read, 0::BIGINT AS idx_blks_hit, 0::BIGINT AS toast_blks_read,
  0::BIGINT AS toast_blks_hit, 0::BIGINT AS tidx_blks_read, 0::BIGINT AS tidx_blks_hit
FROM teatree_system.pg.pg_stat_user_tables;

CREATE VIEW teatree_system.pg.pg_statio_all_tables AS SELECT * FROM teatree_system.pg.pg_statio_user_tables;

CREATE VIEW teatree_system.pg.pg_stat_all_indexes AS SELECT * FROM teatree_system.pg.pg_stat_user_indexes;

CREATE VIEW teatree_system.pg.pg_statio_user_indexes AS
SELECT relid, indexrelid, schemaname, relname, indexrelname, 0::BIGINT AS idx_blks_read, 0::BIGINT AS idx_blks_hit
FROM teatree_system.pg.pg_stat_user_indexes;

CREATE VIEW teatree_system.pg.pg_statio_all_indexes AS SELECT * FROM teatree_system.pg.pg_statio_user_indexes;

CREATE VIEW teatree_system.pg.pg_statio_user_sequences AS
SELECT s.oid AS relid, n.name AS schemaname, s.name AS relname, 0::BIGINT AS blks_read, 0::BIGINT AS blks_hit
FROM teatree_system.support.user_relation s
JOIN teatree_system.support.schema_entry n ON n.oid = s.namespace_oid WHERE s.kind = 'S';

CREATE VIEW teatree_system.pg.pg_statio_all_sequences AS SELECT * FROM teatree_system.pg.pg_statio_user_sequences;

CREATE VIEW teatree_system.pg.pg_timezone_names AS
SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names();
