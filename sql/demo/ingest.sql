-- One file from the server's inbox folder into a table, which is made from the file's columns.
-- psql -v table=flights -v file=flights.parquet
CALL teatree.ingest(:'table', :'file');
