"""Manifests are fetched once, whoever asks, and never believed when the copy on this machine is not whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pharmacy import Pharmacy

from wardlake.bronze import Manifest, batches
from wardlake.bronze.manifest import MANIFEST, batch_prefix
from wardlake.lake import Lake


@contextmanager
def counted_gets(lake: Lake) -> Iterator[list[str]]:
    """The keys that are fetched meanwhile."""
    fetched: list[str] = []
    lake.client.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: fetched.append(params["Key"]), unique_id="count"
    )
    yield fetched
    lake.client.meta.events.unregister("provide-client-params.s3.GetObject", unique_id="count")


def copies(pharmacy: Pharmacy) -> list[Path]:
    return [path for path in (pharmacy.settings.home / "cache").rglob("*") if path.is_file()]


def test_only_new_manifests_are_fetched(pharmacy: Pharmacy) -> None:
    first = pharmacy.deliver(0, 1, 2)
    with counted_gets(pharmacy.lake) as fetched:
        assert pharmacy.batches() == first
    with counted_gets(pharmacy.lake) as fetched:
        assert pharmacy.batches() == first
    assert fetched == []
    newest = pharmacy.deliver(3)
    with counted_gets(pharmacy.lake) as fetched:
        assert pharmacy.batches() == first + newest
    assert fetched == [batch_prefix("pharmacy", "price", newest[0].batch_id) + MANIFEST]


@pytest.mark.parametrize("damage", [lambda content: content[:40], lambda content: content.replace(b"D", b"E"), bytes])
def test_a_damaged_copy_is_fetched_again(pharmacy: Pharmacy, damage: object) -> None:
    delivered = pharmacy.deliver(0, 1)
    pharmacy.batches()
    for path in copies(pharmacy):
        path.write_bytes(damage(path.read_bytes()) if damage is not bytes else b"")  # type: ignore[operator]
    assert pharmacy.batches() == delivered
    with counted_gets(pharmacy.lake) as fetched:
        assert pharmacy.batches() == delivered
    assert fetched == []


def test_a_manifest_that_somebody_replaced_is_read_anew(pharmacy: Pharmacy) -> None:
    (delivered,) = pharmacy.deliver(0)
    pharmacy.batches()
    mended = delivered.model_copy(update={"code_version": "mended"})
    pharmacy.put(batch_prefix("pharmacy", "price", delivered.batch_id) + MANIFEST, mended.model_dump_json().encode())
    assert pharmacy.batches() == [mended]


def test_a_batch_that_somebody_deleted_is_gone(pharmacy: Pharmacy) -> None:
    first, second = pharmacy.deliver(0, 1)
    pharmacy.batches()
    pharmacy.lake.delete_all(
        pharmacy.settings.bucket("bronze"), [batch_prefix("pharmacy", "price", first.batch_id) + MANIFEST]
    )
    assert pharmacy.batches() == [second]


def test_without_room_for_copies_manifests_are_read_all_the_same(pharmacy: Pharmacy) -> None:
    pharmacy.settings.home.mkdir(parents=True)
    (pharmacy.settings.home / "cache").write_text("not a folder")
    delivered = pharmacy.deliver(0)
    assert pharmacy.batches() == delivered


def test_many_readers_at_once_see_the_same(pharmacy: Pharmacy) -> None:
    delivered = pharmacy.deliver(*range(6))
    for path in copies(pharmacy):
        path.unlink()

    def read(_: int) -> list[Manifest]:
        return batches(pharmacy.settings, pharmacy.lake, "pharmacy", "price")

    with ThreadPoolExecutor(8) as pool:
        assert all(found == delivered for found in pool.map(read, range(24)))
    assert not [path for path in copies(pharmacy) if not path.name.startswith(MANIFEST)]
