"""What is told of a failed dbt run, from the results and the manifest that dbt leaves behind."""

import json
from pathlib import Path
from typing import Any

from wardlake.warehouse.dbt_failures import Row, failures

WARDS: dict[str, Any] = {
    "resource_type": "model",
    "name": "wards",
    "schema": "silver",
    "alias": "wards",
    "original_file_path": "models/silver/wards.sql",
    "patch_path": "wardlake://models/silver/wards.yml",
    "columns": {"ward_id": {"description": "Key."}},
    "config": {},
}
RULE: dict[str, Any] = {
    "resource_type": "test",
    "name": "a_rule_of_ours",
    "original_file_path": "tests/a_rule_of_ours.sql",
    "description": "Amounts must agree.\n",
    "config": {"meta": {"shown": ["facility_id"]}},
}


def told(target: Path, node: dict[str, Any], rows: list[Row] | None = None, **result: Any) -> list[str]:
    nodes = {"model.wards": WARDS, "one": node}
    (target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    results = [{"unique_id": "one", "message": None, "failures": None, **result}]
    (target / "run_results.json").write_text(json.dumps({"results": results}))
    return failures(target, lambda _: rows or [])


def test_a_broken_contract_names_each_column_and_both_types(tmp_path: Path) -> None:
    message = """Compilation Error in model wards (models/silver/wards.sql)
  This model has an enforced contract that failed.

  | column_name | definition_type | contract_type | mismatch_reason       |
  | ----------- | --------------- | ------------- | --------------------- |
  | floor       | INTEGER         | VARCHAR       | data type mismatch    |
  | ward_id     |                 | VARCHAR       | missing in definition |
  | extra       | DECIMAL(18,4)   |               | missing in contract   |

  > in macro assert_columns_equivalent (macros/relations/column/columns_spec_ddl.sql)"""
    assert told(tmp_path, WARDS, status="error", message=message) == [
        "silver.wards (dbt_project/models/silver/wards.sql): it breaks its contract in "
        "dbt_project/models/silver/wards.yml: column floor is INTEGER instead of VARCHAR; "
        "column ward_id (VARCHAR) is missing; column extra (DECIMAL(18,4)) is not in it"
    ]


def test_an_error_of_the_engine_is_told_without_values_and_without_dbts_macros(tmp_path: Path) -> None:
    message = (
        "Runtime Error in model wards\n  Could not convert string 'Muster' to INT32\n  > called by macro x (y.sql)"
    )
    (text,) = told(tmp_path, WARDS, status="error", message=message)
    assert text.endswith(
        "(dbt_project/models/silver/wards.sql): Runtime Error in model wards Could not convert string '…' to INT32"
    )


def test_of_the_rows_found_only_what_was_released_is_told(tmp_path: Path) -> None:
    rows: list[Row] = [{"facility_id": "north", "patient": "Muster"}, {"facility_id": "south", "patient": "Muster"}]
    assert told(tmp_path, RULE, rows, status="fail", failures=7) == [
        "a rule of ours (dbt_project/tests/a_rule_of_ours.sql): 7 findings: facility_id north; facility_id south. "
        "Amounts must agree"
    ]


def test_a_rule_that_releases_nothing_is_not_asked_for_rows(tmp_path: Path) -> None:
    rule = {
        **RULE,
        "attached_node": "model.wards",
        "column_name": "ward_id",
        "test_metadata": {"name": "unique", "kwargs": {"column_name": "ward_id", "model": "{{ ref('wards') }}"}},
        "description": "",
        "config": {},
    }
    assert told(tmp_path, rule, [{"ward_id": "W1"}], status="fail", failures=1) == [
        "silver.wards, column ward_id (dbt_project/tests/a_rule_of_ours.sql): 1 finding against unique. Key"
    ]


def test_warnings_and_a_run_that_never_began_are_no_failures(tmp_path: Path) -> None:
    assert told(tmp_path, RULE, status="warn", failures=3) == []
    (tmp_path / "run_results.json").unlink()
    assert failures(tmp_path, lambda _: []) == []
