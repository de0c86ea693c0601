//! DuckDB tables as sources of DataFusion plans.
