-- Which airlines arrived latest? psql -v flights=flights, or -v flights=flights_arrow
SELECT carrier,
       count(*) AS flights,
       CAST(avg(arr_delay) AS numeric(6, 1)) AS minutes_late
FROM :flights
WHERE arr_delay IS NOT NULL
GROUP BY carrier
ORDER BY minutes_late DESC
LIMIT 5;
