"""What is asked of a FHIR or REST server, and how its pages are walked through."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wardlake.sources.json_path import JsonPath
from wardlake.sources.strict import Strict

SINCE, UNTIL = "{since}", "{until}"
Parameters = dict[str, str | list[str]]
PARAMETERS: Any = Field(
    default_factory=dict,
    description="A list repeats the parameter. {since} and {until} stand for the ends of the interval that is read, in "
    "ISO 8601; a value whose end is open is left out.",
)


def has_since(parameters: Parameters) -> bool:
    """Whether a parameter asks for what is new since a moment."""
    return any(
        SINCE in text for value in parameters.values() for text in ([value] if isinstance(value, str) else value)
    )


class Search(Strict):
    """A FHIR REST search: a resource type and parameters.

    Included resources are left out. With mode: incremental the search asks for `_lastUpdated` by itself.
    """

    resource: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")]
    parameters: Parameters = PARAMETERS


class Pages(Strict):
    """How a REST server hands out its pages.

    `page` and `offset` end with an empty page, or when `total` rows were read; `cursor` and `link` when the answer
    names no next one. `link` is the header Link with rel=next, or the address at `next`.
    """

    by: Literal["none", "page", "offset", "cursor", "link"]
    parameter: str | None = Field(None, description="Query parameter of the page's number, the offset or the cursor.")
    first: int = Field(1, description="Number of the first page; an offset begins with 0.")
    size_parameter: str | None = None
    size: int = Field(100, ge=1)
    short_is_last: bool = Field(
        False, description="Whether a page with fewer rows than 'size' is the last: only if the server promises it."
    )
    next: JsonPath | None = Field(None, description="JSONPath of the next cursor or address in the answer.")

    @model_validator(mode="after")
    def _is_complete(self) -> "Pages":
        if self.by in ("page", "offset", "cursor") and not self.parameter:
            raise ValueError(f"pages by {self.by} need 'parameter'")
        if self.by == "cursor" and not self.next:
            raise ValueError("pages by cursor need 'next', the JSONPath of the next cursor")
        if self.short_is_last and (self.by not in ("page", "offset") or not self.size_parameter):
            raise ValueError("'short_is_last' belongs to pages by page or offset with a 'size_parameter'")
        return self


class RestRequest(Strict):
    """A GET request of a REST server that answers with JSON, or with NDJSON (then `rows` stays `$`)."""

    path: str
    parameters: Parameters = PARAMETERS
    rows: JsonPath = Field("$", description="JSONPath of the rows in an answer: a list, one object, or null for none.")
    total: JsonPath | None = Field(None, description="JSONPath of the number of all rows, if the server says it.")
    pages: Pages = Pages(by="none")
