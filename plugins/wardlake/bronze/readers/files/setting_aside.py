"""Broken files are set aside in the bronze bucket with the reason: nothing is lost, and the others go on."""

import json
from pathlib import Path

from wardlake.bronze.manifest import RefusedFile, batch_prefix
from wardlake.lake import Lake
from wardlake.sources import Source

REASON = "reason.json"


def set_aside(
    lake: Lake, bucket: str, source: Source, table: str, batch_id: str, refused: RefusedFile, path: Path
) -> RefusedFile:
    """Copy a content to `bronze/<source>/<table>/_set_aside/<sha256>/<name>`, if it is not there, and say why."""
    prefix = f"{batch_prefix(source.name, table)}_set_aside/{refused.sha256}/"
    copies = [key for key in lake.list(bucket, prefix) if key != prefix + REASON]
    key = copies[0] if copies else prefix + (refused.name if refused.name != REASON else f"_{REASON}")
    if not copies:
        lake.upload(path, bucket, key)
    reason = {"name": refused.name, "sha256": refused.sha256, "reason": refused.reason, "batch_id": batch_id}
    lake.put(bucket, prefix + REASON, json.dumps(reason, indent=1).encode())
    return refused.model_copy(update={"key": key})
