"""Names and text as SQL writes them, in DuckDB, PostgreSQL and SQLite alike."""


def as_name(name: str) -> str:
    """A name in double quotes, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def as_text(text: str) -> str:
    """Text in single quotes, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"
