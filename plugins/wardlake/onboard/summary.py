"""What a draft tells at its end: what was written, what to look at, and what comes next. No value of the data."""

from collections import Counter

from rich.console import Console

from wardlake.onboard.add import Draft
from wardlake.onboard.suites import Judged
from wardlake.plural import counted
from wardlake.settings import Settings
from wardlake.sources import Source


def print_draft(console: Console, settings: Settings, draft: Draft, *, is_written: bool) -> None:
    """Print the summary of a draft."""

    def tell(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    name, columns = draft.source.name, sum(len(one.table.columns) for one in draft.tables)
    if is_written:
        tell(f"Written: dags/sources/{name}.yaml ({counted(len(draft.tables), 'table')}, {counted(columns, 'column')})")
        tell(f"         expectations/{name}/ ({counted(len(draft.suites), 'suite')})")
    classes = Counter(one.pii for judged in draft.tables for one in judged.classes.values())
    tell(f"Classes: {', '.join(f'{pii} {count}' for pii, count in classes.most_common())}")
    if things := [*(line for one in draft.tables for line in _doubts(one)), *draft.left_out]:
        tell("\nLook at:")
        for thing in things:
            tell(f"- {thing}")
    tell("\nNext:")
    steps = [
        f"read dags/sources/{name}.yaml: every class and key was guessed",
        _way(settings, draft.source),
        "wardlake check",
        f"wardlake run {name} --until bronze",
    ]
    for number, step in enumerate(steps, start=1):
        tell(f"{number}. {step}")


def _doubts(judged: Judged) -> list[str]:
    table = judged.table
    lines = [f"{table.name}: {note}" for note in table.notes]
    if not judged.keys.is_key:
        lines.append(f"{table.name}: no key was found; nearest: {', '.join(judged.keys.columns)}")
    elif not judged.keys.is_declared:
        accident = ", and names each row perhaps by accident" if judged.keys.is_accident else ""
        lines.append(f"{table.name}: the key {', '.join(judged.keys.columns)} was guessed{accident}")
    if doubtful := [name for name, one in judged.classes.items() if one.is_doubtful]:
        lines.append(f"{table.name}: class in doubt: {', '.join(doubtful)}")
    return lines


def _way(settings: Settings, source: Source) -> str:
    """How the data comes in."""
    connection = source.connection
    match connection.kind:
        case "landing":
            return (
                f"let the files be dropped below {connection.prefix} in the bucket {settings.bucket('landing')}, "
                f"or put some there: wardlake source deliver {source.name} FILES"
            )
        case "folder" | "sqlite":
            return f"see that Airflow's workers can read {connection.path}"
        case "postgres" | "mysql" | "sqlalchemy":
            variable = f"WARDLAKE_CONN_{connection.conn_id.upper()}"
            return (
                f"set {variable} to the database's address with user and password, "
                f"or add the connection '{connection.conn_id}' in Airflow"
            )
        case _:
            raise AssertionError(f"a draft has no connection of kind {connection.kind}")
