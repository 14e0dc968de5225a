"""Addresses of sources, from Airflow's connections or secrets backend."""

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from wardlake.sources import Source


def connection_uri(source: Source) -> str | None:
    """URI of the source's Airflow connection; None if there is none and the library's settings decide."""
    conn_id = getattr(source.connection, "conn_id", None)
    if conn_id is None:
        return None
    try:
        return BaseHook.get_connection(conn_id).get_uri()
    except AirflowNotFoundException:
        return None
