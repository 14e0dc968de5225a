"""Rows of files: of the landing bucket, of a folder, of an SFTP server. Each content is taken by one batch.

`stores` list and fetch, `compression` unpacks, `taking` and `claims` say what is new and whose it is, `gathering` ties
these together; a module for each format loads the rows, `chunks` brings them to the contract and into few queries.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from wardlake.bronze.claims import release
from wardlake.bronze.manifest import Manifest, RefusedFile, TakenFile, batches
from wardlake.bronze.readers.files.chunks import Accepted, accept, as_broken, chunks_of, columns_of, examine
from wardlake.bronze.readers.files.formats import BrokenFileError, loader
from wardlake.bronze.readers.files.gathering import Arrival, Gathered, gather, refuse
from wardlake.bronze.readers.files.stores import Store, open_store
from wardlake.bronze.readers.files.taking import history_of, lost_by_replacing
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import PermanentError


@contextmanager
def session(opening: Opening) -> Iterator["FilesSession"]:
    """The files as they are.

    Raises:
        PermanentError: login refused, another host key, no such folder.
        PassingError: the server does not answer.
    """
    with open_store(opening) as store:
        yield FilesSession(opening, store)


@dataclass
class FilesSession:
    """Files of a store."""

    opening: Opening
    store: Store
    snapshot: str | None = None
    moment: datetime | None = None

    def read(self, request: Request) -> Relation:
        """The rows of all files that no other batch has taken; broken files are set aside."""
        opening = self.opening
        committed = batches(opening.settings, opening.lake, opening.source.name, request.table)
        history = history_of(opening.source.tables[request.table], committed, request.replaces)
        gathered = gather(opening, request, history, self.store)
        return _Batch(opening, request, committed, gathered).load()


@dataclass
class _Batch:
    """The files of one batch. `refused` grows as they are looked at; the rest is accepted."""

    opening: Opening
    request: Request
    committed: Sequence[Manifest]
    gathered: Gathered

    def load(self) -> Relation:
        """The relation of all files that can be read and keep the contract."""
        table = self.opening.source.tables[self.request.table]
        spec = table.files
        assert spec is not None  # noqa: S101  the model guarantees it
        load = loader(spec.format)
        accepted: list[Accepted] = []
        types: dict[str, str] = {}
        for arrival in self.gathered.arrivals:
            work = arrival.path.with_name(f"{arrival.path.name}-rows")
            work.mkdir()
            try:
                try:
                    rows = load(self.opening.engine, spec, table, arrival.path, work)
                except duckdb.Error as error:
                    raise as_broken(error) from error
                file = accept(table, arrival, rows)
                _check_new_columns(types, file)
            except BrokenFileError as error:
                self._refuse(arrival, f"cannot be read as {spec.format}: {error}")
                continue
            accepted.append(file)
        relation = self._relation(accepted)
        return replace(relation, without_broken=lambda: self._without_broken(accepted)) if accepted else relation

    def _without_broken(self, files: Sequence[Accepted]) -> Relation:
        columns = columns_of(self.opening.source.tables[self.request.table], files)
        whole = []
        for file in files:
            try:
                examine(self.opening.engine, columns, file)
            except BrokenFileError as error:
                self._refuse(file.arrival, str(error))
            else:
                whole.append(file)
        return self._relation(whole)

    def _refuse(self, arrival: Arrival, reason: str) -> None:
        opening = self.opening
        refused = refuse(opening, self.request, arrival.name, reason, arrival.path, arrival.sha256)
        self.gathered.refused.append(refused)
        for name in self.gathered.holders[arrival.sha256]:
            self.gathered.seen.pop(name, None)
        release(opening.lake, opening.settings.bucket("bronze"), [arrival.claim], self.request.batch_id)

    def _relation(self, files: Sequence[Accepted]) -> Relation:
        table = self.opening.source.tables[self.request.table]
        refused = {file.sha256 for file in self.gathered.refused}
        held = [file for file in self.gathered.held if file.sha256 not in refused]
        again = [*(file.arrival.held for file in files), *held]
        lost = lost_by_replacing(table, self.committed, self.request.replaces, again)
        if lost:
            claims = [file.arrival.claim for file in files]
            release(self.opening.lake, self.opening.settings.bucket("bronze"), claims, self.request.batch_id)
            raise PermanentError(
                f"{self.opening.source.name}.{self.request.table}, batch {self.request.batch_id}: {len(lost)} files of "
                f"the batches that it is to replace can no longer be read, {lost[0]} among them.",
                remedy="Put them back where they came from, or leave their windows out of the backfill.",
            )
        columns = columns_of(table, files)
        counted = sum(file.rows.rows for file in files)
        return Relation(
            chunks=chunks_of(columns, files),
            columns=columns,
            facts=lambda: SourceFacts(counted),
            taken=tuple(_taken(file) for file in files),
            held=tuple(held),
            refused=_sorted(self.gathered.refused),
            changes=tuple(f"{file.arrival.name}: {told}" for file in files for told in file.agreement.changes),
            seen=dict(self.gathered.seen),
            arrived=bool(files),
        )


def _check_new_columns(types: dict[str, str], file: Accepted) -> None:
    """See to it that a column which the contract does not list has one type in all files of the batch."""
    for column in file.agreement.columns:
        known = types.setdefault(column.name, column.type)
        if known != column.type:
            raise BrokenFileError(f"its column '{column.name}' is {column.type}, and {known} in another file")


def _taken(file: Accepted) -> TakenFile:
    return TakenFile(
        name=file.arrival.name,
        sha256=file.arrival.sha256,
        rows=file.rows.rows,
        claim=file.arrival.claim,
        byte_order_mark=file.rows.byte_order_mark,
        modified_at=file.arrival.file.modified_at,
        left_out_rows=file.rows.left_out_rows,
    )


def _sorted(refused: Sequence[RefusedFile]) -> tuple[RefusedFile, ...]:
    return tuple(sorted(refused, key=lambda file: file.name))
