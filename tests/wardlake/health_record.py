"""An electronic health record behind a FHIR server: its source, its patients, and how they are extracted."""

import json
from typing import Any

import pytest
from clinic import DAY, FACILITY
from web import Web

from wardlake.bronze import batches, current_batches, current_query, extract_table
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.window import Window

KEY = "k3y-of/the@server"
RETRY = {"attempts": 4, "first_wait_s": 0.001, "longest_wait_s": 0.01}
COLUMNS = {
    "id": {"type": "VARCHAR", "pii": "none", "path": "$.id"},
    "updated": {"type": "VARCHAR", "pii": "none", "path": "$.meta.lastUpdated"},
    "family": {"type": "VARCHAR", "pii": "name", "path": "$.name[0].family"},
    "given": {"type": "VARCHAR", "pii": "name", "path": "$.name[0].given[*]"},
    "active": {"type": "VARCHAR", "pii": "none"},
    "resource": {"type": "VARCHAR", "pii": "free_text", "path": "$"},
}


def fhir_source(connection: dict[str, Any] | None = None, **table: Any) -> Source:
    """A FHIR source with one table `patient`."""
    return Source.model_validate(
        {
            "name": "ehr",
            "description": "Electronic health record.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "fhir", "conn_id": "ehr_api", "page_size": 3, "retry": RETRY, **(connection or {})},
            "provides": ["patients"],
            "tables": {
                "patient": {
                    "description": "Patients.",
                    "search": {"resource": "Patient"},
                    "keys": ["id"],
                    "columns": COLUMNS,
                    **table,
                }
            },
        }
    )


INCREMENTAL = {"mode": "incremental", "cursor": {"column": "updated", "look_back": "PT0S"}}


def patient(number: int, updated: str = "2026-01-01T08:00:00.000Z", version: int = 1, **more: object) -> str:
    """A patient as JSON text."""
    meta = {"versionId": str(version), "lastUpdated": updated}
    return json.dumps({"resourceType": "Patient", "id": f"p{number}", "meta": meta, "active": True, **more})


def address(web: Web) -> str:
    """The address of the server with its key."""
    return web.address.replace("://", f"://:{KEY.replace('/', '%2F').replace('@', '%40')}@") + "/fhir/"


def extract(settings: Settings, web: Web, source: Source, window: Window = DAY) -> list[dict[str, Any]]:
    """Extract the patients; the rows that the table has then."""
    extract_table(settings, source, "patient", window, address(web))
    return current_rows(settings, source)


def current_rows(settings: Settings, source: Source) -> list[dict[str, Any]]:
    """The rows that the patients' table has now, by id."""
    table = source.tables["patient"]
    manifests = current_batches(settings, Lake(settings), source, "patient")
    with connect(settings) as engine:
        found = engine.execute(f"SELECT * FROM ({current_query(settings, table, manifests)}) ORDER BY id")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """Ids of the rows, in their order."""
    return [row["id"] for row in rows]


def refusal(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the permanent error, after which there is no batch."""
    with pytest.raises(PermanentError, match=r"^ehr\.patient, batch ") as raised:
        extract_table(settings, source or fhir_source(), "patient", DAY, address(web))
    assert batches(settings, Lake(settings), "ehr", "patient") == []
    assert KEY not in str(raised.value)
    return str(raised.value)


def passing(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the passing error, after which there is no batch."""
    with pytest.raises(PassingError, match=r"^ehr\.patient, batch ") as raised:
        extract_table(settings, source or fhir_source(), "patient", DAY, address(web))
    assert batches(settings, Lake(settings), "ehr", "patient") == []
    return str(raised.value)
