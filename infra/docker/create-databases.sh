#!/usr/bin/env bash
# Runs once, on an empty data folder: Airflow's database, the two hospitals and the user that may only read them, and
# the database that gold is published to with the users that may read it.
set -euo pipefail

psql --username "${POSTGRES_USER:-postgres}" --set ON_ERROR_STOP=1 \
    --set airflow_password="$AIRFLOW_DB_PASSWORD" --set reader_password="$READER_DB_PASSWORD" \
    --set gold_password="$GOLD_DB_PASSWORD" --set bi_password="$BI_DB_PASSWORD" <<'SQL'
create role airflow login password :'airflow_password';
create database airflow owner airflow;
create role wardlake_reader login password :'reader_password';
create database hospital;
create database mimic3;
grant pg_read_all_data to wardlake_reader;
create role gold login password :'gold_password';
create role bi_reader login password :'bi_password';
create role wide_reader;
create database gold owner gold;
revoke connect on database airflow, hospital, mimic3, gold from public;
grant connect on database hospital, mimic3 to wardlake_reader;
grant connect on database gold to bi_reader, wide_reader;
SQL
