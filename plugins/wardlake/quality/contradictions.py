"""Rules of a suite that no row can meet together, or that say the same twice; found without data."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

from wardlake.quality.suites import Rule

NULL = "expect_column_values_to_be_null"
NOT_NULL = "expect_column_values_to_not_be_null"
RANGE = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"


def contradictions(rules: Sequence[Rule]) -> Iterator[tuple[Rule, str]]:
    """Rules with what is wrong about them."""
    for rule in rules:
        if _is_above(rule.kwargs.get("min_value"), rule.kwargs.get("max_value")):
            yield rule, "its min_value is above its max_value"
    for one, other in combinations(rules, 2):
        if (one.type, one.kwargs) == (other.type, other.kwargs):
            yield other, f"it says the same as {one.meta.rule_id}"
        elif _looks_at_same_rows(one, other) and (told := _conflict(one, other) or _conflict(other, one)):
            yield other, f"no value can meet it and {one.meta.rule_id}: {told}"


def _looks_at_same_rows(one: Rule, other: Rule) -> bool:
    column, condition = one.kwargs.get("column"), one.kwargs.get("row_condition")
    return column is not None and (column, condition) == (
        other.kwargs.get("column"),
        other.kwargs.get("row_condition"),
    )


def _conflict(one: Rule, other: Rule) -> str | None:
    told, is_conflict = _CONFLICTS.get((one.type, other.type), ("", lambda *_: False))
    return told if is_conflict(one.kwargs, other.kwargs) else None


def _values(kwargs: dict[str, Any]) -> list[Any]:
    values = kwargs.get("value_set")
    return values if isinstance(values, list) else []


def _is_above(low: Any, high: Any) -> bool:
    """Whether two limits exclude each other; limits of different kinds are another rule's matter."""
    try:
        return low is not None and high is not None and bool(low > high)
    except TypeError:
        return False


def _are_apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return _is_above(one.get("min_value"), other.get("max_value")) or _is_above(
        other.get("min_value"), one.get("max_value")
    )


def _is_outside(values: dict[str, Any], limits: dict[str, Any]) -> bool:
    listed = _values(values)
    return bool(listed) and all(
        _is_above(limits.get("min_value"), value) or _is_above(value, limits.get("max_value")) for value in listed
    )


def _share_nothing(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return not any(value in _values(other) for value in _values(one))


def _are_all_refused(allowed: dict[str, Any], refused: dict[str, Any]) -> bool:
    return bool(_values(allowed)) and all(value in _values(refused) for value in _values(allowed))


_CONFLICTS: dict[tuple[str, str], tuple[str, Callable[[dict[str, Any], dict[str, Any]], bool]]] = {
    (NULL, NOT_NULL): ("the column must be empty and must not", lambda *_: True),
    (RANGE, RANGE): ("the ranges exclude each other", _are_apart),
    (IN_SET, RANGE): ("every value of the set lies outside of the range", _is_outside),
    (IN_SET, IN_SET): ("the sets share no value", _share_nothing),
    (IN_SET, NOT_IN_SET): ("every value of the set is refused", _are_all_refused),
}
