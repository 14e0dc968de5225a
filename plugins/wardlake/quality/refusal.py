"""Data that was refused for its quality: the error, with the verdicts and the report for those who tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wardlake.errors import PermanentError
from wardlake.quality.verdicts import Verdict


@dataclass(frozen=True)
class Refused:
    """The verdicts of which at least one refuses, and the report that shows them."""

    verdicts: Sequence[Verdict]
    report: Path


class RefusedError(PermanentError):
    """Batches stay out of the warehouse, or gold stays unpublished, as a rule says so."""

    def __init__(self, what: str, *, remedy: str, refused: Refused) -> None:
        super().__init__(what, remedy=remedy)
        self.refused = refused
