"""Assets: what a DAG run has brought up to date, with counts as metadata and never a value."""

from airflow.sdk import Asset


def bronze_asset(source: str) -> Asset:
    """All tables of a source in bronze, judged and let through."""
    return Asset(name=f"bronze/{source}", uri=f"wardlake://bronze/{source}", group="bronze")


def gold_asset(table: str) -> Asset:
    """A published gold table."""
    return Asset(name=f"gold/{table}", uri=f"wardlake://gold/{table}", group="gold")
