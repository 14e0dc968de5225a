"""From the files of a store to the contents that a batch takes: fetched, unpacked, told apart by content, claimed."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from wardlake.bronze.claims import claim, claim_key
from wardlake.bronze.manifest import HeldFile, RefusedFile
from wardlake.bronze.readers.files.compression import unpack
from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.files.setting_aside import set_aside
from wardlake.bronze.readers.files.stores import ChangedError, Listed, Store, UnreadableError, wanted
from wardlake.bronze.readers.files.taking import History
from wardlake.bronze.relation import Opening, Request


@dataclass(frozen=True)
class Arrival:
    """A content that this batch has claimed, plain on disk in a folder of its own. `file` is where it came from."""

    name: str
    sha256: str
    path: Path
    claim: str
    file: Listed

    @property
    def held(self) -> HeldFile:
        """What the file holds, for a batch that does not take its rows."""
        return HeldFile(name=self.name, sha256=self.sha256, modified_at=self.file.modified_at)


@dataclass
class Gathered:
    """What a look at a store brought.

    `held` are files whose content has its rows elsewhere. `seen` are the files of which nothing is left to take, with
    their marks; `holders` the files that hold a content.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    held: list[HeldFile] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    holders: dict[str, list[str]] = field(default_factory=dict)


def gather(opening: Opening, request: Request, history: History, store: Store) -> Gathered:
    """Fetch what is new and claim it; each content once, the oldest file first.

    Raises:
        PermanentError, PassingError: the store as a whole cannot be read now.
    """
    spec = opening.source.tables[request.table].files
    assert spec is not None  # noqa: S101  the model guarantees it
    files = [file for file in wanted(store, spec) if not history.has_seen(file)]
    gathered = Gathered()
    with ThreadPoolExecutor(store.workers) as pool:
        for found in pool.map(lambda place: _look(opening, request, history, store, *place), enumerate(files)):
            gathered.refused += found.refused
            gathered.held += found.held
            gathered.seen |= found.seen
            for arrival in found.arrivals:
                holders = gathered.holders.setdefault(arrival.sha256, [])
                if holders:
                    arrival.path.unlink()
                    gathered.held.append(arrival.held)
                else:
                    gathered.arrivals.append(arrival)
                holders.append(arrival.file.name)
    return gathered


def refuse(
    opening: Opening, request: Request, name: str, reason: str, path: Path, sha256: str | None = None
) -> RefusedFile:
    """Set a file aside."""
    refused = RefusedFile(name=name, sha256=sha256 or _digest(path), reason=reason)
    bucket = opening.settings.bucket("bronze")
    return set_aside(opening.lake, bucket, opening.source, request.table, request.batch_id, refused, path)


def _look(opening: Opening, request: Request, history: History, store: Store, number: int, file: Listed) -> Gathered:
    """What one file of the store brings."""
    source, table = opening.source, opening.source.tables[request.table]
    spec = table.files
    assert spec is not None  # noqa: S101  the model guarantees it
    bucket, found = opening.settings.bucket("bronze"), Gathered()
    folder = request.work / f"file-{number:06d}"
    folder.mkdir()
    fetched = folder / "fetched"
    try:
        store.fetch(file, fetched)
    except ChangedError:
        return found
    except UnreadableError as error:
        found.refused.append(RefusedFile(name=file.name, sha256=None, reason=f"cannot be fetched: {error}"))
        return found
    try:
        contents = list(unpack(spec, fetched, is_whole_table=table.mode == "snapshot"))
    except BrokenFileError as error:
        found.refused.append(refuse(opening, request, file.name, f"cannot be unpacked: {error}", fetched))
        return found
    is_whole = True
    for plain in contents:
        name = f"{file.name}/{plain.member}" if plain.member else file.name
        if plain.broken:
            found.refused.append(refuse(opening, request, name, f"cannot be unpacked: {plain.broken}", fetched))
            continue
        content = _digest(plain.path)
        key = claim_key(source.name, request.table, content, history.times[content])
        arrival = Arrival(name, content, plain.path, key, file)
        if history.knows(arrival.held):
            plain.path.unlink()
        elif not history.is_new(table, content):
            found.held.append(arrival.held)
            plain.path.unlink()
        elif claim(
            opening.lake, bucket, key, source.name, request.table, request.batch_id, is_alone=not source.concurrent
        ):
            found.arrivals.append(arrival)
        else:
            is_whole = False
            plain.path.unlink()
    if spec.compression != "none":
        fetched.unlink()
    if is_whole and file.mark and not found.refused:
        found.seen[file.name] = file.mark
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
