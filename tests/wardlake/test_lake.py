"""The object store: one winner of a conditional put, errors that name bucket and remedy."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from pydantic import SecretStr

from wardlake.errors import PassingError, PermanentError
from wardlake.lake import STREAM_BYTES, Lake
from wardlake.settings import Settings

SECRET = "only-for-tests"


def test_one_of_many_conditional_puts_wins(settings: Settings, lake: Lake) -> None:
    bucket = settings.bucket("bronze")
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: lake.put_if_absent(bucket, "one", str(number).encode()), range(16)))
    assert won.count(True) == 1
    assert lake.get(bucket, "one") == str(won.index(True)).encode()


def test_a_store_that_ignores_conditions_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.probe()
    put = lake.client.put_object
    monkeypatch.setattr(
        lake.client, "put_object", lambda **arguments: put(**{k: v for k, v in arguments.items() if k != "IfNoneMatch"})
    )
    with pytest.raises(PermanentError, match="ignores conditional writes"):
        lake.probe()


def test_a_store_that_is_down_is_a_passing_fault(settings: Settings) -> None:
    lake = Lake(settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9", "s3_attempts": 1}))
    with pytest.raises(PassingError, match="WARDLAKE_S3_ENDPOINT_URL"):
        lake.exists(settings.bucket("bronze"), "x")


def test_a_missing_bucket_is_named(settings: Settings) -> None:
    lake = Lake(settings.model_copy(update={"bucket_prefix": "nobody"}))
    with pytest.raises(PermanentError, match="nobody-bronze"):
        lake.list("nobody-bronze")


def test_a_user_without_rights_is_told_bucket_and_key_without_the_secret(settings: Settings, lake: Lake) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=SECRET,
    )
    user = f"nobody-{settings.bucket_prefix}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    secret = key["SecretAccessKey"]
    powerless = Lake(
        settings.model_copy(update={"s3_access_key_id": key["AccessKeyId"], "s3_secret_access_key": SecretStr(secret)})
    )
    with pytest.raises(PermanentError, match=f"refused the credentials.*{settings.bucket('bronze')}") as raised:
        powerless.put_if_absent(settings.bucket("bronze"), "x", b"")
    assert secret not in str(raised.value)
    assert not lake.exists(settings.bucket("bronze"), "x")


def test_a_listing_shows_size_time_and_version(settings: Settings, lake: Lake) -> None:
    bucket = settings.bucket("bronze")
    lake.put_if_absent(bucket, "some/b", b"12345")
    lake.put_if_absent(bucket, "some/a", b"1")
    lake.put_if_absent(bucket, "other", b"1")
    first, second = lake.entries(bucket, "some/")
    assert [(entry.key, entry.bytes) for entry in (first, second)] == [("some/a", 1), ("some/b", 5)]
    assert abs(lake.now(bucket) - first.modified_at) < timedelta(minutes=1)
    assert first.etag != second.etag
    assert first.etag == lake.entries(bucket, "other")[0].etag


def test_what_is_missing_is_found_to_be_so(settings: Settings, lake: Lake) -> None:
    bucket = settings.bucket("bronze")
    lake.put_if_absent(bucket, "one", b"1")
    assert lake.find(bucket, "one") == b"1"
    assert lake.find(bucket, "two") is None
    with pytest.raises(PermanentError, match="nobody-bronze"):
        lake.find("nobody-bronze", "one")


def test_a_large_object_is_read_in_pieces(settings: Settings, lake: Lake) -> None:
    bucket, content = settings.bucket("bronze"), bytes(range(256)) * 10_000
    lake.put_if_absent(bucket, "large", content)
    pieces = list(lake.stream(bucket, "large"))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= STREAM_BYTES
    with pytest.raises(PermanentError, match="does not exist"):
        list(lake.stream(bucket, "missing"))


def test_many_objects_are_deleted_whether_they_are_there_or_not(settings: Settings, lake: Lake) -> None:
    bucket = settings.bucket("bronze")
    for name in ("a", "b", "c"):
        lake.put_if_absent(bucket, name, b"1")
    lake.delete_all(bucket, ["a", "c", *(f"missing-{number}" for number in range(1200))])
    assert lake.list(bucket) == ["b"]
    lake.delete_all(bucket, [])
    assert lake.list(bucket) == ["b"]
