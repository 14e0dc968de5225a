"""Messages of HL7 v2, from their files to gold: what becomes of a visit over its messages."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

DATA = Path(os.environ.get("WARDLAKE_REAL_DATA", "/nowhere")) / "hl7v2_messages"

EVENTS = ("A01", "A02", "A03", "A04", "A06", "A07", "A08", "A11", "A13")
# visit, patient, event, recorded, class, ward, admitted, discharged, disposition; times without an offset are Berlin's
STORY = [
    # moved twice, the second time by mistake; discharged, taken back, and discharged again
    ("V1", "P1", "A01", "202503011005", "I", "3N", "20250301100000", "", ""),
    ("V1", "P1", "A02", "202503021200", "I", "ICU", "20250301100000", "", ""),
    ("V1", "P1", "A08", "202503021230", "I", "ICU", "20250301093000", "", ""),
    ("V1", "P1", "A02", "202503031200", "I", "4S", "20250301093000", "", ""),
    ("V1", "P1", "A12", "202503031230", "I", "ICU", "20250301093000", "", ""),
    ("V1", "P1", "A03", "202503041200", "I", "ICU", "20250301093000", "20250304120000", "20"),
    ("V1", "P1", "A13", "202503041300", "I", "ICU", "20250301093000", "", ""),
    ("V1", "P1", "A03", "202503301000", "I", "ICU", "20250301093000", "20250330030000+0200", "01"),
    # an admission that was cancelled, and one that was made again
    ("V2", "P2", "A01", "202503050800", "I", "3N", "20250305080000", "", ""),
    ("V2", "P2", "A11", "202503050900", "I", "3N", "20250305080000", "", ""),
    ("V3", "P2", "A01", "202503050800", "I", "3N", "20250305080000", "", ""),
    ("V3", "P2", "A11", "202503050900", "I", "3N", "20250305080000", "", ""),
    ("V3", "P2", "A01", "202503051000", "I", "3N", "20250305100000", "", ""),
    # from the emergency room to a ward, and still there
    ("V4", "P3", "A04", "202503102300", "E", "ER", "20250310225500", "", ""),
    ("V4", "P3", "A06", "202503110100", "I", "3N", "20250310225500", "", ""),
    # announced, and never came
    ("V5", "P3", "A05", "202503102300", "P", "3N", "", "", ""),
]


def message(number: int, row: tuple[str, ...]) -> str:
    visit, patient, event, recorded, visit_class, ward, admitted, discharged, disposition = row
    pv1 = ["PV1", "1", visit_class, f"{ward}^12^B", "E", *[""] * 14, visit, *[""] * 16, disposition, *[""] * 7]
    return "\r".join(
        [
            rf"MSH|^~\&|ADT|H|LAKE|H|{recorded}||ADT^{event}|{number}|P|2.5",
            f"EVN|{event}|{recorded}",
            f"PID|1||{patient}^^^H^MR||Doe^Jane||19540229|F",
            "|".join([*pv1, admitted, discharged]),
        ]
    )


def build(warehouse: Warehouse, folder: Path, files: Path) -> Warehouse:
    source = example("hl7_feed")
    load_files(warehouse, source, files)
    warehouse.build(known(source), project_with(folder, "hl7_feed"))
    return warehouse


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("story")
    files = folder / "files"
    files.mkdir()
    # two captures, whose names say nothing of the order of their messages
    for name, rows in {"b.hl7": STORY[:3], "a.hl7": STORY[3:]}.items():
        text = "\r".join(message(number, row) for number, row in enumerate(rows, start=1))
        (files / name).write_text(text + "\r", newline="")
    (folder / "tmp").mkdir()
    return build(Warehouse(folder), folder, files)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


def test_visits_as_their_last_messages_tell(story: Warehouse) -> None:
    found = story.query(
        """select encounter_number, encounter_class_code, admission_type_code, discharge_disposition_code, admitted_at,
        discharged_at from silver.encounters order by all"""
    )
    assert found == [
        ("V1", "INPATIENT", "EMERGENCY", "HOME", utc(1, 8, 30), utc(30, 1)),
        ("V3", "INPATIENT", "EMERGENCY", None, utc(5, 9), None),
        ("V4", "INPATIENT", "EMERGENCY", None, utc(10, 21, 55), None),
    ]


def test_ward_stays_without_what_was_taken_back(story: Warehouse) -> None:
    found = story.query(
        """select encounter_id, ward_id, movement_code, present_from_at, present_until_at from silver.ward_stays
        order by all"""
    )
    assert found == [
        ("hl7_feed:V1", "hl7_feed:3N", "ADMIT", utc(1, 9), utc(2, 11)),
        ("hl7_feed:V1", "hl7_feed:ICU", "TRANSFER", utc(2, 11), utc(30, 1)),
        ("hl7_feed:V3", "hl7_feed:3N", "ADMIT", utc(5, 9), None),
        ("hl7_feed:V4", "hl7_feed:3N", "ADMIT", utc(11, 0), None),
    ]


def test_length_of_stay_and_census_in_gold(story: Warehouse) -> None:
    stays = story.query("select admission_date, length_of_stay_days from gold.encounter_facts order by all")
    assert stays == [(date(2025, 3, 1), 29), (date(2025, 3, 5), None), (date(2025, 3, 10), None)]
    census = story.query(
        "select ward_id, midnight_census from gold.daily_census where census_date = date '2025-03-12' order by all"
    )
    assert census == [("hl7_feed:3N", 2), ("hl7_feed:ICU", 1)]
    patients = story.query("select birth_date, sex_code from silver.patients")
    assert patients == [(None, "F")] * 3, "1954 had no 29 February"


def fields(path: Path) -> Iterator[dict[str, list[str]]]:
    """The newest EVN, PID and PV1 of each visit segment in a file, as a list of fields."""
    last: dict[str, list[str]] = {}
    for line in path.read_text("utf-8-sig").splitlines():
        parts = line.split("|")
        last[parts[0]] = parts + [""] * 60
        if parts[0] == "PV1":
            yield dict(last)


def instant(text: str) -> datetime | None:
    return datetime.strptime(text, "%Y%m%d%H%M%S%z") if text else None


@pytest.mark.skipif(not DATA.is_dir(), reason="WARDLAKE_REAL_DATA is not set")
def test_visits_of_real_messages(warehouse: Warehouse, tmp_path: Path) -> None:
    build(warehouse, tmp_path, DATA)
    expected: dict[str, tuple[object, ...]] = {}
    newest: dict[str, datetime] = {}
    classes = {"I": "INPATIENT", "E": "EMERGENCY"}
    for path in sorted(DATA.glob("*.hl7")):
        for found in fields(path):
            event = found["MSH"][8].split("^")[:2]
            visit = found["PV1"][19].split("^")[0]
            if (
                event[0] != "ADT"
                or event[1] not in ("A01", "A02", "A03", "A04", "A06", "A07", "A08", "A13")
                or not visit
            ):
                continue
            recorded = instant(found["EVN"][2])
            assert recorded
            if visit not in newest or recorded >= newest[visit]:
                newest[visit] = recorded
                patient = found["PID"][3].split("^")[0]
                admitted = instant(found["PV1"][44])
                expected[visit] = (patient, classes.get(found["PV1"][2], "OUTPATIENT"), admitted)
    rows = warehouse.query(
        """select encounter_number, medical_record_number, encounter_class_code, admitted_at from silver.encounters
        inner join silver.patients using (patient_id)"""
    )
    assert {str(visit): tuple(rest) for visit, *rest in rows} == expected
    assert set(expected) == {"40007716", "5001", "0123456789", "1234"}
    assert len(warehouse.query("select 1 from gold.encounter_facts")) == 4
