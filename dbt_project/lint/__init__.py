"""What dbt tells the models, for sqlfluff: it renders them without dbt for DuckDB, and every source is active."""

from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context

FACTS = {"facility_id": "main", "facility_name": "Main", "timezone": "UTC", "currency": "EUR", "provides": ["wards"]}

execute = False
project_name = "wardlake"


class Sources(dict[str, dict[str, object]]):
    """The variable `sources`."""

    def get(self, _name: str, _default: object = None) -> dict[str, object]:  # type: ignore[override]
        """Facts of any source."""
        return FACTS


class Adapter:
    """The adapter of DuckDB."""

    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str, _package: str) -> Callable[..., str]:
        """DuckDB's own macro, or the one for all engines."""
        own: Callable[..., str] = context.get(f"duckdb__{name}") or context[f"default__{name}"]
        return own

    @staticmethod
    def quote(name: str) -> str:
        """A name that needs quotes."""
        return f'"{name}"'


adapter = Adapter()


def var(name: str) -> Sources | int:
    """The variables of the project."""
    return 10 if name == "small_cell" else Sources(lint=FACTS)
