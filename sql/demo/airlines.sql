-- A table with a key, filled by COPY from this machine's file: the bytes travel over the wire.
CREATE TABLE IF NOT EXISTS airlines (carrier text PRIMARY KEY, name text NOT NULL);
\copy airlines FROM 'sql/demo/data/airlines.csv' WITH (FORMAT csv, HEADER)
