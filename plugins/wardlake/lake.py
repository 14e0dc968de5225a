"""The object store: buckets, conditional puts, and a probe that refuses stores which ignore conditions."""

import base64
import hashlib
import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, ResponseStreamingError
from botocore.parsers import ResponseParserError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from urllib3.exceptions import ProtocolError

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.settings import LAYERS, Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALREADY_THERE = ("PreconditionFailed", "412")
AT_THIS_MOMENT = ("ConditionalRequestConflict", "OperationAborted")
NO_RIGHT = ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled")
MISSING = ("NoSuchKey", "404", "NotFound")
NO_BUCKET = ("NoSuchBucket",)
WRONG_TIME = "RequestTimeTooSkewed"
TOO_MANY_REQUESTS = ("SlowDown", "TooManyRequests", "Throttling", "RequestLimitExceeded", "429", "503")
PASSING = (
    (
        TOO_MANY_REQUESTS,
        "the store asks for fewer requests",
        "The task will try again; if it stays so, raise WARDLAKE_S3_ATTEMPTS or ask for a higher limit.",
    ),
    (
        (WRONG_TIME,),
        "the clocks of this machine and of the store differ too much",
        "Set the clock of this machine (chronyd, systemd-timesyncd); the task will try again.",
    ),
    (
        AT_THIS_MOMENT,
        "another process writes it at this moment",
        "The task will try again, and finds what the other one has stored.",
    ),
)
"""Codes of faults that pass, what they mean, and what to do."""
TIME_MAY_DIFFER = timedelta(minutes=5)
LONGEST_WAIT_S = 20.0
BROKEN_OFF = (IncompleteReadError, ResponseStreamingError, ProtocolError)
"""Errors in the middle of an answer's body, which botocore does not try again."""
MARKS = dict.fromkeys(("PutObject", "GetObject", "HeadObject", "UploadPart"), "ETag") | {"ListObjectsV2": "Name"}
"""What every store says in its answer to an operation, and a login page of a proxy does not."""
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
                retries={"total_max_attempts": settings.s3_attempts, "mode": "standard"},
                connect_timeout=min(5, settings.s3_timeout_s),
                read_timeout=settings.s3_timeout_s,
                # manifests hold the SHA-256 of every part: no further digest of each upload is needed
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if settings.s3_endpoint_url else None,
            ),
        )
        self.client.meta.events.register("needs-retry.s3", self._wait)  # type: ignore[arg-type]
        self.client.meta.events.register("after-call.s3", _refuse_strangers)

    def put_if_absent(self, bucket: str, key: str, body: bytes, *, lock_days: int = 0) -> bool:
        """Store `body` unless `key` exists; True if this call stored it, be it that the answer was lost on its way.

        With `lock_days` the store refuses for so long to delete or replace it, whoever asks (S3 Object Lock).
        """
        call = uuid.uuid4().hex
        lock: dict[str, Any] = {}
        if lock_days:
            until = datetime.now(UTC) + timedelta(days=lock_days)
            # stores ask for a digest of what they lock
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until, "ChecksumSHA256": digest}
        with _translated(bucket, key, "written"):
            try:
                self.client.put_object(
                    Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", Metadata={"call": call}, **lock
                )
            except ClientError as error:
                if error_code(error) not in ALREADY_THERE:
                    raise
                return self._is_of(bucket, key, call)
        return True

    def _is_of(self, bucket: str, key: str, call: str) -> bool:
        """Whether an object is of an earlier try of this call, whose answer was lost."""
        try:
            return self.client.head_object(Bucket=bucket, Key=key)["Metadata"].get("call") == call
        except ClientError as error:
            if error_code(error) in MISSING:
                return False
            raise

    def _wait(self, attempts: int, response: Any, **_: object) -> float | None:
        """Seconds until the next try of what botocore does not try again by itself."""
        code = response[1].get("Error", {}).get("Code") if response else None
        if code not in (*AT_THIS_MOMENT, *TOO_MANY_REQUESTS) or attempts >= self._settings.s3_attempts:
            return None
        return random.random() * min(2.0 ** (attempts - 1), LONGEST_WAIT_S)  # noqa: S311  jitter

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store `body`, in place of what is there."""
        with _translated(bucket, key, "written"):
            self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def get(self, bucket: str, key: str) -> bytes:
        """Content of an object."""
        with _translated(bucket, key, "read"):
            return self._read(bucket, key)

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
                return self._read(bucket, key)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise

    def _read(self, bucket: str, key: str) -> bytes:
        def read() -> bytes:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

        again = Retrying(
            stop=stop_after_attempt(self._settings.s3_attempts),
            wait=wait_random_exponential(max=LONGEST_WAIT_S),
            retry=retry_if_exception_type(BROKEN_OFF),
            reraise=True,
        )
        return again(read)

    def stream(self, bucket: str, key: str) -> Iterator[bytes]:
        """Content of an object, in pieces of at most 1 MiB."""
        with _translated(bucket, key, "read"):
            yield from self.client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(STREAM_BYTES)

    def list(self, bucket: str, prefix: str = "") -> list[str]:
        """Keys below a prefix, sorted."""
        return [entry.key for entry in self.entries(bucket, prefix)]

    def entries(self, bucket: str, prefix: str = "", after: str = "") -> Sequence[Entry]:
        """Objects below a prefix, sorted by key; only those whose keys come after `after`."""
        with _translated(bucket, prefix, "listed"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, StartAfter=after
            )
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
                        ObjectLockEnabledForBucket=layer == "quality" and self._settings.quality_lock_days > 0,
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


class StrangerError(BotoCoreError):
    """Something answered that is no store."""

    fmt = "The answer has no {mark}."


def _refuse_strangers(model: Any, parsed: dict[str, Any], http_response: Any, **_: object) -> None:
    mark = MARKS.get(model.name)
    if mark and http_response.status_code < 300 and mark not in parsed:
        raise StrangerError(mark=mark)


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
        raise _explain(_told(error), place, bucket, verb) from error
    except (Boto3Error, BotoCoreError, ResponseParserError, ProtocolError) as error:
        cause = error.__context__  # of a failed transfer, which keeps what the store said as its context only
        if isinstance(cause, ClientError):
            raise _explain(_told(cause), place, bucket, verb) from error
        raise PassingError(
            f"{place} could not be {verb}: {type(error).__name__}.",
            remedy="Check that the S3 server is running, that WARDLAKE_S3_ENDPOINT_URL is right, and that no proxy "
            "answers in its place.",
        ) from error


def _told(error: ClientError) -> str:
    """The code of an error; by the store's clock also where the answer to a HEAD says no more than 403."""
    code = error_code(error)
    date = error.response["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    if code == "403" and date and abs(parsedate_to_datetime(date) - datetime.now(UTC)) > TIME_MAY_DIFFER:
        return WRONG_TIME
    return code


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
    for codes, reason, remedy in PASSING:
        if code in codes:
            return PassingError(f"{place} could not be {verb}: {reason} ({code}).", remedy=remedy)
    return PassingError(f"{place} could not be {verb}: {code}.", remedy="Look at the log of the S3 server.")
