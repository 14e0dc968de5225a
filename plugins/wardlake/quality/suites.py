"""Expectation suites: native Great Expectations JSON in `expectations/<source>/<table>.json`.

Each expectation's `meta` says what Wardlake does with it; `kwargs` and `type` belong to Great Expectations. The meta of
the suite holds rules that no expectation can express: `drift` and `totals`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wardlake.errors import PermanentError
from wardlake.quality.meta import DriftRule, Explained, RuleMeta, TotalRule
from wardlake.settings import Settings
from wardlake.sources import Source

GOLD = "gold"
QUERY_RULE = "unexpected_rows_expectation"


class SuiteError(PermanentError):
    """A suite that is missing or cannot be used."""


@dataclass(frozen=True)
class Rule:
    """One expectation and what follows from it."""

    meta: RuleMeta
    type: str
    kwargs: dict[str, Any]

    @property
    def is_query(self) -> bool:
        """Whether the rule is a query for the rows that break it."""
        return self.type == QUERY_RULE

    @property
    def columns(self) -> list[str]:
        """Columns that the expectation names."""
        named = [self.kwargs.get(key) for key in ("column", "column_A", "column_B")]
        return [name for name in (*named, *self.kwargs.get("column_list", [])) if isinstance(name, str)]


@dataclass(frozen=True)
class Suite:
    """The rules of a table. `version` is the first 12 hex digits of the SHA-256 of the canonical JSON.

    `counts_version` is that of the parts that decide what is counted: two suites that share it differ in thresholds,
    actions or texts at most, and the counts of one are those of the other.
    """

    version: str
    counts_version: str
    json: dict[str, Any]
    rules: tuple[Rule, ...]
    drift: tuple[DriftRule, ...] = ()
    totals: tuple[TotalRule, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Ids of all rules."""
        return [rule.meta.rule_id for rule in self.rules] + [rule.rule_id for rule in (*self.drift, *self.totals)]


def suite_path(settings: Settings, source: str, table: str) -> Path:
    """File of a suite; the gold tables have the source `gold`."""
    return settings.suites_dir / source / f"{table}.json"


def suite_for(settings: Settings, source: Source, table: str) -> Suite:
    """The suite of a bronze table; one for which nobody has written a suite is judged by the keys in its source YAML.

    What the YAML says of the number of rows belongs to the version: a batch is judged again when it changes.

    Raises:
        SuiteError: the suite is wrong; the message names every problem of the file.
    """
    path = suite_path(settings, source.name, table)
    content = _read(path).json if path.exists() else _content_of_keys(source, table)
    meta = {**content.get("meta", {}), "least_rows_pct": source.tables[table].least_rows_pct}
    return _suite({**content, "meta": meta})


def gold_suites(settings: Settings) -> dict[str, Suite]:
    """The suites in `expectations/gold/`, by the name of their table.

    Raises:
        SuiteError: one is wrong; the message names every problem of its file.
    """
    return {path.stem: _read(path) for path in sorted((settings.suites_dir / GOLD).glob("*.json"))}


def _read(path: Path) -> Suite:
    suite, problems = read_suite(path)
    if problems or suite is None:
        raise SuiteError(
            f"expectations/{path.parent.name}/{path.name}: {'; '.join(problems)}.",
            remedy="Correct the suite; 'wardlake check' lists the problems of all suites.",
        )
    return suite


def _content_of_keys(source: Source, table: str) -> dict[str, Any]:
    place, keys = f"{source.name}.{table}", source.tables[table].keys
    meta = {
        "severity": "critical",
        "owner": source.owner,
        "why": "The keys of the source's YAML name a row.",
        "threshold_pct": 0,
    }
    missing = meta | {
        "dimension": "completeness",
        "action": "quarantine",
        "threshold_why": "A row without its key cannot be told from another, be it one or many.",
    }
    expectations: list[dict[str, Any]] = [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": key},
            "meta": missing | {"rule_id": f"{place}.key_{n}_missing"},
        }
        for n, key in enumerate(keys, start=1)
    ]
    is_one = len(keys) == 1
    expectations.append(
        {
            "type": "expect_column_values_to_be_unique" if is_one else "expect_compound_columns_to_be_unique",
            "kwargs": {"column": keys[0]} if is_one else {"column_list": keys},
            "meta": meta
            | {
                "rule_id": f"{place}.key_not_unique",
                "dimension": "uniqueness",
                "action": "warn",
                "threshold_why": "One key that comes twice shows that rows were read or sent twice.",
            },
        }
    )
    return {"name": place, "expectations": expectations}


def read_suite(path: Path) -> tuple[Suite | None, list[str]]:
    """The suite of a file, without the rules that are wrong, and every problem; no suite if there is none to read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return None, [f"not JSON (line {error.lineno}: {error.msg})"]
    expectations = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(expectations, list) or not expectations:
        return None, ["it holds no list of expectations"]
    problems: list[str] = []
    right: list[dict[str, Any]] = []
    for number, expectation in enumerate(expectations, start=1):
        found = _problems_of_expectation(number, expectation)
        problems += found
        if not found:
            right.append(expectation)
    meta, found = _read_meta(content.get("meta") or {})
    ids = list(_ids_in(expectations, meta))
    problems += found + [
        f"the rule id {one} is used twice" for one in sorted({one for one in ids if ids.count(one) > 1})
    ]
    return _suite(content if not problems else {**content, "expectations": right, "meta": meta}), problems


def _problems_of_expectation(number: int, expectation: Any) -> list[str]:
    if not (isinstance(expectation, dict) and isinstance(expectation.get("type"), str)):
        return [f"expectation {number} is no object with type, kwargs and meta"]
    kwargs, meta = expectation.get("kwargs") or {}, expectation.get("meta") or {}
    named = f"expectation {number}"
    if isinstance(meta, dict) and isinstance(meta.get("rule_id"), str):
        named = f"rule {meta['rule_id']}"
    problems = []
    if not isinstance(kwargs, dict):
        problems.append("kwargs is no object")
    elif "mostly" in kwargs:
        problems.append("give meta.threshold_pct in the place of kwargs.mostly")
    return [f"{named}: {told}" for told in problems + _problems_of(RuleMeta, meta)]


_RULES_OF_SUITE: dict[str, type[DriftRule] | type[TotalRule]] = {"drift": DriftRule, "totals": TotalRule}


def _read_meta(meta: Any) -> tuple[dict[str, Any], list[str]]:
    """The meta of a suite without the rules in it that are wrong, and what is wrong with them."""
    if not isinstance(meta, dict):
        return {kind: [] for kind in _RULES_OF_SUITE}, ["meta is no object"]
    problems, right = [], dict(meta)
    for kind, model in _RULES_OF_SUITE.items():
        rules = meta.get(kind, [])
        if not isinstance(rules, list):
            problems.append(f"meta.{kind} is no list")
            rules = []
        found = [_problems_of(model, rule) for rule in rules]
        problems += [f"meta.{kind} {n}: {told}" for n, own in enumerate(found, start=1) for told in own]
        right[kind] = [rule for rule, own in zip(rules, found, strict=True) if not own]
    return right, problems


def _problems_of(model: type[Explained], meta: Any) -> list[str]:
    try:
        model.model_validate(meta)
    except ValidationError as error:
        return ["; ".join(f"{_place(issue['loc'])}: {issue['msg']}" for issue in error.errors(include_input=False))]
    return []


def _ids_in(expectations: list[Any], meta: dict[str, Any]) -> Iterator[str]:
    metas = [one.get("meta") for one in expectations if isinstance(one, dict)]
    for rule in (*metas, *(rule for kind in _RULES_OF_SUITE for rule in meta[kind])):
        if isinstance(rule, dict) and isinstance(rule.get("rule_id"), str):
            yield rule["rule_id"]


def _suite(content: dict[str, Any]) -> Suite:
    rules = tuple(
        Rule(RuleMeta.model_validate(one["meta"]), one["type"], one.get("kwargs") or {})
        for one in content["expectations"]
    )
    meta = content.get("meta") or {}
    drift = tuple(DriftRule.model_validate(one) for one in meta.get("drift", []))
    totals = tuple(TotalRule.model_validate(one) for one in meta.get("totals", []))
    counted = {
        "rules": sorted([rule.meta.rule_id, rule.type, _canonical(rule.kwargs)] for rule in rules),
        "figures": sorted({(rule.column, rule.measure) for rule in drift}),
        "totals": sorted([rule.rule_id, rule.total, rule.control] for rule in totals),
    }
    return Suite(_version(content), _version(counted), content, rules, drift, totals)


def _version(content: Any) -> str:
    return hashlib.sha256(_canonical(content).encode()).hexdigest()[:12]


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _place(location: tuple[int | str, ...]) -> str:
    return "meta." + ".".join(str(part) for part in location) if location else "meta"
