"""The object store: buckets, conditional puts, and a probe that refuses stores which ignore conditions."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.settings import LAYERS, Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALREADY_THERE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
NO_RIGHT = ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled")
MISSING = ("NoSuchKey", "404", "NotFound")
NO_BUCKET = ("NoSuchBucket",)
STREAM_BYTES = 1024**2
DELETED_AT_ONCE = 1000  # the most that S3 takes in one request


@dataclass(frozen=True)
class Entry:
    """An object as a listing shows it. `modified_at` is by the store's clock; another content has another `etag`."""

    key: str
    bytes: int
    modified_at: datetime
    etag: str


class Lake:
    """A connection to the store that the settings name. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.s3_secret_access_key
        self._settings = settings
        self.client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=Config(
                retries={"max_attempts": 5, "mode": "standard"},
                connect_timeout=5,
                # manifests hold the SHA-256 of every part: no further digest of each upload is needed
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if settings.s3_endpoint_url else None,
            ),
        )

    def put_if_absent(self, bucket: str, key: str, body: bytes) -> bool:
        """Store `body` unless `key` exists; True if this call stored it."""
        with _translated(bucket, key, "written"):
            try:
                self.client.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error_code(error) in ALREADY_THERE:
                    return False
                raise
        return True

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store `body`, in place of what is there."""
        with _translated(bucket, key, "written"):
            self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def get(self, bucket: str, key: str) -> bytes:
        """Content of an object."""
        with _translated(bucket, key, "read"):
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def exists(self, bucket: str, key: str) -> bool:
        """Whether an object is there."""
        with _translated(bucket, key, "read"):
            try:
                self.client.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return False
                raise
        return True

    def find(self, bucket: str, key: str) -> bytes | None:
        """Content of an object, or None if it is not there."""
        with _translated(bucket, key, "read"):
            try:
                return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise

    def stream(self, bucket: str, key: str) -> Iterator[bytes]:
        """Content of an object, in pieces of at most 1 MiB."""
        with _translated(bucket, key, "read"):
            yield from self.client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(STREAM_BYTES)

    def list(self, bucket: str, prefix: str = "") -> list[str]:
        """Keys below a prefix, sorted."""
        return [entry.key for entry in self.entries(bucket, prefix)]

    def entries(self, bucket: str, prefix: str = "") -> Sequence[Entry]:
        """Objects below a prefix, sorted by key."""
        with _translated(bucket, prefix, "listed"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            found = [
                Entry(entry["Key"], entry["Size"], entry["LastModified"], entry["ETag"].strip('"'))
                for page in pages
                for entry in page.get("Contents", [])
            ]
        return sorted(found, key=lambda entry: entry.key)

    def delete_all(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete objects, in the order of the keys; one that is gone already is no error."""
        for first in range(0, len(keys), DELETED_AT_ONCE):
            some = keys[first : first + DELETED_AT_ONCE]
            with _translated(bucket, some[0], "deleted"):
                answer = self.client.delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
            for refused in answer.get("Errors", []):
                raise _explain(refused.get("Code", ""), f"s3://{bucket}/{refused.get('Key')}", bucket, "deleted")

    def now(self, bucket: str) -> datetime:
        """The time by the store's clock, by which `Entry.modified_at` counts; to the second."""
        with _translated(bucket, "", "read"):
            answer = self.client.head_bucket(Bucket=bucket)
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def upload(self, path: Path, bucket: str, key: str) -> None:
        """Store a file, in parts if it is large."""
        with _translated(bucket, key, "written"):
            self.client.upload_file(str(path), bucket, key)

    def download(self, bucket: str, key: str, path: Path) -> None:
        """Fetch an object into a file."""
        with _translated(bucket, key, "read"):
            self.client.download_file(bucket, key, str(path))

    def download_version(self, bucket: str, key: str, etag: str, path: Path) -> bool:
        """Fetch an object into a file; False if it is no longer the version that `etag` names."""
        with _translated(bucket, key, "read"):
            try:
                body = self.client.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
            except ClientError as error:
                if error_code(error) in (*ALREADY_THERE, *MISSING):
                    return False
                raise
            with path.open("wb") as stream:
                for block in body.iter_chunks(STREAM_BYTES):
                    stream.write(block)
        return True

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        with _translated(bucket, key, "deleted"):
            self.client.delete_object(Bucket=bucket, Key=key)

    @staticmethod
    def url(bucket: str, key: str) -> str:
        """Address of an object as DuckDB reads it."""
        return f"s3://{bucket}/{key}"

    def ensure_buckets(self) -> None:
        """Create the buckets of all layers that do not exist."""
        for layer in LAYERS:
            bucket = self._settings.bucket(layer)
            with _translated(bucket, "", "created"):
                try:
                    self.client.head_bucket(Bucket=bucket)
                except ClientError as error:
                    if error_code(error) not in (*MISSING, *NO_BUCKET):
                        raise
                    self.client.create_bucket(
                        Bucket=bucket,
                        CreateBucketConfiguration={"LocationConstraint": self._settings.s3_region},  # type: ignore[typeddict-item]
                    )

    def probe(self) -> None:
        """Refuse a store that ignores conditional writes: a manifest could be overwritten unseen.

        Raises:
            PermanentError: the store let a second conditional put replace the first.
        """
        bucket, key = self._settings.bucket("quality"), f"probe/{uuid.uuid4()}"
        first = self.put_if_absent(bucket, key, b"first")
        second = self.put_if_absent(bucket, key, b"second")
        kept = self.get(bucket, key)
        listed = key in self.list(bucket, key)
        self.delete(bucket, key)
        if not (first and not second and kept == b"first" and listed):
            raise PermanentError(
                f"The S3 store at {self._settings.s3_endpoint_url} ignores conditional writes.",
                remedy="Use a store that honours If-None-Match: AWS S3, versitygw or MiniStack.",
            )


def error_code(error: ClientError) -> str:
    """S3's own code of an error, for example `AccessDenied`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(bucket: str, key: str, verb: str) -> Iterator[None]:
    """Turn boto's errors into ones that name the object and the remedy."""
    place = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        raise _explain(error_code(error), place, bucket, verb) from error
    except S3UploadFailedError as error:  # raised for a ClientError, which it keeps as its context only
        cause = error.__context__
        code = error_code(cause) if isinstance(cause, ClientError) else type(error).__name__
        raise _explain(code, place, bucket, verb) from error
    except BotoCoreError as error:
        raise PassingError(
            f"{place} could not be {verb}: {type(error).__name__}.",
            remedy="Check that the S3 server is running and that WARDLAKE_S3_ENDPOINT_URL is right.",
        ) from error


def _explain(code: str, place: str, bucket: str, verb: str) -> WardlakeError:
    if code in NO_RIGHT:
        return PermanentError(
            f"{place} could not be {verb}: the store refused the credentials ({code}).",
            remedy=f"Give the access key in WARDLAKE_S3_ACCESS_KEY_ID the right to do so on bucket {bucket}.",
        )
    if code in NO_BUCKET:
        return PermanentError(
            f"{place} could not be {verb}: there is no bucket {bucket}.",
            remedy="Create it, or set WARDLAKE_BUCKET_PREFIX to the prefix of the buckets that exist.",
        )
    if code in MISSING:
        return PermanentError(f"{place} does not exist.", remedy="List the bucket to see what is there.")
    return PassingError(f"{place} could not be {verb}: {code}.", remedy="Look at the log of the S3 server.")
