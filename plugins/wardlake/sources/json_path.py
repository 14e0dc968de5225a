"""JSONPath as far as source YAMLs use it: members, places of a list, and all elements of a list."""

import re
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator

_STEP = re.compile(
    r"""\.(?P<bare>[^.\[\]"'\s]+)|\."(?P<quoted>[^"]+)"|"""
    r"""\[(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<place>-?\d+|\*))\]"""
)


class Every(Enum):
    """The step `[*]`: every element of a list."""

    ELEMENT = "*"


Step = str | int | Every
"""A member's name, a place in a list (negative: counted from its end), or every element of a list."""


def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a path such as `$.name[0].given[*]` or `$["Drug Code"]`; `$` alone has none.

    Raises:
        ValueError: the path is not of this form, for example because it holds a filter.
    """
    steps: list[Step] = []
    position = 1
    while path.startswith("$") and position < len(path) and (found := _STEP.match(path, position)):
        position = found.end()
        place = found["place"]
        if place is None:
            steps.append(next(name for name in found.groups() if name))
        else:
            steps.append(Every.ELEMENT if place == "*" else int(place))
    if not path.startswith("$") or position < len(path):
        raise ValueError(f"'{path}' is no path of the form $.member[0].member[*]; filters are not supported")
    return tuple(steps)


def _is_path(path: str) -> str:
    steps_of(path)
    return path


JsonPath = Annotated[str, AfterValidator(_is_path)]
