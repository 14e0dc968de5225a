"""Sign-off: a decision on a run with a name, bound to the hash of exactly the report that was read."""

from typing import Literal

import duckdb

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.ledger import SignOff, append, open_ledger, sha256_of
from wardlake.quality.keeping import stored_report
from wardlake.quality.runs import Run, Signature, read_run, run_of
from wardlake.settings import Settings

Answer = Literal["approved", "rejected"]


def sign(settings: Settings, run_id: str, report_sha256: str, decision: Answer, name: str, remark: str) -> Signature:
    """Enter a decision on a run into the ledger; the same decision of the same person twice is entered once.

    Raises:
        PermanentError: no such run, another report than the stored one, no name, a rejection without a remark, or a
            person who has replayed or accepted rows of the run.
        PassingError: the store did not answer.
    """
    name, remark = name.strip(), remark.strip()
    if not name:
        raise PermanentError("A signature needs a name.", remedy="Say who signs.")
    if decision == "rejected" and not remark:
        raise PermanentError(f"Run {run_id}: a rejection needs a remark.", remedy="Say what is to be mended.")
    with open_ledger(settings) as ledger:
        run = read_run(ledger, run_id)
        decided = _own_decisions(ledger, run_id, name)
    if decided:
        raise PermanentError(
            f"Run {run_id}: {name} has decided on quarantined rows of {', '.join(decided)}, and nobody signs what they "
            "have decided themselves.",
            remedy="Let somebody else sign.",
        )
    _refuse_another_report(settings, run, report_sha256)
    signed = run.signature
    if signed is None or (signed.decision, signed.signed_by, signed.remark) != (decision, name, remark):
        entry = SignOff(run_id=run_id, report_sha256=report_sha256, decision=decision, signed_by=name, remark=remark)
        append(settings, Lake(settings), entry)
        signed = run_of(settings, run_id).signature
    assert signed  # noqa: S101  it was entered, here or before
    return signed


def state_of(settings: Settings, run_id: str) -> Signature | None:
    """The decision on a run that counts, None if nobody has signed.

    Raises:
        PermanentError: the ledger has no such run.
        PassingError: the store did not answer.
    """
    return run_of(settings, run_id).signature


def refuse_unsigned(settings: Settings, run_id: str, sources: list[str]) -> None:
    """Raise unless the run, which these sources require to be signed, was approved.

    Raises:
        PermanentError: nobody has signed, or the run was rejected; says how to go on.
        PassingError: the store did not answer.
    """
    signed = state_of(settings, run_id)
    if signed is None:
        raise PermanentError(
            f"Run {run_id} waits for a signature, which {', '.join(sources)} requires.",
            remedy=f"Read {settings.reports_dir / run_id}.html, sign in Airflow ('Data quality') or with 'wardlake "
            f"quality sign {run_id} --approve --name NAME', then 'wardlake publish'. Published gold stays as it was.",
        )
    if signed.decision != "approved":
        raise PermanentError(
            f"Run {run_id} was rejected by {signed.signed_by}: {signed.remark}",
            remedy="Mend what the remark says and build again, or have it signed again. Published gold stays as it "
            "was.",
        )


def _refuse_another_report(settings: Settings, run: Run, report_sha256: str) -> None:
    stored = stored_report(settings, run.run_id)
    if stored is None or sha256_of(stored) != run.report_sha256:
        raise PermanentError(
            f"Run {run.run_id}: the stored report {'is gone' if stored is None else 'was altered'}.",
            remedy="Nothing can be signed. Run 'wardlake quality verify', and restore the report from the bucket's "
            "versions.",
        )
    if report_sha256 != run.report_sha256:
        raise PermanentError(
            f"Run {run.run_id}: what was read has another SHA-256 than the stored report ({run.report_sha256}).",
            remedy="Open the report again and sign that one.",
        )


def _own_decisions(ledger: duckdb.DuckDBPyConnection, run_id: str, name: str) -> list[str]:
    """Tables of the run of which the person has let quarantined rows be judged again, or accepted them."""
    found = ledger.execute(
        """
        SELECT DISTINCT source || '.' || table_name
        FROM quality.decisions JOIN quality.run_batches USING (source, table_name, batch_id)
        WHERE run_id = ? AND action IN ('replay', 'accept') AND lower(trim(decided_by)) = lower(?)
        ORDER BY ALL
        """,
        [run_id, name],
    ).fetchall()
    return [str(table) for (table,) in found]
