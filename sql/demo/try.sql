-- 1. Where every table lives, and what reads it:
SELECT name, storage, engine, rows, files FROM teatree.tables ORDER BY name;

-- 2. A question across both stores: a dataset joined with two DuckDB tables, run by DataFusion.
SELECT a.name AS airline, p.manufacturer, count(*) AS flights
FROM flights_arrow f
JOIN airlines a ON a.carrier = f.carrier
JOIN planes p ON p.tailnum = f.tailnum
WHERE f.dest = 'SFO'
GROUP BY a.name, p.manufacturer
ORDER BY flights DESC
LIMIT 5;

-- 3. What runs it, and why: put EXPLAIN before it; then choose the engine yourself, and ask again.
EXPLAIN SELECT origin, count(*) FROM flights GROUP BY origin;
SET teatree.engine = 'datafusion';
EXPLAIN SELECT origin, count(*) FROM flights GROUP BY origin;
RESET teatree.engine;

-- 4. Every write is an intent: durable in the log first, then applied, in order, once.
INSERT INTO airlines VALUES ('TT', 'Teatree Air');
DELETE FROM airlines WHERE carrier = 'TT';
SELECT seq, state, rows, applied_at - accepted_at AS took, statement
FROM teatree.intents ORDER BY seq DESC LIMIT 5;

-- 5. Publish a version: a numbered file that a laptop opens with plain DuckDB.
CALL teatree.publish_version('my first version');
SELECT number, file, rows, bytes, note FROM teatree.versions ORDER BY number DESC LIMIT 3;

-- 6. A view that follows its table: it changes in the transaction of each change. EXPLAIN says how it does.
CREATE MATERIALIZED VIEW IF NOT EXISTS flights_by_airline WITH (refresh = 'on_change') AS
SELECT carrier, count(*) AS flights, avg(dep_delay) AS delay FROM flights GROUP BY carrier;
EXPLAIN SELECT * FROM flights_by_airline;
BEGIN;
UPDATE flights SET carrier = 'UA' WHERE carrier = 'OO';
SELECT carrier, flights FROM flights_by_airline WHERE carrier IN ('UA', 'OO');
ROLLBACK;
SELECT name, refresh, upkeep, stale, lag_ms FROM teatree.pipelines;
