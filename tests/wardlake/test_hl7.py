"""HL7 v2 files as rows: line ends, batches, frames, separators, escapes, character sets, and values that come back."""

import codecs
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hl7_feed import KEPT, framed, hl7_table, load_bytes, message
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wardlake.sources import Source

ADMITTED = message("EVN|A01|20260101", "PID|1||M1^^^HOSP^MR~S2^^^STATE^SS||Doe^Jane", "PV1|1|I|W1^R2^B3")


def values(content: bytes, folder: Path, *paths: str, segment: str = "OBX") -> list[tuple[Any, ...]]:
    rows, loaded = load_bytes(content, hl7_table({path: path for path in paths}, segment), folder)
    assert loaded.rows == len(rows)
    return [tuple(row[path] for path in paths) for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        ADMITTED,
        ADMITTED.removesuffix(b"\r"),
        ADMITTED.replace(b"\r", b"\n"),
        ADMITTED.replace(b"\r", b"\r\n"),
        codecs.BOM_UTF8 + ADMITTED.replace(b"\r", b"\n\n"),
        ADMITTED.decode().encode("utf-16"),
        ADMITTED.decode().encode("utf-16-be"),
        framed(ADMITTED),
        b"\r\n" + framed(codecs.BOM_UTF8 + ADMITTED),
        b"\x0b" + ADMITTED + b"\x1c\n",
    ],
)
def test_a_message_is_read_whatever_holds_it(content: bytes, tmp_path: Path) -> None:
    read = values(content, tmp_path, "MSH-10", "PID-3.1", "PV1-3.3", "segment.number", segment="PV1")
    assert read == [("1", "M1", "B3", 4)]


def test_the_raw_message_and_its_number_are_kept(tmp_path: Path) -> None:
    second = message("PID|1||M2", control_id="2")
    rows, _ = load_bytes(framed(ADMITTED, second), hl7_table(KEPT), tmp_path)
    assert [(row["text"], row["error"], row["number"], row["_line"]) for row in rows] == [
        (ADMITTED.decode(), None, 1, 1),
        (second.decode(), None, 2, 2),
    ]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_a_byte_order_mark_is_told_and_is_no_text(mark: bytes, tmp_path: Path) -> None:
    rows, loaded = load_bytes(mark + ADMITTED, hl7_table(KEPT), tmp_path)
    assert (loaded.byte_order_mark, rows[0]["text"]) == (bool(mark), ADMITTED.decode())


def test_paths_name_fields_repetitions_components_and_subcomponents(tmp_path: Path) -> None:
    content = message(r"OBX|1|CE|a^b&c\T\d^e~f^g||x\T\y~z\T\|")
    paths = ("OBX-3", "OBX-3.1", "OBX-3.2", "OBX-3.2.2", "OBX-3(2)", "OBX-3(2).2", "OBX-3(3).1", "OBX-5", "OBX-5.1")
    assert values(content, tmp_path, *paths) == [
        (r"a^b&c\T\d^e~f^g", "a", "b&c&d", "c&d", "f^g", "g", None, r"x\T\y~z\T\ ".strip(), "x&y")
    ]
    assert values(content, tmp_path, "MSH-1", "MSH-2", "MSH-9.2", "MSH-99") == [("|", "^~\\&", "A01", None)]


def test_a_value_that_the_sender_deletes_differs_from_one_that_is_not_there(tmp_path: Path) -> None:
    content = message('OBX|""||""^x||~y|')
    assert values(content, tmp_path, "OBX-1", "OBX-1.1", "OBX-2", "OBX-2.1", "OBX-3.1", "OBX-5.1", "OBX-5(2).1") == [
        ('""', '""', None, None, '""', None, "y")
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\F\\S\\T\\R\\E\ ", "|^&~\\ "),
        (r"line\.br\line\.sp2\end", "line\nline\n\nend"),
        (r"\H\high\N\\.in4\x", "high    x"),
        (r"\X0D0A\\X41\\XC3\\XA9\ ", "\r\nA\u00e9 "),
        # what is no sequence, or cannot be read as one, stays as it is
        (r"C:\temp\new", r"C:\temp\new"),
        (r"\XFF\ \X4\ \Z1\ \C2842\ \.zz\ \.sp999999999\ ", r"\XFF\ \X4\ \Z1\ \C2842\ \.zz\ \.sp999999999\ "),
        (r"\Zx\F\Zy\ ", r"\Zx\F\Zy\ "),
        ("half\\", "half\\"),
    ],
)
def test_escape_sequences_become_text_and_nothing_is_dropped(written: str, read: str, tmp_path: Path) -> None:
    assert values(message(f"OBX|1|ST|{written}|"), tmp_path, "OBX-3.1") == [(read,)]


def test_the_text_of_escape_sequences_is_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values(message(r"OBX|1|ST|Doe \XZZ\ \Q\ \\ \C2842\ Jane|"), tmp_path, "OBX-3.1")
    assert caplog.text == ""


def test_a_message_may_choose_its_separators(tmp_path: Path) -> None:
    content = b"MSH*:;!/*APP****20260101**ORU:R01*7*P*2.3\rOBX*1*ST*a|b^c:d/e!F!;f*"
    assert values(content, tmp_path, "MSH-10", "MSH-2", "OBX-3.1", "OBX-3.2", "OBX-3.2.2", "OBX-3(2).1") == [
        ("7", ":;!/", "a|b^c", "d/e*", "e*", "f")
    ]


@pytest.mark.parametrize(
    ("charset", "encoding", "default"),
    [
        ("8859/1", "latin-1", "utf-8"),
        ("8859/15", "iso8859-15", "utf-8"),
        ("8859/7", "iso8859-7", "utf-8"),
        ("UNICODE UTF-8", "utf-8", "latin-1"),
        ("", "utf-8", "utf-8"),
        ("", "cp1252", "cp1252"),
    ],
)
def test_the_character_set_is_that_of_the_message(charset: str, encoding: str, default: str, tmp_path: Path) -> None:
    name = {"iso8859-7": "Ελένη", "iso8859-15": "Œuvre €"}.get(encoding, "Jürgen")
    content = message(f"PID|1||M1||{name}", charset=charset).decode().encode(encoding)
    rows, _ = load_bytes(content, hl7_table({"name": "PID-5.1"}, "PID", encoding=default), tmp_path)
    assert rows[0]["name"] == name


def test_fields_of_other_segments_come_from_the_nearest_above(tmp_path: Path) -> None:
    content = message(
        "PID|1||M1",
        "PV1|1|I|W1",
        "ORC|NW|",
        "OBR|1|||GLU",
        "OBX|1",
        "OBX|2",
        "OBR|2|||HB",
        "OBX|3",
        "TQ1|1",
        kind="ORU^R01",
    )
    read = values(content, tmp_path, "OBX-1", "OBR-4", "PID-3.1", "PV1-3.1", "TQ1-1", "segment.number")
    assert read == [("1", "GLU", "M1", "W1", "1", 6), ("2", "GLU", "M1", "W1", "1", 7), ("3", "HB", "M1", "W1", "1", 9)]
    assert values(content, tmp_path, "PID-3.1", "OBR-4", segment="MSH") == [("M1", None)]


def test_a_patient_never_gets_fields_of_another(tmp_path: Path) -> None:
    content = message("EVN|A24", "PID|1||M1", "PV1|1|I|W1", "PID|2||M2", "PID|3||M3", "PV1|1|I|W3", kind="ADT^A24")
    read = values(content, tmp_path, "PID-3.1", "PV1-3.1", "EVN-1", segment="PID")
    assert read == [("M1", "W1", "A24"), ("M2", None, "A24"), ("M3", "W3", "A24")]
    assert values(content, tmp_path, "PID-3.1", segment="EVN") == [(None,)]


def test_only_the_wanted_types_of_messages_are_read(tmp_path: Path) -> None:
    content = framed(ADMITTED, message("PID|1||M2", kind="ORU^R01^ORU_R01"), message("PID|1||M3", kind="ADT^B01"))
    rows, loaded = load_bytes(content, hl7_table({"id": "PID-3.1"}, "PID", messages=["ADT^A*", "ORU^*"]), tmp_path)
    assert ([row["id"] for row in rows], loaded.rows, loaded.left_out_rows) == (["M1", "M2"], 2, 0)


SEPARATORS = st.permutations("!#$%&*+,./:;<=>@^_`|~\\").map(lambda found: "".join(found[:5]))
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
FIELD = st.lists(st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("|^~\\&", [[[["MSH|^~\\&"]]], [[["", "\\F\\"]], [["\r\nMSH|"]]]])
@given(SEPARATORS, st.lists(FIELD, min_size=1, max_size=4))
def test_whatever_is_sent_comes_back(separators: str, fields: list[list[list[list[str]]]]) -> None:
    field, component, repetition, escape, subcomponent = separators
    codes = {field: "F", component: "S", repetition: "R", escape: "E", subcomponent: "T"}

    def escaped(text: str) -> str:
        sequences = {code: f"{escape}X{ord(code):02X}{escape}" for code in text if ord(code) < 0x20}
        sequences |= {code: f"{escape}{name}{escape}" for code, name in codes.items()}
        return "".join(sequences.get(character, character) for character in text)

    written = field.join(
        repetition.join(
            component.join(subcomponent.join(escaped(text) for text in parts) for parts in components)
            for components in repetitions
        )
        for repetitions in fields
    )
    kind = f"ORU{component}R01"
    head = field.join(["MSH", separators[1:], *[""] * 6, kind, "1", "P", "2.8", *[""] * 5, "UNICODE UTF-8"])
    sent = {
        f"ZZZ-{at + 1}({repeated + 1}).{part + 1}.{piece + 1}": text or None
        for at, repetitions in enumerate(fields)
        for repeated, components in enumerate(repetitions)
        for part, parts in enumerate(components)
        for piece, text in enumerate(parts)
    }
    with tempfile.TemporaryDirectory() as folder:
        read = values(f"{head}\rZZZ{field}{written}\r".encode(), Path(folder), *sent, segment="ZZZ")
    assert read == [tuple(sent.values())]


NOISE = st.binary(max_size=20).map(lambda found: found.translate(None, b"\x0b\x1cM"))


@settings(deadline=None)
@given(st.lists(st.tuples(NOISE, st.text(string.printable.translate({11: None, 13: None, 28: None}), max_size=30))))
def test_every_frame_of_a_capture_is_a_message_whatever_is_between(captured: list[tuple[bytes, str]]) -> None:
    texts = [text.replace("|", "").replace("\n", " ") for _, text in captured]
    frames = [noise + framed(message(f"NTE|1||{text}|")) for (noise, _), text in zip(captured, texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        content = framed(ADMITTED) + b"".join(frames)
        rows, loaded = load_bytes(content, hl7_table({**KEPT, "note": "NTE-3"}), Path(folder))
    assert [row["note"] for row in rows[1:]] == [text or None for text in texts]
    assert [row["error"] for row in rows] == [None] * loaded.rows


def test_a_path_that_names_no_place_is_refused() -> None:
    for path in ("PID3", "PID-0", "pid-3", "PID-3.1.2.3", "message", "parse.error"):
        with pytest.raises(ValidationError, match="name no place in segment PV1"):
            hl7_table({"x": path}, "PV1")
    with pytest.raises(ValidationError, match="'utf-9' is not an encoding"):
        hl7_table({"x": "PID-3"}, encoding="utf-9")


def test_a_source_without_a_table_for_malformed_messages_is_refused() -> None:
    table = hl7_table({"id": "PID-3.1"}, "PID").model_dump()
    described = {
        "name": "feed", "description": "d", "owner": "o", "provides": ["patients"],
        "facility": {"id": "f", "name": "F", "timezone": "UTC", "currency": "EUR"},
        "connection": {"kind": "landing", "prefix": "hl7/"},
    }  # fmt: skip
    with pytest.raises(ValidationError, match=r"HL7 files \['\*\.hl7'\] need a table with segment: MSH"):
        Source.model_validate(described | {"tables": {"patient": table}})
    messages = hl7_table(KEPT).model_dump()
    assert Source.model_validate(described | {"tables": {"patient": table, "message": messages}})
