"""Patterns of file names: dates and numbers become `*`, and no file is matched by two patterns."""

import fnmatch
import re
from collections.abc import Iterable

NUMBERS = re.compile(r"\d+(?:[-_.]?\d+)*")
DATE_DIGITS = 4
"""A run of fewer digits is part of a name (icd10), unless another file differs in it only."""


def group(names: Iterable[str]) -> dict[str, list[str]]:
    """Files by shell pattern, in the order of the names; each name is matched by exactly one of the patterns."""
    ordered = list(dict.fromkeys(names))
    alike: dict[str, list[str]] = {}
    for name in ordered:
        alike.setdefault(_starred(name, "*"), []).append(name)
    groups: dict[str, list[str]] = {}
    for members in alike.values():
        if len(members) > 1 or _has_date(members[0]):
            groups[_narrowest(members[0], members, ordered)] = members
        else:
            groups[literal(members[0])] = members
    return _disjoint(groups, ordered)


def literal(name: str) -> str:
    """The pattern that matches this name only."""
    return re.sub(r"([*?[])", r"[\1]", name)


def matches(name: str, pattern: str) -> bool:
    """Whether a file belongs to a pattern, as the readers of files see it."""
    return fnmatch.fnmatchcase(name, pattern)


def _starred(name: str, star: str) -> str:
    parts, end = [], 0
    for run in NUMBERS.finditer(name):
        parts += [literal(name[end : run.start()]), star]
        end = run.end()
    return "".join([*parts, literal(name[end:])])


def _has_date(name: str) -> bool:
    return any(sum(map(str.isdigit, run[0])) >= DATE_DIGITS for run in NUMBERS.finditer(name))


def _narrowest(name: str, members: list[str], everything: list[str]) -> str:
    """`*` for numbers, or `[0-9]*` where `*` would take files of others."""
    wide = _starred(name, "*")
    taken = [other for other in everything if matches(other, wide)]
    return wide if taken == members else _starred(name, "[0-9]*")


def _disjoint(groups: dict[str, list[str]], everything: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pattern, members in groups.items():
        if [name for name in everything if matches(name, pattern)] == members:
            found[pattern] = members
        else:
            found |= {literal(name): [name] for name in members}
    return found
