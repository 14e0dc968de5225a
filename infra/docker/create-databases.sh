#!/usr/bin/env bash
# Runs once, on an empty data folder: Airflow's database, the two hospitals, and the user that may only read them.
set -euo pipefail

psql --username "${POSTGRES_USER:-postgres}" --set ON_ERROR_STOP=1 \
    --set airflow_password="$AIRFLOW_DB_PASSWORD" --set reader_password="$READER_DB_PASSWORD" <<'SQL'
create role airflow login password :'airflow_password';
create database airflow owner airflow;
create role wardlake_reader login password :'reader_password';
create database hospital;
create database mimic3;
grant pg_read_all_data to wardlake_reader;
SQL
