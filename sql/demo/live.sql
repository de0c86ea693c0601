SET client_min_messages = 'warning';

-- Departures as they come in, and what follows them in the same transaction: two views, and an
-- algorithm that looks for departures far later than the ones before them from the same airport.
CREATE TABLE IF NOT EXISTS departures
    (at timestamp, origin text, carrier text, flight int, dest text, delay float8);

CREATE MATERIALIZED VIEW IF NOT EXISTS live_by_airline WITH (refresh = 'on_change') AS
SELECT carrier, count(*) AS flights, avg(delay) AS delay FROM departures GROUP BY carrier;

CREATE MATERIALIZED VIEW IF NOT EXISTS live_by_day WITH (refresh = 'on_change') AS
SELECT date_trunc('day', at) AS day, origin, count(*) AS flights, max(delay) AS worst
FROM departures GROUP BY 1, 2;

CREATE TABLE IF NOT EXISTS anomalies
    (series text, at timestamp, value float8, mean float8, deviation float8, score float8);

CREATE OR REPLACE PROCEDURE spot_anomalies() LANGUAGE sql AS $$
    CALL teatree.zscore('SELECT origin, at, delay FROM new_table', 'anomalies', mode => 'append',
                        series => 'origin', value => 'delay', lookback => 100, at_least => 30,
                        threshold => 12);
    SELECT pg_notify('anomalies', series || ' ' || at || ': ' || value || ' minutes late, ' ||
                                  round(score) || ' deviations')
    FROM anomalies WHERE at >= (SELECT min(at) FROM new_table);
$$;

CREATE OR REPLACE TRIGGER spot AFTER INSERT ON departures
EXECUTE PROCEDURE spot_anomalies();
