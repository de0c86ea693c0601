-- The departures of one day. psql -v day=2013-01-01
INSERT INTO departures
SELECT make_timestamp(year, month, day, sched_dep_time / 100, sched_dep_time % 100, 0), origin,
       carrier, flight, dest, dep_delay
FROM flights
WHERE (year, month, day) = (extract(year FROM date :'day'), extract(month FROM date :'day'),
                            extract(day FROM date :'day'))
  AND dep_delay IS NOT NULL;
