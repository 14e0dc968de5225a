"""The batches of a table that were let through before one of them: what it is compared with."""

from collections.abc import Iterator

from wardlake.bronze import Manifest, batches
from wardlake.lake import Lake
from wardlake.quality.verdicts import REFUSED, Verdict, stored_verdicts, verdict_prefix
from wardlake.settings import Settings


def accepted_before(settings: Settings, lake: Lake, manifest: Manifest) -> Iterator[tuple[Manifest, Verdict]]:
    """Batches that were let through before, newest first, each with the last verdict that let it through."""
    older = [
        batch
        for batch in batches(settings, lake, manifest.source, manifest.table)
        if batch.extracted_at < manifest.extracted_at and batch.arrived
    ]
    for batch in sorted(older, key=lambda batch: batch.extracted_at, reverse=True):
        through = [verdict for verdict in verdicts_on(settings, lake, batch) if verdict.status not in REFUSED]
        if through:
            yield batch, through[-1]


def verdicts_on(settings: Settings, lake: Lake, batch: Manifest) -> list[Verdict]:
    """What all versions of the suite said of a batch, the last one last."""
    found = stored_verdicts(lake, settings, verdict_prefix(batch.source, batch.table, batch.batch_id))
    return sorted(found, key=lambda verdict: verdict.judged_at)
