"""HL7 v2 files that are not as they should be: a bad message holds back no other, and does not pass silently."""

import re
from pathlib import Path

import pytest
from hl7_feed import KEPT, framed, hl7_table, load_bytes, load_file, message

from wardlake.bronze.readers.files import hl7_frames
from wardlake.bronze.readers.files.formats import BrokenFileError

FIRST = message("PID|1||M1", "OBX|1|ST|A||ok")
LAST = message("PID|1||M2", "OBX|1|ST|B||ok", control_id="2")

MALFORMED = [
    (b"\x0b" + message("PID|1||Secretname", "OBX|1"), "no end mark", 1),
    (message("PID|1||Secretname", "OBX|1") + b"\x1c\r", "start mark .* is missing", 1),
    (b"?" + message("PID|1||Secretname") + b"\x1c\r", "start mark .* is missing", 0),
    (framed(message("PID|1||Secretname").removesuffix(b"\r") + FIRST), "another message begins within", 1),
    (b"\x0bSecretname\x1c\r", "does not begin with MSH", 0),
    (b"\x0bPID|1||Secretname\rOBX|1\x1c\r", "does not begin with MSH", 1),
    (b"\x0bBTS|1\rPID|1||Secretname\x1c\r", "does not begin with MSH", 0),
    (framed(b"MSH\rPID|1||Secretname\r"), "MSH-1 and MSH-2", 0),
    (framed(b"MSH|^^\\&|Secretname|\r"), "MSH-1 and MSH-2", 0),
    (framed(b"MSH|^~\\&Secretname\r"), "MSH-1 and MSH-2", 0),
    (framed(message("PID|1||Secretname", charset="Secretname")), "MSH-18 names a character set", 0),
    (framed(message("PID|1||Secretname", charset="ASCII~UNICODE UTF-8")), "MSH-18 names a character set .* several", 0),
    (framed(message("OBX|1", "PID|1||Secretname#").replace(b"#", b"\xff")), "segment 3 .* not utf-8", 1),
    (framed(message("PID|1||Secretnam\u00e9", charset="ASCII")), "segment 2 .* not ascii", 0),
    (framed(message("PID|1||M9", "Secretname goes on", "OBX|2")), "segment 3 does not begin with the name", 1),
    (framed(message("PID|1||Secretname\nOBX|1|ST|C||hidden")), "line break within a segment", 1),
    (framed(message("PID|1||Secretname", kind="")), "MSH-9 names no message type", 0),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason", "segments"), MALFORMED)
def test_a_malformed_message_is_kept_as_text_and_the_others_are_read(
    bad: bytes, reason: str, segments: int, tmp_path: Path
) -> None:
    content = framed(FIRST) + bad + framed(LAST)
    rows, loaded = load_bytes(content, hl7_table({**KEPT, "id": "MSH-10", "patient": "PID-3"}), tmp_path)
    assert [(row["id"], row["patient"], row["error"]) for row in (rows[0], rows[2])] == [
        ("1", "M1", None),
        ("2", "M2", None),
    ]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert (rows[1]["id"], rows[1]["patient"], loaded.rows) == (None, None, 3)
    assert re.search(reason, rows[1]["error"])
    assert "Secretn" in rows[1]["text"]
    assert "Secretn" not in rows[1]["error"]
    observations, loaded = load_bytes(content, hl7_table({"code": "OBX-3"}, "OBX"), tmp_path)
    assert [row["code"] for row in observations] == ["A", "B"]
    assert (loaded.rows, loaded.left_out_rows) == (2, segments)


def test_a_frame_that_runs_into_the_next_message_does_not_hide_it(tmp_path: Path) -> None:
    content = framed(FIRST).removesuffix(b"\r") + LAST + b"\x1c\r"
    rows, _ = load_bytes(content, hl7_table(KEPT), tmp_path)
    assert [row["error"] for row in rows] == [None, hl7_frames.UNFRAMED]


def test_the_last_message_of_a_capture_that_was_cut_is_kept_as_text(tmp_path: Path) -> None:
    whole = framed(FIRST, LAST)
    rows, _ = load_bytes(whole[:-10], hl7_table(KEPT), tmp_path)
    assert [row["error"] for row in rows] == [None, hl7_frames.CUT]
    assert LAST.decode().startswith(rows[1]["text"])


def batch(*messages: bytes, count: str = "2", batches: str = "1") -> bytes:
    body = b"\r".join(content.removesuffix(b"\r") for content in messages)
    return b"FHS|^~\\&|APP\rBHS|^~\\&|APP\r" + body + f"\rBTS|{count}|Secretname\rFTS|{batches}\r".encode()


def test_a_batch_gives_its_messages_and_no_others(tmp_path: Path) -> None:
    two = batch(FIRST, LAST)
    for content in (two, two.replace(b"\r", b"\r\n"), framed(two), batch(FIRST, LAST, count="", batches="")):
        rows, _ = load_bytes(content, hl7_table({"id": "MSH-10", "error": "parse.error"}), tmp_path)
        assert [(row["id"], row["error"]) for row in rows] == [("1", None), ("2", None)]
    assert load_bytes(batch(count="0"), hl7_table(KEPT), tmp_path)[0] == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"Patient;Name\r\n1;Secretname\r\n", "holds no HL7 message"),
        (b"\x0bSecretname\x1c\r", "holds no HL7 message"),
        (batch(FIRST, LAST, count="3"), r"batch 1 does not hold as many messages as its trailer says \(BTS-1\)"),
        (batch(FIRST, LAST, count="two"), r"batch 1 does not hold as many messages"),
        (batch(FIRST, LAST, batches="2"), r"the file does not hold as many batches as its trailer says \(FTS-1\)"),
        (batch(FIRST, LAST).partition(b"FTS")[0], "FHS begins what no FTS ends, after message 2"),
        (batch(FIRST, LAST).partition(b"BTS")[0], "BHS begins what no BTS ends, after message 2"),
        (b"BHS|^~\\&|A\r" + FIRST + b"BHS|^~\\&|A\r" + LAST, "BHS begins what no BTS ends, after message 1"),
        (message("PID|1||Secretname").decode().encode("utf-16") + b"\x00", "begins in UTF-16"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match=reason) as raised:
        load_bytes(content, hl7_table(KEPT), tmp_path)
    assert "Secretn" not in str(raised.value)


def test_a_message_beyond_the_limit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hl7_frames, "MAX_MESSAGE_BYTES", 1024**2)
    large = message(f"OBX|1|ED|PDF||{'A' * 1024**2}")
    with pytest.raises(BrokenFileError, match="message 2 is larger than 1 MB"):
        load_bytes(framed(FIRST, large), hl7_table(KEPT), tmp_path)


def test_many_rows_leave_memory_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "feed.hl7"
    path.write_bytes(framed(*(message(*(f"OBX|{at}" for at in range(500))) for _ in range(50))))
    rows, loaded = load_file(path, hl7_table({"at": "segment.number", "set": "OBX-1"}, "OBX"), tmp_path / "work")
    assert loaded.rows == len(rows) == 25_000
    assert {(row["_line"], row["at"], row["set"]) for row in rows} == {
        (line, at + 2, str(at)) for line in range(1, 51) for at in range(500)
    }
