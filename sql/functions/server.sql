-- PostgreSQL's functions about the server, privileges, sizes and settings.

CREATE MACRO teatree_system.pg.version() AS 'PostgreSQL 15.0 (Teatree 0.1.0 on DuckDB 1.5.6)';
CREATE MACRO teatree_system.pg.pg_encoding_to_char(arg_encoding) AS
  CASE WHEN arg_encoding = 6 THEN 'UTF8' WHEN arg_encoding = 0 THEN 'SQL_ASCII' ELSE '' END;
CREATE MACRO teatree_system.pg.pg_char_to_encoding(arg_name) AS
  CASE WHEN upper(replace(arg_name, '-', '')) = 'UTF8' THEN 6 WHEN upper(arg_name) = 'SQL_ASCII' THEN 0 ELSE -1 END;
CREATE MACRO teatree_system.pg.getdatabaseencoding() AS 'UTF8';
CREATE MACRO teatree_system.pg.pg_client_encoding() AS 'UTF8';
CREATE MACRO teatree_system.pg.pg_is_in_recovery() AS false;
CREATE MACRO teatree_system.pg.pg_is_wal_replay_paused() AS false;
CREATE MACRO teatree_system.pg.pg_my_temp_schema() AS
  -- There is none before it has a table.
  CASE WHEN (SELECT count(*) FROM duckdb_tables() WHERE database_name = 'temp') = 0 THEN 0::UINTEGER
       ELSE (SELECT ti_oid FROM teatree_system.support.lookup_schema WHERE ti_name = 'pg_temp_1') END;
CREATE MACRO teatree_system.pg.pg_is_other_temp_schema(arg_n) AS false;
CREATE MACRO teatree_system.pg.pg_tablespace_location(arg_t) AS '';
CREATE MACRO teatree_system.pg.pg_relation_is_publishable(arg_r) AS false;
CREATE MACRO teatree_system.pg.pg_blocking_pids(arg_pid) AS []::INTEGER[];
CREATE MACRO teatree_system.pg.pg_cancel_backend(arg_pid) AS teatree_cancel_backend(CAST(arg_pid AS INTEGER));
CREATE MACRO teatree_system.pg.pg_terminate_backend(arg_pid) AS teatree_terminate_backend(CAST(arg_pid AS INTEGER)),
  (arg_pid, arg_timeout) AS teatree_terminate_backend(CAST(arg_pid AS INTEGER));
CREATE MACRO teatree_system.pg.pg_index_column_has_property(arg_i, arg_place, arg_property) AS
  CASE WHEN lower(arg_property) IN ('orderable', 'returnable', 'search_array', 'search_nulls') THEN true
       WHEN lower(arg_property) = 'distance_orderable' THEN false
       ELSE (SELECT CASE lower(arg_property)
               WHEN 'asc' THEN ti_options[CAST(arg_place AS INTEGER)] % 2 = 0 WHEN 'desc' THEN ti_options[CAST(arg_place AS INTEGER)] % 2 = 1
               WHEN 'nulls_first' THEN ti_options[CAST(arg_place AS INTEGER)] >= 2 WHEN 'nulls_last' THEN ti_options[CAST(arg_place AS INTEGER)] < 2 END
             FROM teatree_system.support.lookup_index WHERE ti_oid = CAST(arg_i AS UINTEGER)) END;
CREATE MACRO teatree_system.pg.pg_stat_get_numscans(arg_r) AS 0::BIGINT;
-- INSERT, UPDATE and DELETE of tables; a view takes none of them.
CREATE MACRO teatree_system.pg.pg_relation_is_updatable(arg_relation, arg_triggers) AS
  CASE WHEN (SELECT ti_kind FROM teatree_system.support.lookup_kind WHERE ti_oid = arg_relation) = 'r' THEN 28 ELSE 0 END;
CREATE MACRO teatree_system.pg.pg_column_is_updatable(arg_relation, arg_number, arg_triggers) AS
  arg_number > 0 AND teatree_system.pg.pg_relation_is_updatable(arg_relation, arg_triggers) > 0;
CREATE MACRO teatree_system.pg.pg_options_to_table(arg_options) AS TABLE
  SELECT split_part(o, '=', 1) AS option_name,
         CASE WHEN contains(o, '=') THEN o[strpos(o, '=') + 1:] END AS option_value
  FROM (SELECT unnest(CAST(arg_options AS VARCHAR[])) AS o);
-- No table has partitions.
CREATE MACRO teatree_system.pg.pg_partition_tree(arg_relation) AS TABLE
  SELECT NULL::UINTEGER AS relid, NULL::UINTEGER AS parentrelid, NULL::BOOLEAN AS isleaf, NULL::INTEGER AS level WHERE false;

-- DuckDB does not tell what one table takes on disk, so a DuckDB table's size is an estimate by
-- its rows and columns, 8 bytes each; a dataset's size is what its files take.
CREATE MACRO teatree_system.pg.pg_relation_size(arg_relation) AS
    coalesce((SELECT ti_bytes FROM teatree_system.support.lookup_size
              WHERE ti_oid = teatree_system.pg.regclass_in(arg_relation)), 0),
  (arg_relation, arg_fork) AS
    coalesce((SELECT ti_bytes FROM teatree_system.support.lookup_size
              WHERE ti_oid = teatree_system.pg.regclass_in(arg_relation)), 0);
CREATE MACRO teatree_system.pg.pg_table_size(arg_relation) AS teatree_system.pg.pg_relation_size(arg_relation);
CREATE MACRO teatree_system.pg.pg_total_relation_size(arg_relation) AS teatree_system.pg.pg_relation_size(arg_relation);
CREATE MACRO teatree_system.pg.pg_indexes_size(arg_relation) AS 0::BIGINT;
CREATE MACRO teatree_system.pg.pg_tablespace_size(arg_t) AS 0::BIGINT;
-- DuckDB's file begins with three headers of 4,096 bytes, which are no blocks.
CREATE MACRO teatree_system.pg.pg_database_size(arg_d) AS
  (SELECT CAST(3 * 4096 + sum(block_size * total_blocks) AS BIGINT) FROM pragma_database_size()
   WHERE database_name = current_database());
CREATE MACRO teatree_system.pg.pg_size_pretty(arg_bytes) AS
  CASE WHEN abs(arg_bytes) < 10240 THEN arg_bytes || ' bytes'
       WHEN abs(arg_bytes) < 10485248 THEN CAST(round(arg_bytes / 1024.0) AS BIGINT) || ' kB'
       WHEN abs(arg_bytes) < 10736893952 THEN CAST(round(arg_bytes / 1048576.0) AS BIGINT) || ' MB'
       WHEN abs(arg_bytes) < 10994579406848 THEN CAST(round(arg_bytes / 1073741824.0) AS BIGINT) || ' GB'
       ELSE CAST(round(arg_bytes / 1099511627776.0) AS BIGINT) || ' TB' END;

-- The first argument is the session's process number, 0 where there is no one session.
CREATE MACRO teatree_system.support.setting_of(arg_pid, arg_setting) AS
    CASE WHEN arg_setting IS NOT NULL THEN
      coalesce((SELECT ti_setting FROM teatree_system.support.lookup_setting
                WHERE ti_pid = arg_pid AND lower(ti_name) = lower(arg_setting)),
               error('[42704] unrecognized configuration parameter "' || arg_setting || '"')) END,
  (arg_pid, arg_setting, arg_missing_ok) AS
    CASE WHEN arg_missing_ok IS NOT NULL THEN
      coalesce((SELECT ti_setting FROM teatree_system.support.lookup_setting
                WHERE ti_pid = arg_pid AND lower(ti_name) = lower(arg_setting)),
               CASE WHEN NOT arg_missing_ok THEN
                 error('[42704] unrecognized configuration parameter "' || arg_setting || '"') END) END;
CREATE MACRO teatree_system.pg.current_setting(arg_setting) AS
    teatree_system.support.setting_of(0, arg_setting),
  (arg_setting, arg_missing_ok) AS teatree_system.support.setting_of(0, arg_setting, arg_missing_ok);

-- The session computes these where their arguments are literals or parameters; else nothing does.
CREATE MACRO teatree_system.pg.pg_notify(arg_channel, arg_payload) AS
  CAST(error('[0A000] pg_notify takes literals and parameters only: ' || coalesce(arg_channel, '') || coalesce(arg_payload, '')) AS VARCHAR);
CREATE MACRO teatree_system.pg.set_config(arg_name, arg_value, arg_is_local) AS
  CAST(error('[0A000] set_config takes literals and parameters only: ' || arg_name || coalesce(arg_value, '') || arg_is_local) AS VARCHAR);

CREATE MACRO teatree_system.pg.pg_show_all_settings() AS TABLE SELECT * FROM teatree_system.pg.pg_settings;
CREATE MACRO teatree_system.pg.pg_available_extensions() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS default_version, CAST(NULL AS VARCHAR) AS comment WHERE false;
CREATE MACRO teatree_system.pg.oidvectortypes(arg_types) AS
  coalesce((SELECT string_agg(teatree_system.pg.format_type(u.ti_type, NULL), ', ' ORDER BY u.ti_place)
            FROM (SELECT unnest(arg_types) AS ti_type, generate_subscripts(arg_types, 1) AS ti_place) u), '');
CREATE MACRO teatree_system.pg.bpchar(arg_text) AS CAST(arg_text AS VARCHAR);

-- DuckDB's own functions of these names give the present.
CREATE TABLE teatree_system.support.started AS SELECT now() AS ti_at;
CREATE MACRO teatree_system.pg.pg_postmaster_start_time() AS (SELECT ti_at FROM teatree_system.support.started);
CREATE MACRO teatree_system.pg.pg_conf_load_time() AS (SELECT ti_at FROM teatree_system.support.started);
