"""What a day's changes cost: `wardlake run` with 1 % changed rows against the first run of the same hospital.

    python benchmarks/incremental.py [--patients N] [--json FILE]

The first run takes a hospital from empty buckets to published gold. Then come three days, each a run of its own:

- nothing changed
- one table: as many results of examinations change as are 1 % of all rows of the hospital
- every table: 1 % of the rows of each table change, one at least

The limit is meant for every one of them. All tables of the reference hospital's database are snapshots: each run reads
them from the first row to the last and judges them, whatever has changed; what a build saves is told in a column of
its own.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from hospital import Measured, hospital, measured_run
from report import tell

from wardlake.embedded import postgres
from wardlake.embedded.demo import WINDOW
from wardlake.settings import Settings
from wardlake.window import Window

LIMIT = 0.15
RESULTS = "ehr.exam_result"
CHANGES = {
    # table: its key, and a change that breaks no rule
    "adt.pat_master": ("rec_id", "phone = coalesce(phone, '') || '0'"),
    "adt.ward": ("ward_cd", "ward_nm = ward_nm || ' A'"),
    "adt.bed": ("bed_no", "bed_type = CASE bed_type WHEN 'ICU' THEN 'STANDARD' ELSE 'ICU' END"),
    "adt.bed_status": ("status_id", "reason_txt = coalesce(reason_txt, '') || '.'"),
    "adt.admission": ("adm_no", "adm_type_cd = CASE adm_type_cd WHEN 'URGENT' THEN 'ELECTIVE' ELSE 'URGENT' END"),
    "adt.bed_movement": ("mv_id", "mv_cd = CASE mv_cd WHEN 'ADMIT' THEN 'TRANSFER' ELSE 'ADMIT' END"),
    "ehr.diagnosis": ("dx_id", "dx_txt = dx_txt || '.'"),
    RESULTS: ("res_id", "value_txt = value_txt || '.'"),
    "ehr.drug": ("drug_cd", "usage_txt = coalesce(usage_txt, '') || '.'"),
    "ehr.prescription": ("rx_id", "sig_txt = coalesce(sig_txt, '') || '.'"),
    "ehr.administration": ("evt_id", "qty = qty + 1"),
    "hr.staff": ("staff_no", "experience_years = experience_years + 1"),
    "hr.roster": ("roster_id", "plan_end = plan_end + interval '1 minute'"),
    "hr.timeclock": ("clock_id", "clock_out = clock_out + interval '1 minute'"),
}


def main(
    patients: Annotated[int, typer.Option(help="Size of the reference hospital.")] = 10_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Run the days one after the other and print the cost of each."""
    with hospital(patients) as settings:
        counts = _counts(settings)
        a_hundredth = {table: max(count // 100, 1) for table, count in counts.items()}
        days = {
            "nothing changed": {},
            "1 % of all rows, in one table": {RESULTS: min(sum(counts.values()) // 100, counts[RESULTS])},
            "1 % of the rows of every table": a_hundredth,
        }
        full = measured_run(settings, WINDOW)
        rows = [_row("first run", sum(counts.values()), full, full)]
        for number, (what, changes) in enumerate(days.items(), start=1):
            _change(settings, changes)
            day = timedelta(days=number)
            run = measured_run(settings, Window(WINDOW.start + day, WINDOW.end + day))
            rows.append(_row(what, sum(changes.values()), run, full))
    ratios = [float(str(row["ratio"])) for row in rows[1:]]
    tell(f"Reference hospital, {patients:,} patients", rows, {"worst_ratio": max(ratios), "limit": LIMIT}, json_file)
    raise SystemExit(max(ratios) > LIMIT)


def _row(what: str, changed: int, run: Measured, full: Measured) -> dict[str, object]:
    stages = {f"{name}_s": seconds for name, seconds in run.stages.items()}
    return {"run": what, "changed_rows": changed, "seconds": run.seconds, "ratio": run.seconds / full.seconds, **stages}


def _counts(settings: Settings) -> dict[str, int]:
    with psycopg.connect(postgres.uri(settings.home, "hospital")) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in CHANGES}


def _change(settings: Settings, changes: dict[str, int]) -> None:
    """Change so many rows of each table; which ones is left to a digest of their keys."""
    with psycopg.connect(postgres.uri(settings.home, "hospital")) as connection:
        for table, rows in changes.items():
            key, change = CHANGES[table]
            chosen = f"SELECT {key} FROM {table} ORDER BY md5({key}::text) LIMIT {rows}"
            connection.execute(f"UPDATE {table} SET {change} WHERE {key} IN ({chosen})".encode())


if __name__ == "__main__":
    typer.run(main)
