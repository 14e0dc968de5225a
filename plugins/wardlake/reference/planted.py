"""The dirty rows of the reference hospital: extra rows, each with the rule that has to find it.

Their keys lie in ranges that no clean row reaches, so that they are the same at any scale and with any seed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DirtyRow:
    """A planted row: `key` holds the values of the key columns as they stand in bronze.

    `also` are other rules that warn of the same row, and rightly.
    """

    id: str
    source: str
    table: str
    rule_id: str
    action: str
    key: dict[str, int | str]
    what: str
    also: tuple[str, ...] = ()


def _rows(
    source: str,
    table: str,
    rule: str,
    action: str,
    what: str,
    keys: list[dict[str, int | str]],
    also: tuple[str, ...] = (),
) -> list[DirtyRow]:
    rule_id = f"{source}.{table}.{rule}"
    others = tuple(f"{source}.{table}.{name}" for name in also)
    return [
        DirtyRow(f"{table}.{rule}.{number}", source, table, rule_id, action, key, what, others)
        for number, key in enumerate(keys, start=1)
    ]


def _numbered(column: str, *numbers: int) -> list[dict[str, int | str]]:
    return [{column: 9_000_000_000 + number} for number in numbers]


PLANTED: tuple[DirtyRow, ...] = (
    *_rows(
        "reference", "pat_master", "duplicate_mrn", "quarantine",
        "patient typed in again under the same record number", _numbered("rec_id", 1, 2, 3),
    ),
    *_rows(
        "reference", "admission", "duplicate_case_no", "quarantine",
        "message of an admission sent twice", _numbered("adm_no", 1, 2),
    ),
    *_rows(
        "reference", "admission", "discharge_before_admission", "quarantine",
        "discharge lies before admission", _numbered("adm_no", 3, 4), ("case_without_bed",),
    ),
    *_rows(
        "reference", "admission", "negative_age", "quarantine",
        "age below zero", _numbered("adm_no", 5, 6), ("case_without_bed",),
    ),
    *_rows(
        "reference", "bed_movement", "unknown_ward", "quarantine",
        "ward code that the ward list does not know", _numbered("mv_id", 3, 4), ("ends_after_discharge",),
    ),
    *_rows(
        "reference", "prescription", "dose_is_range", "warn",
        "range typed where one dose belongs", _numbered("rx_id", 1, 2), ("ordered_twice",),
    ),
    *_rows(
        "reference_pharmacy", "price_list", "price_not_positive", "quarantine",
        "price 0 in the list of July", [{"Drug Code": "R1002", "Effective From": "2025-08-15"}],
    ),
    *_rows(
        "reference_pharmacy", "dispensing", "byte_order_mark", "warn",
        "file of March begins with a byte-order mark; its first line stands for it", [{"Line No": "2025030000001"}],
    ),
    *_rows(
        "reference_pharmacy", "dispensing", "totals_row", "quarantine",
        "file of June ends with a line of totals", [{"Line No": "Total"}],
    ),
    *_rows(
        "reference_pharmacy", "dispensing", "late_correction", "warn",
        "line of August that replaces one of July",
        [{"Line No": str(2025089000000 + number)} for number in (1, 2, 3)],
    ),
)  # fmt: skip
