"""The object store: one winner of a conditional put, errors that name bucket and remedy."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from pydantic import SecretStr

from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
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
    lake = Lake(settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"}))
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
