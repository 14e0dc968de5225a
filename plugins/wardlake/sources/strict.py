"""What every part of a source YAML has in common: unknown fields are refused, and values do not change."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Strict(BaseModel):
    """A part of a source YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)
