"""One HTTP server, asked politely: one connection, back-off with jitter, answers on disk, no secret shown."""

import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
from msgspec import Raw
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from wardlake.bronze.relation import Request
from wardlake.errors import PassingError, PermanentError
from wardlake.sources import Source
from wardlake.sources.connections import HttpConnection

# they log addresses with their parameters, which may hold the key or a patient's value
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_EXPLANATION_BYTES = 64 * 1024
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 529}
GONE_STATUS = {404, 410}
REFUSED_STATUS = {401, 403}

T = TypeVar("T")


class TryAgainError(Exception):
    """A passing fault of one attempt; `reason` completes the sentence 'the server ...'."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


class GoneError(PermanentError):
    """There is nothing at an address (any more)."""


class ExpiredError(PassingError):
    """A link to the next page is not valid any more: the pages have to be read from the first one again."""


@dataclass(frozen=True)
class Answer:
    """A complete answer; its body lies in `path`, and stays there until the next request."""

    url: httpx.URL
    status: int
    content_type: str
    next_link: str | None
    path: Path

    def read(self) -> bytes:
        """The body without a byte order mark."""
        return self.path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip()


@contextmanager
def server(
    connection: HttpConnection,
    source: str,
    headers: Mapping[bytes, bytes],
    query_key: tuple[str, str] | None = None,
    explain: Callable[[bytes], str] = lambda _: "",
) -> Iterator["Server"]:
    """A server that is reached over one connection; the system's certificates are trusted, and no proxy is used.

    `headers` hold the key, unless it is the `query_key` (name and value). `explain` gives what the body of a refusal
    says of its reason, without values.
    """
    with httpx.Client(
        headers={b"User-Agent": b"wardlake", **headers},
        timeout=connection.timeout_s,
        limits=httpx.Limits(max_connections=1),
        verify=ssl.create_default_context(),
        trust_env=False,
    ) as client:
        yield Server(client, connection, source, query_key, explain)


@dataclass(frozen=True)
class Server:
    """A server that is asked for one answer at a time.

    `who` is the beginning of each error: it names source, table and batch, and ends with the server.
    """

    client: httpx.Client
    connection: HttpConnection
    source: str
    query_key: tuple[str, str] | None = field(repr=False)
    explain: Callable[[bytes], str]

    def get(self, url: httpx.URL, path: Path, who: str, parse: Callable[[Answer], T]) -> T:
        """Ask, store the answer's body in `path`, and parse it; passing faults are tried again.

        `parse` may raise TryAgainError as well.

        Raises:
            GoneError: there is nothing at this address.
            PermanentError: the server refuses, or answers with something else than JSON.
            PassingError: a fault did not pass.
        """

        def attempt() -> T:
            return parse(self._ask(url, path, who))

        retrying = Retrying(
            stop=self._is_enough,
            wait=self._wait,
            retry=retry_if_exception_type(TryAgainError),
            reraise=True,
        )
        try:
            return retrying(attempt)
        except TryAgainError as fault:
            asked = f" and asks to wait {fault.wait_s:.0f} s" if fault.wait_s else ""
            raise PassingError(
                f"{who} {fault.reason}{asked}; {retrying.statistics['attempt_number']} attempts were made.",
                remedy="Check that the server is up and what it allows; the task will try again.",
            ) from None

    def pages(
        self,
        first: httpx.URL,
        path: Path,
        who: str,
        parse: Callable[[Answer], T],
        following: Callable[[T], httpx.URL | None],
    ) -> Iterator[T]:
        """The pages from `first` on, until `following` gives no address.

        Raises:
            ExpiredError: there is nothing at the address of a page but the first.
            PermanentError: a link leads to another server, or to a page that was read already.
        """
        seen: set[int] = set()
        url: httpx.URL | None = first
        while url is not None:
            if (url.scheme, url.host, url.port) != (first.scheme, first.host, first.port):
                raise PermanentError(
                    f"{who} links to its next page on another server "
                    f"({url.scheme}://{url.netloc.decode()}), which is not asked, as it would learn the key.",
                    remedy="Let the server write links with the address by which it is reached (behind a proxy: its "
                    "base address), or correct the connection.",
                )
            if hash(str(url)) in seen:
                raise PermanentError(
                    f"{who} links to a page that was read already, after {len(seen)} pages: it would never end.",
                    remedy="Report it to the maker of the server; another page size may avoid it.",
                )
            seen.add(hash(str(url)))
            try:
                page = self.get(url, path, who, parse)
            except GoneError:
                if url == first:
                    raise
                raise ExpiredError(
                    f"{who} forgot the search after {len(seen) - 1} pages, and again after it was begun anew.",
                    remedy="Choose larger pages, or let the server keep searches longer; the task will try again.",
                ) from None
            yield page
            url = following(page)

    def _ask(self, url: httpx.URL, path: Path, who: str) -> Answer:
        signed = url.copy_set_param(*self.query_key) if self.query_key else url
        deadline = time.monotonic() + self.connection.timeout_s
        try:
            with self.client.stream("GET", signed) as response:
                self._check_status(response, who)
                self._check_type(response, who)
                size = 0
                with path.open("wb") as file:
                    for chunk in response.iter_bytes():
                        size += file.write(chunk)
                        self._check_limits(size, deadline, who)
                link = response.links.get("next", {}).get("url")
                return Answer(url, response.status_code, response.headers.get("content-type", ""), link, path)
        except httpx.TimeoutException:
            raise TryAgainError(f"did not answer in full within {self.connection.timeout_s:g} s") from None
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise PermanentError(
                    f"{who} has a certificate that is not trusted.",
                    remedy="Add the hospital's certificate authority to the certificates of this system.",
                ) from None
            raise TryAgainError("cannot be reached") from None
        except httpx.RequestError as error:
            raise TryAgainError(f"broke off its answer ({type(error).__name__})") from None

    def _check_status(self, response: httpx.Response, who: str) -> None:
        status = response.status_code
        if response.is_success:
            return
        if status in PASSING_STATUS:
            raise TryAgainError(f"answers with HTTP {status}", _retry_after_s(response.headers.get("retry-after")))
        yaml = f"dags/sources/{self.source}.yaml"
        if response.is_redirect:
            raise PermanentError(
                f"{who} sends the reader to another address (HTTP {status}), which is not asked, as it would learn "
                "the key.",
                remedy=f"Correct the address of the connection '{self.connection.conn_id}'.",
            )
        explanation = b""
        for chunk in response.iter_bytes(MAX_EXPLANATION_BYTES):
            explanation = chunk
            break
        reason = f"HTTP {status}{self.explain(explanation)}"
        if status in REFUSED_STATUS:
            raise PermanentError(
                f"{who} refuses the key or the rights of its user ({reason}).",
                remedy=f"Correct login and password of the connection '{self.connection.conn_id}', or grant reading.",
            )
        if status in GONE_STATUS:
            raise GoneError(
                f"{who} has nothing there ({reason}).",
                remedy=f"Correct the address of the connection, or what is asked for in {yaml}.",
            )
        raise PermanentError(
            f"{who} does not accept the request ({reason}).", remedy=f"Correct what is asked for in {yaml}."
        )

    def _check_type(self, response: httpx.Response, who: str) -> None:
        type_ = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if type_ and "json" not in type_:
            shown = type_ if re.fullmatch(r"[a-z]+/[a-z0-9.+-]{1,60}", type_) else "something else"
            raise PermanentError(
                f"{who} answers with {shown} instead of JSON.",
                remedy="Often this is the page of a login or of a proxy: correct the address of the connection.",
            )

    def _check_limits(self, size: int, deadline: float, who: str) -> None:
        if size > self.connection.max_page_mb * 1024**2:
            raise PermanentError(
                f"{who} sent an answer larger than {self.connection.max_page_mb} MB.",
                remedy="Ask for smaller pages, or raise 'max_page_mb' of the connection in "
                f"dags/sources/{self.source}.yaml.",
            )
        if time.monotonic() > deadline:
            raise TryAgainError(f"did not answer in full within {self.connection.timeout_s:g} s")

    def _wait(self, state: RetryCallState) -> float:
        retry = self.connection.retry
        backing_off = wait_exponential_jitter(retry.first_wait_s, max=retry.longest_wait_s, jitter=retry.first_wait_s)
        return max(_asked_wait_s(state) or 0.0, backing_off(state))

    def _is_enough(self, state: RetryCallState) -> bool:
        """Whether to give up: after all attempts, or at once if the server asks for a longer wait than is allowed."""
        is_too_long = (_asked_wait_s(state) or 0.0) > self.connection.retry.longest_wait_s
        return is_too_long or stop_after_attempt(self.connection.retry.attempts)(state)


def name_of(source: Source, request: Request) -> str:
    """How errors name the server of a source, and the batch that is read."""
    conn_id = getattr(source.connection, "conn_id", "")
    return f"{source.name}.{request.table}, batch {request.batch_id}: the server of connection '{conn_id}'"


def linked(answer: Answer, link: str, who: str) -> httpx.URL:
    """The address of a link in an answer, which may be relative.

    Raises:
        PermanentError: it is no address.
    """
    try:
        return answer.url.join(link)
    except httpx.InvalidURL:
        raise PermanentError(
            f"{who} links to its next page with something that is no address.",
            remedy="Report it to the maker of the server.",
        ) from None


def begun_anew(read: Callable[[], T]) -> T:
    """What `read` returns; if a link expires in it, it is called once more."""
    try:
        return read()
    except ExpiredError:
        return read()


def decode(body: bytes | Raw, type_: type[T], what: str, who: str) -> T:
    """A JSON body as `type_`; `what` names it for the reader of an error.

    Raises:
        TryAgainError: the body is cut short.
        PermanentError: it is not JSON in UTF-8, or something else than `what`.
    """
    remedy = "Correct the address of the connection and what is asked for, or report it to the maker of the server."
    try:
        str(memoryview(body), "utf-8")
        return msgspec.json.decode(body, type=type_)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise TryAgainError("sent JSON that is cut short") from None
        raise PermanentError(f"{who} sent an answer that is not in UTF-8.", remedy=remedy) from None
    except msgspec.ValidationError as error:
        raise PermanentError(f"{who} sent something that is no {what} ({_valueless(error)}).", remedy=remedy) from None
    except msgspec.DecodeError as error:
        # msgspec calls a number that ends too early malformed, at the end of the body
        ends_too_early = f"(byte {len(memoryview(body))})" in str(error) and "trailing" not in str(error)
        if ends_too_early or "truncated" in str(error):
            raise TryAgainError("sent JSON that is cut short") from None
        raise PermanentError(f"{who} sent something that is no JSON ({error}).", remedy=remedy) from None


def _valueless(error: msgspec.ValidationError) -> str:
    """What does not fit and where; msgspec shows the value of an enumeration, which may be a patient's."""
    return re.sub(r"(Invalid enum value) .*?( - at `[^`]*`)?$", r"\1\2", str(error), flags=re.DOTALL)


def agreed_total(told: Sequence[int], rows: int, who: str) -> int:
    """The number of rows that the server told, which is the number that was read.

    Raises:
        PassingError: the server told different numbers, or another one than was read.
    """
    if {*told} == {rows}:
        return rows
    counts = " then ".join(str(count) for count in dict.fromkeys(told))
    raise PassingError(
        f"{who} counts {counts} rows, {rows} arrived: the data moved while it was read. The batch was not committed.",
        remedy="The task will try again. If it stays so, read smaller windows (mode: incremental), or ask the maker of "
        "the server which rows it counts and does not hand out.",
    )


def _asked_wait_s(state: RetryCallState) -> float | None:
    fault = state.outcome.exception() if state.outcome else None
    return fault.wait_s if isinstance(fault, TryAgainError) else None


def _retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number of seconds, or a date. None if it is neither."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
