"""Expectation suites: native Great Expectations JSON in `expectations/<source>/<table>.json`.

Each expectation's `meta` says what Wardlake does with it; `kwargs` and `type` belong to Great Expectations.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardlake.errors import PermanentError
from wardlake.settings import Settings

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
    why: str = Field(min_length=10, description="Why it matters and where the threshold comes from.")
    owner: str = Field(min_length=1)


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


def suite_for(settings: Settings, source: str, table: str) -> Suite:
    """The suite of a bronze table, or of a gold table (source `gold`).

    Raises:
        SuiteError: there is none, or it is wrong; the message names every problem of the file.
    """
    path = suite_path(settings, source, table)
    if not path.exists():
        raise SuiteError(
            f"{source}.{table} has no expectation suite.",
            remedy=f"Write expectations/{source}/{table}.json; docs/onboarding.md shows a small one.",
        )
    suite, problems = read_suite(path)
    if suite is None:
        raise SuiteError(
            f"expectations/{source}/{table}.json: {'; '.join(problems)}.",
            remedy="Correct the suite; see 'wardlake check'.",
        )
    return suite


def read_suite(path: Path) -> tuple[Suite | None, list[str]]:
    """A suite and no problem, or no suite and every problem of its file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return None, [f"not JSON (line {error.lineno}: {error.msg})"]
    expectations = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(expectations, list) or not expectations:
        return None, ["it holds no list of expectations"]
    rules, problems = [], []
    for number, expectation in enumerate(expectations, start=1):
        try:
            meta = RuleMeta.model_validate(expectation.get("meta") or {})
            rules.append(Rule(meta, str(expectation["type"]), dict(expectation.get("kwargs") or {})))
        except ValidationError as error:
            told = "; ".join(f"{_place(issue['loc'])}: {issue['msg']}" for issue in error.errors(include_input=False))
            problems.append(f"expectation {number}: {told}")
        except (AttributeError, KeyError, TypeError, ValueError):
            problems.append(f"expectation {number} is not an object with type, kwargs and meta")
    ids = [rule.meta.rule_id for rule in rules]
    problems += [f"the rule id {rule_id} is used twice" for rule_id in sorted({i for i in ids if ids.count(i) > 1})]
    if problems:
        return None, problems
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Suite(hashlib.sha256(canonical.encode()).hexdigest()[:12], content, tuple(rules)), []


def _place(location: tuple[int | str, ...]) -> str:
    return "meta." + ".".join(str(part) for part in location) if location else "meta"
