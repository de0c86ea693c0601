-- The same rows once more, as an Arrow dataset: a directory of files, which DataFusion reads.
CREATE TABLE flights_arrow USING arrow AS SELECT * FROM flights;
