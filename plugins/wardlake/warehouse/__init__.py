"""The warehouse: connections, committed bronze made visible, dbt."""

from wardlake.warehouse.connection import connect

__all__ = ["connect"]
