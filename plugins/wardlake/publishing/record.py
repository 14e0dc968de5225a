"""The record of a publication: what it holds, what it was built from, and where it can be read."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from wardlake.warehouse.expose import Exposed


class Publication(BaseModel):
    """The record beside published tables."""

    model_config = ConfigDict(frozen=True)

    publication_id: str
    build_id: str
    published_at: datetime
    tables: dict[str, int]
    inputs: list[Exposed]
    pseudonym_key_version: str
    code_version: str
    wide_reading: tuple[str, ...] = ()
    places: dict[str, str] = {}
    """Where the publication can be read, by kind of place; addresses without passwords."""
