"""What readers of published gold see."""

import duckdb

from wardlake.settings import Settings


def gold_of(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all published gold tables, in an order of their own."""
    with duckdb.connect(str(settings.published_dir / "current" / "gold.duckdb"), read_only=True) as gold:
        tables = [name for (name,) in gold.execute("select table_name from duckdb_tables()").fetchall()]
        return {name: gold.execute(f'from "{name}" order by all').fetchall() for name in tables}
