-- group: Protocol
-- What a session shows of itself: its settings, its prepared statements, its cursors.

-- settings
SET statement_timeout = '7s';
SELECT setting, unit, source, reset_val, boot_val FROM pg_settings WHERE name = 'statement_timeout';
SELECT s.setting FROM pg_catalog.pg_settings AS s WHERE s.name = 'statement_timeout';
SELECT pg_settings.vartype FROM pg_settings WHERE pg_settings.name = 'bytea_output';
SELECT setting, unit FROM pg_show_all_settings() WHERE name = 'work_mem';
SELECT n, current_setting(n) FROM (VALUES ('statement_timeout'), ('work_mem')) v(n) ORDER BY n;
SELECT n, current_setting(n, true) FROM (VALUES ('statement_timeout'), ('no_such')) v(n) ORDER BY n;
SELECT current_setting(n) FROM (VALUES ('no_such')) v(n);
SET app.tea = 'green';
SELECT current_setting(n) FROM (VALUES ('app.tea')) v(n);
SELECT count(*) FROM pg_settings WHERE name = 'app.tea';
PREPARE own AS SELECT setting FROM pg_settings WHERE name = 'statement_timeout';
EXECUTE own;
SET statement_timeout = '8s';
EXECUTE own;
CREATE TABLE shown AS SELECT setting FROM pg_settings WHERE name = 'statement_timeout';
SELECT setting FROM shown;
WITH pg_settings AS (SELECT 1 AS a) SELECT * FROM pg_settings;
BEGIN ISOLATION LEVEL READ UNCOMMITTED;
SHOW transaction_isolation;
SELECT setting FROM pg_settings WHERE name = 'transaction_isolation';
COMMIT;
SHOW transaction_deferrable;
SET TIME ZONE 'Europe/Paris';
RESET TIME ZONE;
SHOW TIME ZONE;
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
SHOW statement_timeout;
-- prepared statements
PREPARE two (int, text) AS SELECT $1, $2;
SELECT name, parameter_types, from_sql FROM pg_prepared_statements ORDER BY name;
EXECUTE two ('a', 'b');
DEALLOCATE two;
SELECT name FROM pg_prepared_statements ORDER BY name;
-- cursors
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT 1;
SELECT name, is_holdable, is_binary, is_scrollable FROM pg_cursors WHERE name = 'c';
COMMIT;
SELECT name FROM pg_cursors WHERE name = 'c';
