"""Where gold is published: DuckDB files, Iceberg tables on S3, a schema in PostgreSQL."""
