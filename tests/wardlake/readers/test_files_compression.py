"""Files in gzip and zip: read as what they hold, refused when they are damaged, encrypted or meant to fill the disk."""

import gzip
import os
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from filing import file_source, land, names, reasons, shown, take

from wardlake.bronze.readers.files import compression
from wardlake.lake import Lake
from wardlake.settings import Settings

ONE = b"id,value\n1,a\n"
TWO = b"id,value\n2,b\n"


def zipped(members: dict[str, bytes]) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_gzip_is_read_and_its_content_is_what_counts(settings: Settings) -> None:
    source = file_source(compression="gzip")
    land(settings, "a.csv.gz", gzip.compress(ONE[:9], mtime=1) + gzip.compress(ONE[9:], mtime=1))
    assert names(take(settings, source, 1)) == ["a.csv.gz"]
    land(settings, "b.csv.gz", gzip.compress(ONE, mtime=2))
    assert names(take(settings, source, 2)) == []
    assert shown(settings, source) == [("1", "a", "a.csv.gz")]


def test_members_of_an_archive_are_chosen_by_pattern(settings: Settings) -> None:
    source = file_source(compression="zip", member="data/*.csv")
    members = {
        "data/1.csv": ONE,
        "data/.2.csv": b"x",
        "readme.txt": b"x",
        "__MACOSX/data/1.csv": b"x",
        "data/3.csv": TWO,
    }
    land(settings, "a.zip", zipped(members))
    manifest = take(settings, source, 1)
    assert (names(manifest), manifest.refused) == (["a.zip/data/1.csv", "a.zip/data/3.csv"], [])
    assert shown(settings, source) == [("1", "a", "a.zip/data/1.csv"), ("2", "b", "a.zip/data/3.csv")]


def test_a_broken_member_does_not_stop_the_others_and_is_tried_again(settings: Settings) -> None:
    land(settings, "a.zip", zipped({"1.csv": ONE, "2.csv": b"id;value\n2;b\n"}))
    first = take(settings, file_source(compression="zip"), 1)
    assert (names(first), list(reasons(first))) == (["a.zip/1.csv"], ["a.zip/2.csv"])
    source = file_source(compression="zip", delimiter=";")
    second = take(settings, source, 2)
    assert (names(second), second.refused) == (["a.zip/2.csv"], [])


def encrypted() -> bytes:
    content = bytearray(zipped({"1.csv": ONE}))
    content[6] |= 1  # the flag in the member's own header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def with_a_wrong_checksum() -> bytes:
    return zipped({"1.csv": ONE}).replace(zlib.crc32(ONE).to_bytes(4, "little"), b"\1\2\3\4")


def with_one_name_twice() -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr("1.csv", ONE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("1.csv", TWO)
    return stream.getvalue()


BROKEN = [
    ("gzip", lambda: gzip.compress(ONE)[:-6], "a", "it is damaged, cut off, or not gzip"),
    ("gzip", lambda: ONE, "a", "it is damaged, cut off, or not gzip"),
    ("gzip", lambda: gzip.compress(ONE)[:-8] + bytes(8), "a", "it is damaged, cut off, or not gzip"),
    ("gzip", lambda: gzip.compress(bytes(3_000_000)), "a", "it unpacks to more than 200 times its size"),
    ("zip", lambda: zipped({"1.csv": bytes(3_000_000)}), "a", "it unpacks to more than 200 times its size"),
    ("zip", lambda: zipped({str(n): bytes(60_000) for n in range(90)}), "a", "it unpacks to more than 200 times"),
    ("zip", lambda: zipped({"1.csv": ONE})[:-30], "a", "it is damaged, cut off, or not a zip archive"),
    ("zip", lambda: ONE, "a", "it is damaged, cut off, or not a zip archive"),
    ("zip", lambda: zipped({"readme.txt": ONE}), "a", "no member of the archive matches '*.csv'"),
    ("zip", with_one_name_twice, "a", "two of its members have the same name"),
    ("zip", encrypted, "a/1.csv", "it is encrypted"),
    ("zip", with_a_wrong_checksum, "a/1.csv", "it is damaged, or packed by a method that is not understood"),
]


@pytest.mark.parametrize(("kind", "content", "name", "told"), BROKEN)
def test_what_cannot_be_unpacked_is_set_aside(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: str, content: object, name: str, told: str
) -> None:
    monkeypatch.setattr(compression, "SMALL_BYTES", 1000)
    assert callable(content)
    packed = content()
    land(settings, "a", packed)
    pattern = "*" if "200 times" in told else "*.csv"
    manifest = take(settings, file_source(compression=kind, member=pattern), 1)
    ((refused, reason),) = reasons(manifest).items()
    assert refused == name
    assert f"cannot be unpacked: {told}" in reason
    assert manifest.taken == []
    assert lake.get(settings.bucket("bronze"), manifest.refused[0].key or "") == packed


def test_a_snapshot_is_one_member(settings: Settings) -> None:
    source = file_source(compression="zip", table={"mode": "snapshot"})
    land(settings, "a.zip", zipped({"1.csv": ONE, "2.csv": TWO}))
    assert "2 members match '*'" in reasons(take(settings, source, 1))["a.zip"]
    land(settings, "a.zip", zipped({"1.csv": TWO}))
    assert names(take(settings, source, 2)) == ["a.zip/1.csv"]


def test_a_member_cannot_reach_out_of_its_folder(settings: Settings) -> None:
    land(settings, "a.zip", zipped({"../../../../etc/evil.csv": ONE}))
    assert names(take(settings, file_source(compression="zip"), 1)) == ["a.zip/../../../../etc/evil.csv"]
    assert not os.path.exists("/etc/evil.csv")
    left = list(settings.temp_dir.rglob("*.csv"))
    assert left == []
