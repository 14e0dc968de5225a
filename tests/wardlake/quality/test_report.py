"""The report: complete, self-contained, readable in a real browser, and without a value."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from wardlake.ledger import ReportedRun, SignOff, append
from wardlake.quality import RuleResult, Verdict, judge_source, renew_index, report_run
from wardlake.quality.report import render_report
from wardlake.quality.runs import LATEST
from wardlake.quality.summary import summarise
from wardlake.quality.verdicts import status_of
from wardlake.settings import Settings
from wardlake.warehouse.expose import Exposed

RUN = "20260102T031500000000Z-0123abcd"
ACTIONS = ("warn", "quarantine", "halt")


def result(rule: str, action: str, status: str, evaluated: int = 100, unexpected: int = 0) -> RuleResult:
    return RuleResult.model_validate(
        {
            "rule_id": rule,
            "dimension": "consistency",
            "severity": "warning",
            "action": action,
            "why": f"Why {rule} <matters> & how.",
            "owner": "data team",
            "status": status,
            "evaluated": evaluated,
            "unexpected": unexpected,
            "message": "CatalogException: no such table" if status == "error" else None,
        }
    )


def verdict(table: str, *rules: RuleResult, source: str = "clinic", quarantined: int = 0, batch: str = "b1") -> Verdict:
    return Verdict(
        source=source,
        table=table,
        batch_id=batch,
        suite_version="abcdef012345",
        status=status_of(list(rules)),
        rows=100,
        quarantined_rows=quarantined,
        rules=list(rules),
        verdict_key=None,
        judged_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        code_version="0.1.0+test",
    )


def exposed(table: str, rows: int = 100, quarantined: int = 0) -> Exposed:
    return Exposed("clinic", table, ("b1",), rows, rows, quarantined)


def write_report(settings: Settings, *, run_id: str, exposed: list[Exposed], verdicts: list[Verdict]) -> Path:
    """The report of verdicts alone, without a lake or a past."""
    path = settings.home / f"{run_id}.html"
    path.write_text(render_report(summarise(run_id, exposed, verdicts)), encoding="utf-8")
    return path


class Text(HTMLParser):
    """The words of a page and its links, scripts and images."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.outside: list[str] = []
        self.is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"
        if tag in ("script", "img", "iframe", "object"):
            self.outside.append(tag)
        self.outside += [value for name, value in attrs if name in ("src", "href") and value and "//" in value]

    def handle_data(self, data: str) -> None:
        if not self.is_style:
            self.words += data.split()


def read(path: Path) -> tuple[str, list[str]]:
    page = Text()
    page.feed(path.read_text(encoding="utf-8"))
    return " ".join(page.words), page.outside


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def write_mixed(settings: Settings) -> Path:
    return write_report(
        settings,
        run_id=RUN,
        exposed=[exposed("stay", quarantined=7), exposed("ward"), exposed("note", rows=0)],
        verdicts=[
            verdict(
                "stay",
                result("clinic.stay.fine", "halt", "passed"),
                result("clinic.stay.orphan", "quarantine", "failed", 100, 7),
                result("clinic.stay.odd", "warn", "failed", 50, 1),
                quarantined=7,
            ),
            verdict("ward", result("clinic.ward.fine", "halt", "passed")),
            verdict("note", result("clinic.note.fine", "warn", "not_applicable", 0)),
            verdict("census", result("gold.census.fine", "halt", "passed"), source="gold"),
        ],
    )


def test_the_report_tells_every_count(bare: Settings) -> None:
    text, outside = read(write_mixed(bare))
    assert outside == []
    for told in (
        "Fit for use; 7 rows stay in quarantine.",
        "4 tables were judged by 6 rules: 3 passed, 1 did not apply, 1 warned, 1 put rows into quarantine.",
        "200 rows at the source",
        "200 rows in bronze",
        "193 rows accepted",
        "Rows that the source counted, rows in bronze, rows in quarantine, and rows accepted",
        "Every table reconciles",
        "7 of 100 · 7.00 %",
        "Why clinic.stay.orphan <matters> & how.",
        "clinic.stay · orphan",
        "suite abcdef012345 , judged 2026-01-02 03:04:05 UTC by Wardlake 0.1.0+test",
        "3 of 6 passed",
    ):
        assert told in text


def test_the_gravest_finding_comes_first(bare: Settings) -> None:
    rules = [result(f"clinic.stay.fails_{action}", action, "failed", 10, 1) for action in ACTIONS]
    path = write_report(
        bare,
        run_id=RUN,
        exposed=[],
        verdicts=[verdict("stay", *rules, result("clinic.stay.broken", "warn", "error", 0))],
    )
    text, _ = read(path)
    assert "Not fit for use: clinic.stay was refused." in text
    assert "Does not reconcile: clinic.stay" in text
    places = [text.index(name) for name in ("broken", "fails halt", "fails quarantine", "fails warn")]
    assert places == sorted(places)
    assert "CatalogException: no such table" in text


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([verdict("stay", result("clinic.stay.a", "halt", "passed"))], "Fit for use; every rule was met."),
        (
            [verdict("s", result("clinic.s.a", "halt", "passed"), result("clinic.s.b", "warn", "not_applicable", 0))],
            "Fit for use; 1 rule had nothing to look at.",
        ),
        ([verdict("stay", result("clinic.stay.a", "warn", "failed", 9, 1))], "Fit for use, with warnings."),
        ([verdict("stay", result("clinic.stay.a", "warn", "not_applicable", 0))], "Nothing was judged."),
        ([], "Nothing was judged."),
    ],
)
def test_the_headline(bare: Settings, verdicts: list[Verdict], headline: str) -> None:
    assert headline in read(write_report(bare, run_id=RUN, exposed=[], verdicts=verdicts))[0]


def test_batches_of_a_table_are_added_up(bare: Settings) -> None:
    path = write_report(
        bare,
        run_id=RUN,
        exposed=[Exposed("clinic", "stay", ("b1", "b2"), 200, 200, 3)],
        verdicts=[
            verdict("stay", result("clinic.stay.a", "quarantine", "failed", 100, 3), quarantined=3),
            verdict("stay", result("clinic.stay.a", "quarantine", "passed", 80), batch="b2"),
        ],
    )
    text, _ = read(path)
    assert "1 table was judged by 1 rule: 1 put rows into quarantine." in text
    assert "3 180 1.67 %" in text
    assert text.count("Batch b") == 2


def reported(settings: Settings, lake: Any, number: int) -> None:
    run_id = f"20260101T00{number:04d}Z"
    append(
        settings,
        lake,
        ReportedRun(
            run_id=run_id,
            dag_run=None,
            status="passed",
            headline="Fit for use; every rule was met.",
            source_rows=1,
            bronze_rows=1,
            quarantined_rows=0,
            accepted_rows=1,
            batches=[],
            report_key=f"quality/_reports/{run_id}.html",
            report_sha256="0" * 64,
        ),
    )


def test_the_index_lists_the_latest_runs_and_the_month_all(settings: Settings, lake: Any) -> None:
    for number in range(LATEST + 5):
        reported(settings, lake, number)
    renew_index(settings, ["20260101T000000Z"])
    text, outside = read(settings.reports_dir / "index.html")
    assert outside == []
    listed = re.findall(r"20260101T00(\d{4})Z", text)
    assert listed == [f"{number:04d}" for number in range(LATEST + 4, 4, -1)]
    (month,) = settings.reports_dir.glob("month-*.html")
    assert len(set(re.findall(r"20260101T00(\d{4})Z", read(month)[0]))) == LATEST + 5


def test_the_index_tells_who_signed_and_a_signature_on_other_bytes_counts_for_nothing(
    settings: Settings, lake: Any
) -> None:
    for number, sha256 in enumerate(("0" * 64, "1" * 64)):
        reported(settings, lake, number)
        run_id = f"20260101T00{number:04d}Z"
        append(
            settings,
            lake,
            SignOff(run_id=run_id, report_sha256=sha256, decision="approved", signed_by="A. Auditor", remark=""),
        )
    renew_index(settings, [])
    text, _ = read(settings.reports_dir / "index.html")
    assert text.count("approved by A. Auditor") == 1
    assert text.count("not signed") == 1


def test_the_report_names_rows_without_a_classed_value(quality: Any, make: Any) -> None:
    wrong = ["Nobody"]
    rule = make.rule("set", "expect_column_values_to_be_in_set", "quarantine", column="name", value_set=wrong)
    quality.suite("stay", rule, make.query("raises", "SELECT _row_id FROM {batch} WHERE name = '' AND 1 = 0"))
    source = make.clinic(stay={"stay_no": "BIGINT", "name": "VARCHAR"})
    columns = source.tables["stay"].columns
    columns["name"] = columns["name"].model_copy(update={"pii": "name"})
    source_file(quality.settings, source)
    for window in (None, make.next_day):
        rows = "SELECT 7000 + range AS stay_no, if(range < 60, 'Zq9Secret', 'Nobody') AS name FROM range(61)"
        quality.batch("stay", rows, **({"window": window} if window else {}))
        verdicts = judge_source(quality.settings, source)
        path = report_run(quality.settings, run_id=f"{RUN}{bool(window)}", exposed=[], verdicts=verdicts)
    text, outside = read(path)
    assert outside == []
    assert "stay_no 20260102T000000Z" in text.replace("Batch Row id ", "")
    assert "7000" in text
    assert "And 10 more: wardlake quarantine show clinic.stay" in text
    assert "share of rows that break the rule, last batches" in path.read_text()
    assert "Grade D: 60 rows in quarantine, more than 1 %" in text
    pages = list(quality.settings.reports_dir.iterdir())
    assert {page.name.split("-")[0] for page in pages} >= {"source", "month", "index.html"}
    assert all("Zq9Secret" not in page.read_text() for page in pages)


def test_a_classed_key_is_not_shown(quality: Any, make: Any) -> None:
    rule = make.rule("set", "expect_column_values_to_be_in_set", "quarantine", column="name", value_set=["Nobody"])
    quality.suite("stay", rule)
    source = make.clinic(stay={"name": "VARCHAR"})
    columns = source.tables["stay"].columns
    columns["name"] = columns["name"].model_copy(update={"pii": "name"})
    source_file(quality.settings, source)
    quality.batch("stay", "SELECT 'Zq9Secret' AS name FROM range(3)")
    path = report_run(quality.settings, run_id=RUN, exposed=[], verdicts=judge_source(quality.settings, source))
    assert "3 of 3" in read(path)[0]
    assert all("Zq9Secret" not in page.read_text() for page in quality.settings.reports_dir.iterdir())


def source_file(settings: Settings, source: Any) -> None:
    settings.sources_dir.mkdir(parents=True, exist_ok=True)
    told = source.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    (settings.sources_dir / f"{source.name}.yaml").write_text(json.dumps(told))


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_reads_well_in_a_browser(bare: Settings, browser: Browser, width: int, scheme: Any) -> None:
    path = write_mixed(bare)
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert not page.get_by_text("Why clinic.ward.fine").is_visible()
    page.locator("summary", has_text="ward").click()
    assert page.get_by_text("Why clinic.ward.fine").is_visible()
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (brightness(ink) > brightness(paper)) is (scheme == "dark")
    assert all(url.startswith("file://") for url in requests)
    assert complaints == []
    page.close()


def test_paper_shows_what_is_folded(bare: Settings, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(write_mixed(bare).as_uri())
    height = "document.querySelector('details').offsetHeight"
    folded = page.evaluate(height)
    page.emulate_media(media="print")
    assert page.evaluate(height) > 2 * folded
    page.close()


def brightness(colour: str) -> int:
    """Sum of the parts of `rgb(r, g, b)`."""
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])
