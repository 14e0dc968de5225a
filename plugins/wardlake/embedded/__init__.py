"""The stack of one machine: PostgreSQL, an S3 server and Airflow, all state below WARDLAKE_HOME."""
