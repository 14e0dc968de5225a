#!/usr/bin/env bash
# `init` brings the metadata, the roles, the first user, the buckets, the pool and dbt's manifest up to date; it is safe
# to repeat. Anything else is run as it is.
set -euo pipefail

if [[ "${1:-}" != init ]]; then
    exec "$@"
fi

airflow db migrate
airflow users list --output plain | awk 'NR > 1 {print $2}' | grep --quiet --line-regexp admin || \
    airflow users create --username admin --password "${WARDLAKE_ADMIN_PASSWORD:?}" --role Admin \
        --firstname Wardlake --lastname Admin --email admin@localhost
python -m wardlake_airflow.roles
wardlake init
airflow pools set warehouse 1 "One writer at a time"
