"""The real HL7 v2 messages: counted another way, compared with python-hl7, and read through the example source."""

import collections
import os
import random
import re
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7_feed import KEPT, framed, hl7_table, load_file

from wardlake.bronze.readers.files.hl7_frames import CUT, raw_messages
from wardlake.bronze.readers.files.hl7_parsing import Place, parse
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

REAL_DATA = os.environ.get("WARDLAKE_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL_DATA, reason="WARDLAKE_REAL_DATA is not set")
FEED = PROJECT_ROOT / "docs" / "sources" / "examples" / "hl7_feed.yaml"


@pytest.fixture(scope="module")
def files() -> list[Path]:
    assert REAL_DATA
    return sorted((Path(REAL_DATA) / "hl7v2_messages").glob("*.hl7"))


@pytest.fixture(scope="module")
def lines(files: list[Path]) -> dict[Path, list[str]]:
    return {path: path.read_text("utf-8-sig").splitlines() for path in files}


@pytest.fixture(scope="module")
def capture(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All messages as an interface engine's capture: CR, frames, noise between them, the last one cut off."""
    noise = random.Random(7)  # noqa: S311
    path = tmp_path_factory.mktemp("capture") / "capture.hl7"
    with path.open("wb") as stream:
        for message in files:
            stream.write(noise.randbytes(9).translate(None, b"\x0b\x1cMBF"))
            stream.write(framed(message.read_bytes().replace(b"\n", b"\r")))
        stream.write(b"\x0b" + files[0].read_bytes()[:500])
    return path


def test_all_files_are_read(files: list[Path], lines: dict[Path, list[str]], tmp_path: Path) -> None:
    found: collections.Counter[str] = collections.Counter()
    for path in files:
        rows, loaded = load_file(path, hl7_table(KEPT), tmp_path / "work")
        assert [row["error"] for row in rows] == [None], path.name
        assert rows[0]["text"].encode() == path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        found["MSH"] += loaded.rows
        for name in ("PID", "PV1", "EVN"):
            rows, loaded = load_file(path, hl7_table({"set": f"{name}-1"}, name), tmp_path / "work")
            assert loaded.rows == len(rows) == sum(line.startswith(f"{name}|") for line in lines[path])
            found[name] += len(rows)
    assert dict(found) == {"MSH": 139, "PID": 144, "PV1": 118, "EVN": 80}


def test_a_capture_of_all_of_them_has_every_segment(
    capture: Path, lines: dict[Path, list[str]], tmp_path: Path
) -> None:
    expected = collections.Counter(line[:3] for found in lines.values() for line in found if line.strip())
    for name, count in expected.items():
        table = hl7_table({"number": "segment.number"}, name)
        rows, loaded = load_file(capture, table, tmp_path / "work")
        assert loaded.rows == len({(row["_line"], row["number"]) for row in rows}) == count, name
    rows, _ = load_file(capture, hl7_table(KEPT), tmp_path / "work")
    assert [row["error"] for row in rows] == [None] * 139 + [CUT]


def test_every_value_is_the_one_that_python_hl7_reads(files: list[Path], tmp_path: Path) -> None:
    compared = 0
    for path in files:
        (raw,) = raw_messages(path, tmp_path)
        ours = parse(raw, "utf-8")
        # the library strips a message, and with it the last value: let another segment be the last
        theirs = hl7.parse(re.sub(r"\n+", "\r", raw.content.decode() + "\nZZZ|1"))[:-1]
        assert ours.names == [str(segment[0]) for segment in theirs]
        for index, segment in enumerate(theirs):
            for field in range(3 if ours.names[index] == "MSH" else 1, len(segment)):
                for place, value in leaves(segment, ours.names[index], field):
                    assert ours.value(index, place) == (value or None), (path.name, index, place)
                    compared += 1
                assert ours.value(index, Place(ours.names[index], field)) == (str(segment[field]) or None)
    assert compared > 50_000


def leaves(segment: Any, name: str, field: int) -> list[tuple[Place, str]]:
    found = []
    for repetition, components in enumerate(segment[field], start=1):
        parts = [components] if isinstance(components, str) else components
        for component, subcomponents in enumerate(parts, start=1):
            pieces = [subcomponents] if isinstance(subcomponents, str) else subcomponents
            for subcomponent in range(1, len(pieces) + 1):
                place = Place(name, field, repetition, component, subcomponent)
                found.append((place, segment.extract_field(1, field, repetition, component, subcomponent)))
    return found


@pytest.fixture(scope="module")
def feed(capture: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The tables of the example source, their rows grouped by the name of the message's file."""
    work, read = tmp_path_factory.mktemp("work"), {}
    for name, table in read_source(FEED).tables.items():
        rows, _ = load_file(capture, table, work)
        read[name] = {path.stem: [row for row in rows if row["_line"] == at] for at, path in enumerate(files, 1)}
    return read


def test_the_example_reads_all_of_them(feed: dict[str, dict[str, Any]]) -> None:
    counts = {name: sum(len(rows) for rows in messages.values()) for name, messages in feed.items()}
    assert counts == {
        "message": 139, "patient": 144, "visit": 56, "observation": 116,
        "pharmacy_order": 9, "dispense": 3, "charge": 25,
    }  # fmt: skip


def test_known_values(feed: dict[str, dict[str, Any]]) -> None:
    def seen(table: str, message: str, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row[column] for column in columns) for row in feed[table][message]]

    assert seen("patient", "RDE-O11-01", "mrn", "mrn_type", "second_id", "family_name", "given_name") == [
        ("PATID1234", "MR", "123456789", "EVERYMAN", "ADAM")
    ]
    assert seen("charge", "DFT-P03-01", "mrn", "charge_code", "quantity", "amount", "currency") == [
        ("PATID1234", "71045", "2", "100", "USD"),
        ("PATID1234", "626.2", "1", "120", "USD"),
    ]
    assert seen("pharmacy_order", "RDS-O13-01", "mrn", "order_number", "drug_code", "drug_name", "dose") == [
        ("PATID1234", "1163422591", "01151327", "Doxycycline", "1")
    ]
    assert seen("dispense", "RDS-O13-01", "drug_code", "dispensed_at", "quantity", "quantity_unit") == [
        ("01151327", "20201212", "10", "385055001")
    ]
    assert seen("patient", "ADT-A40-02", "mrn", "merged_mrn") == [("12345", "56789"), ("145", "569")]
    assert seen("message", "ADT-A40-02", "trigger_event", "parse_error") == [("A40", None)]


def test_a_patient_without_a_visit_does_not_get_that_of_another(
    capture: Path, files: list[Path], tmp_path: Path
) -> None:
    rows, _ = load_file(capture, hl7_table({"mrn": "PID-3.1", "class": "PV1-2"}, "PID"), tmp_path / "work")
    number = [path.stem for path in files].index("BAR-P02-01") + 1
    assert [(row["mrn"], row["class"]) for row in rows if row["_line"] == number] == [
        ("PATID1234", "P"),
        ("PAT234", None),
    ]
