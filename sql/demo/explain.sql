-- Names the engine, and why it was chosen. psql -v flights=flights, or -v flights=flights_arrow
EXPLAIN SELECT carrier, avg(arr_delay) FROM :flights GROUP BY carrier;
