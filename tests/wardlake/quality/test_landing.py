"""Rules about files: the pharmacy's own suite on a few lines."""

from hashlib import sha256
from typing import Any

from wardlake.bronze.manifest import TakenFile
from wardlake.quality import judge_source
from wardlake.sources import load_sources

COLUMNS = '"Line No", "Date", "Case No", "Drug Code", "Quantity", "Kind", "Unit Price", "Corrects"'
MARCH = f"""
    FROM (VALUES
        ('1', '2025-03-01', 'C1', 'D1', '2', 'DISPENSE', '1.50', NULL, 'dispensing_202503.csv', 2),
        ('2', '2025-03-02', 'C1', 'D1', '-1', 'RETURN', '1.50', '', 'dispensing_202503.csv', 3),
        ('3', '2025-04-01', 'C2', 'D1', '4', 'DISPENSE', '1.50', '1', 'dispensing_202504.csv', 2),
        ('4', '2025-04-02', 'C2', 'D1', '4', 'DISPENSE', '1.50', NULL, 'dispensing_202504.csv', 3),
        ('Total', NULL, NULL, NULL, '9', NULL, NULL, NULL, 'dispensing_202504.csv', 4)
    ) AS t({COLUMNS}, _file, _line)
"""
PRICES = """
    FROM (VALUES ('D1', 'Aspirin', 'EA', '1.50', 'EUR', '2025-01-01', 'price_list_202501.xlsx', 4),
                 ('D2', 'Heparin', 'ML', '0', 'EUR', '2025-01-01', 'price_list_202501.xlsx', 5))
    AS t("Drug Code", "Drug Name", "Pricing Unit", "Unit Price", "Currency", "Effective From", _file, _line)
"""


PLANTED_RULES = (
    "price_not_positive",
    "byte_order_mark",
    "late_correction",
    "totals_row",
    "line_no_not_unique",
    "corrects_unknown_line",
)


def taken(*names: str, mark: str = "") -> tuple[TakenFile, ...]:
    return tuple(
        TakenFile(name=name, sha256=sha256(name.encode()).hexdigest(), rows=2, byte_order_mark=name == mark)
        for name in names
    )


def planted(flagged: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """Without the rules on the form of codes and numbers: those of these few rows are not real ones."""
    return [one for one in flagged if one[1] in PLANTED_RULES]


def test_the_planted_lines_of_the_pharmacy_are_found(hospital: Any) -> None:
    files = taken("dispensing_202503.csv", "dispensing_202504.csv", mark="dispensing_202503.csv")
    hospital.batch("dispensing", MARCH, source="reference_pharmacy", taken=files)
    hospital.batch("price_list", PRICES, source="reference_pharmacy", taken=taken("price_list_202501.xlsx"))
    source = load_sources(hospital.settings)["reference_pharmacy"]
    prices, lines = judge_source(hospital.settings, source)
    assert planted(hospital.flagged(prices.verdict_key)) == [(2, "price_not_positive", "quarantine")]
    assert planted(hospital.flagged(lines.verdict_key)) == [
        (1, "byte_order_mark", "warn"),
        (3, "late_correction", "warn"),
        (5, "totals_row", "quarantine"),
    ]


def test_a_rule_sees_the_lines_of_earlier_batches(hospital: Any, make: Any) -> None:
    hospital.batch("dispensing", MARCH, source="reference_pharmacy", taken=taken("dispensing_202503.csv"))
    hospital.batch("price_list", PRICES, source="reference_pharmacy", taken=taken("price_list_202501.xlsx"))
    source = load_sources(hospital.settings)["reference_pharmacy"]
    judge_source(hospital.settings, source)
    late = f"""
        FROM (VALUES
            ('1', '2025-05-01', 'C1', 'D1', '2', 'DISPENSE', '1.50', NULL, 'dispensing_202505.csv', 2),
            ('6', '2025-05-01', 'C1', 'D1', '2', 'DISPENSE', '1.50', '4', 'dispensing_202505.csv', 3),
            ('7', '2025-05-01', 'C1', 'D1', '2', 'DISPENSE', '1.50', '99', 'dispensing_202505.csv', 4)
        ) AS t({COLUMNS}, _file, _line)
    """
    newest = hospital.batch(
        "dispensing", late, source="reference_pharmacy", window=make.next_day, taken=taken("dispensing_202505.csv")
    )
    verdicts = {verdict.batch_id: verdict for verdict in judge_source(hospital.settings, source)}
    assert len(verdicts) == 3
    assert planted(hospital.flagged(verdicts[newest.batch_id].verdict_key)) == [
        (1, "line_no_not_unique", "warn"),
        (2, "late_correction", "warn"),
        (3, "corrects_unknown_line", "warn"),
        (3, "late_correction", "warn"),
    ]
