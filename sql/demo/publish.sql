-- A numbered DuckDB file of everything up to here, which plain DuckDB opens.
CALL teatree.publish_version('the demo, as loaded');
