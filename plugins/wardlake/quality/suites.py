"""Expectation suites: native Great Expectations JSON in `expectations/<source>/<table>.json`.

Each expectation's `meta` says what Wardlake does with it; `kwargs` and `type` belong to Great Expectations.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.sources import Source

GOLD = "gold"
QUERY_RULE = "unexpected_rows_expectation"

Dimension = Literal["conformance", "completeness", "plausibility", "uniqueness", "timeliness", "consistency"]
Severity = Literal["critical", "warning", "info"]
Action = Literal["warn", "quarantine", "halt"]


class SuiteError(PermanentError):
    """A suite that is missing or cannot be used."""


class RuleMeta(BaseModel):
    """What an expectation's `meta` must say."""

    model_config = ConfigDict(extra="allow", frozen=True)

    rule_id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){2}$", description="source.table.rule")
    dimension: Dimension
    severity: Severity
    action: Action
    why: str = Field(min_length=10, description="Why it matters.")
    threshold_pct: float = Field(ge=0, le=100, description="Share of the rows that may break the rule, in per cent.")
    threshold_why: str = Field(min_length=10, description="Why so much and no more is tolerated.")
    halt_above_pct: float | None = Field(
        None, ge=0, le=100, description="Share of quarantined rows above which the whole batch is halted."
    )
    owner: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> "RuleMeta":
        if self.action == "quarantine" and self.threshold_pct:
            raise ValueError("quarantine takes out each row that breaks the rule: threshold_pct must be 0")
        if self.action != "quarantine" and self.halt_above_pct is not None:
            raise ValueError("halt_above_pct belongs to the action quarantine")
        return self


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
    """The rules of a table. `version` is the first 12 hex digits of the SHA-256 of the canonical JSON."""

    version: str
    json: dict[str, Any]
    rules: tuple[Rule, ...]


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
    if suite is None:
        raise SuiteError(
            f"expectations/{path.parent.name}/{path.name}: {'; '.join(problems)}.",
            remedy="Correct the suite; 'wardlake check' lists the problems of all suites.",
        )
    return suite


def _content_of_keys(source: Source, table: str) -> dict[str, Any]:
    keys = source.tables[table].keys
    meta = {
        "severity": "critical",
        "owner": source.owner,
        "why": "The keys of the source's YAML name a row.",
        "threshold_pct": 0,
        "threshold_why": "Nobody has written a suite yet; until then each row must have its own name.",
    }
    expectations: list[dict[str, Any]] = [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": key},
            "meta": meta
            | {
                "rule_id": f"{source.name}.{table}.key_{n}_missing",
                "dimension": "completeness",
                "action": "quarantine",
            },
        }
        for n, key in enumerate(keys, start=1)
    ]
    is_one = len(keys) == 1
    expectations.append(
        {
            "type": "expect_column_values_to_be_unique" if is_one else "expect_compound_columns_to_be_unique",
            "kwargs": {"column": keys[0]} if is_one else {"column_list": keys},
            "meta": meta
            | {"rule_id": f"{source.name}.{table}.key_not_unique", "dimension": "uniqueness", "action": "warn"},
        }
    )
    return {"name": f"{source.name}.{table}", "expectations": expectations}


def read_suite(path: Path) -> tuple[Suite | None, list[str]]:
    """A suite and no problem, or no suite and every problem of its file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return None, [f"not JSON (line {error.lineno}: {error.msg})"]
    expectations = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(expectations, list) or not expectations:
        return None, ["it holds no list of expectations"]
    problems = [
        f"{_name(number, expectation)}{problem}"
        for number, expectation in enumerate(expectations, start=1)
        for problem in _problems(expectation)
    ]
    if problems:
        return None, problems
    suite = _suite(content)
    ids = [rule.meta.rule_id for rule in suite.rules]
    twice = [f"the rule id {rule_id} is used twice" for rule_id in sorted(set(ids)) if ids.count(rule_id) > 1]
    return (None, twice) if twice else (suite, [])


def _problems(expectation: Any) -> list[str]:
    if not (isinstance(expectation, dict) and isinstance(expectation.get("type"), str)):
        return ["no object with type, kwargs and meta"]
    problems = []
    if not isinstance(expectation.get("kwargs") or {}, dict):
        problems.append("kwargs is no object")
    elif "mostly" in (expectation.get("kwargs") or {}):
        problems.append("give meta.threshold_pct in the place of kwargs.mostly")
    try:
        RuleMeta.model_validate(expectation.get("meta") or {})
    except ValidationError as error:
        issues = error.errors(include_input=False)
        problems.append("; ".join(f"{_place(issue['loc'])}: {issue['msg']}" for issue in issues))
    return problems


def _name(number: int, expectation: Any) -> str:
    meta = expectation.get("meta") if isinstance(expectation, dict) else None
    rule_id = meta.get("rule_id") if isinstance(meta, dict) else None
    return f"rule {rule_id}: " if rule_id else f"expectation {number}: "


def _suite(content: dict[str, Any]) -> Suite:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    rules = tuple(
        Rule(RuleMeta.model_validate(one["meta"]), one["type"], one.get("kwargs") or {})
        for one in content["expectations"]
    )
    return Suite(hashlib.sha256(canonical.encode()).hexdigest()[:12], content, rules)


def _place(location: tuple[int | str, ...]) -> str:
    return "meta." + ".".join(str(part) for part in location) if location else "meta"
