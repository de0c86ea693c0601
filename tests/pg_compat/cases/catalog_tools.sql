-- group: Catalog
-- What psql's rarer commands, pgAdmin and dbt ask: functions, operators and casts by number and
-- name, what depends on what, sequences after a change, settings.

-- setup
CREATE SCHEMA tools;
CREATE TABLE tools.garden (id int PRIMARY KEY, name text);
CREATE TABLE tools.tea (id int PRIMARY KEY, garden int REFERENCES tools.garden, leaf text);
CREATE VIEW tools.teas AS SELECT t.id, g.name FROM tools.tea t JOIN tools.garden g ON g.id = t.garden;
CREATE INDEX leaf ON tools.tea (leaf);
CREATE SEQUENCE tools.numbers;
SET search_path = tools, public;
-- end

SELECT 'lower(text)'::regprocedure, 'now()'::regprocedure, 1299::regprocedure, 'now'::regproc;
SELECT to_regprocedure('nothing(int)'), 'pg_catalog.abs(int4)'::regprocedure::oid;
SELECT 551::regoperator::text, '=(int4,int4)'::regoperator::text, 'pg_catalog.=(int8, int4)'::regoperator::oid;
SELECT 'nothing(int)'::regprocedure;
SELECT count(*) FROM pg_proc WHERE pronamespace = 11;
SELECT p.oid::regprocedure, p.prorettype::regtype, p.proargnames FROM pg_proc p WHERE p.proname IN ('json_each', 'upper') ORDER BY p.oid;
SELECT pg_get_function_arguments(3958), pg_get_function_identity_arguments(3958), pg_get_function_arguments('concat'::regproc);
SELECT count(*), count(DISTINCT oprname), bool_and(oprcode > 0) FROM pg_operator;
SELECT oprname, oprleft::regtype, oprright::regtype, oprcanhash, oprcanmerge FROM pg_operator WHERE oprcode = 'int4eq'::regproc;
SELECT castsource::regtype, casttarget::regtype, castfunc::oid, castcontext, castmethod FROM pg_cast c WHERE castsource IN (20, 23, 25) ORDER BY c.castsource, c.casttarget;
SELECT obj_description(96, 'pg_operator'), obj_description(23, 'pg_type'), obj_description(1299, 'pg_proc'), obj_description(403, 'pg_am');
SELECT pg_describe_object(d.refclassid, d.refobjid, 0) IS NOT NULL, d.deptype, c.conname FROM pg_depend d JOIN pg_constraint c ON c.oid = d.objid AND d.classid = 'pg_constraint'::regclass WHERE d.refobjid = 'garden_pkey'::regclass ORDER BY 3;
SELECT DISTINCT r.ev_class::regclass, d.refobjid::regclass, d.deptype FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND r.ev_class = 'teas'::regclass AND d.refobjid <> r.ev_class ORDER BY 1, 2;
SELECT c.relname, d.deptype FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'tools'::regnamespace ORDER BY 1;
SELECT relname, heap_blks_hit IS NOT NULL FROM pg_statio_user_tables WHERE schemaname = 'tools' ORDER BY 1;
SELECT relname, indexrelname FROM pg_stat_all_indexes WHERE schemaname = 'tools' ORDER BY 1, 2;
SELECT setval('numbers', 10);
SELECT last_value, is_called FROM numbers;
ALTER SEQUENCE numbers INCREMENT 5;
SELECT last_value, is_called FROM numbers;
SELECT nextval('numbers');
ALTER SEQUENCE numbers MAXVALUE 3;
ALTER SEQUENCE numbers RENAME TO counted;
SELECT last_value, is_called FROM counted;
SELECT setval('counted', 3, false);
SELECT last_value, is_called FROM counted;
ALTER SEQUENCE counted RESTART;
SELECT last_value, is_called FROM counted;
SELECT nextval('counted');
ALTER INDEX IF EXISTS tools.leaf RENAME TO leaves;
ALTER INDEX IF EXISTS tools.nothing RENAME TO leaves;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'tea'::regclass ORDER BY indexrelid::regclass::text;
CREATE TABLE checked (at timestamptz, n int, CONSTRAINT few CHECK (n < 100) NOT VALID) TABLESPACE pg_default;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'checked'::regclass;
CREATE TABLE keyed (n int, PRIMARY KEY (n) USING INDEX TABLESPACE pg_default);
CREATE INDEX ON checked (n) TABLESPACE pg_default;
CREATE TABLE elsewhere (n int) TABLESPACE nowhere;
CREATE MATERIALIZED VIEW counts TABLESPACE pg_default AS SELECT count(*) AS n FROM tea WITH DATA;
SELECT n FROM counts;
SHOW max_function_args;
SHOW block_size;
SELECT name, context, vartype, category FROM pg_settings WHERE name IN ('max_connections', 'wal_level', 'ssl', 'session_replication_role') ORDER BY 1;
SET session_replication_role = origin;
SET idle_session_timeout = 0;
SELECT pg_advisory_lock(5000000001), pg_advisory_lock_shared(-7), pg_advisory_lock(3, -4);
SELECT locktype, database = (SELECT oid FROM pg_database WHERE datname = current_database()), classid, objid, objsubid, mode, granted, pid = pg_backend_pid() FROM pg_locks WHERE locktype = 'advisory' ORDER BY objsubid, mode, objid;
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
CREATE INDEX ON tea (garden) INCLUDE (leaf);
SELECT relname, relreplident FROM pg_class WHERE relnamespace = 'tools'::regnamespace AND relname IN ('counts', 'teas', 'tea', 'tea_garden_leaf_idx') ORDER BY 1;
CREATE TABLE unknown_type (a no_such_type);
CREATE INDEX of_counts ON counts (n);
DROP INDEX IF EXISTS tools.of_counts CASCADE;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'counts'::regclass;
