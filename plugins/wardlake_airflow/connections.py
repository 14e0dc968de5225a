"""Addresses of sources, from Airflow's connections or secrets backend."""

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from wardlake.sources import PostgresConnection, Source


def connection_uri(source: Source) -> str | None:
    """URI of the source's Airflow connection; None if there is none and the library's settings decide."""
    if not isinstance(source.connection, PostgresConnection):
        return None
    try:
        return BaseHook.get_connection(source.connection.conn_id).get_uri()
    except AirflowNotFoundException:
        return None
