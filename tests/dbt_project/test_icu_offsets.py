"""Stays in intensive care that are told in minutes from the admission to the unit; of the calendar, only the year."""

import csv
from datetime import datetime, timedelta

import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

# unit stay, stay, patient, ward, visit number; minutes until the hospital's admission, the unit's and the hospital's
# discharge; year and hour of the latter, status, age
STAYS = [
    ("11", "1", "p1", "W1", "1", -125, 2999, 10000, "2014", "13:45:00", "Alive", "64"),
    # the second unit of the same stay, which counts its minutes from its own admission 4000 minutes later
    ("12", "1", "p1", "W2", "2", -4125, 1440, 6000, "2014", "13:45:00", "Alive", "64"),
    # over midnight by a minute, and dead within the unit
    ("21", "2", "p2", "W1", "1", 0, 61, 61, "2015", "00:01:00", "Expired", "> 89"),
    # the same day
    ("31", "3", "p3", "W1", "1", -1, 10, 59, "2015", "23:59:00", "Alive", ""),
    # the same patient in another year; over the end of winter time, which the data do not have
    ("41", "4", "p1", "W1", "1", -150000, 20, 21, "2015", "02:30:00", "Alive", "65"),
]
HEADER = [
    "patientunitstayid", "patienthealthsystemstayid", "uniquepid", "gender", "age", "hospitalid", "wardid", "unittype",
    "hospitaladmitoffset", "hospitaldischargeyear", "hospitaldischargetime24", "hospitaldischargeoffset",
    "hospitaldischargelocation", "hospitaldischargestatus", "unitdischargeoffset", "unitvisitnumber",
]  # fmt: skip


@pytest.fixture(scope="module")
def icu(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("icu")
    with (folder / "patient.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(HEADER)
        for unit_stay, stay, patient, ward, visit, admitted, unit_left, left, year, hour, status, age in STAYS:
            place = "Death" if status == "Expired" else "Home"
            told = [admitted, year, hour, left, place, status, unit_left, visit]
            rows.writerow([unit_stay, stay, patient, "Female", age, "7", ward, "MICU", *told])
    source = example("icu_offsets")
    load_files(warehouse, source, folder)
    warehouse.build(known(source), project_with(folder, "icu_offsets"))
    return warehouse


def test_every_length_is_exact_to_the_minute(icu: Warehouse) -> None:
    units = icu.query(
        """select icu_stay_id, date_diff('second', started_at, ended_at), is_outside_encounter
        from silver.ward_stays order by all"""
    )
    assert units == [(f"icu_offsets:{stay[0]}", 60 * stay[6], False) for stay in STAYS]
    stays = icu.query(
        "select encounter_number, date_diff('second', admitted_at, discharged_at) from silver.encounters order by all"
    )
    assert stays == [(stay[1], 60 * (stay[7] - stay[5])) for stay in STAYS if stay[4] == "1"]


def test_units_of_one_stay_share_its_time(icu: Warehouse) -> None:
    """Both units tell of the same discharge and admission; the second one began 4000 minutes after the first."""
    first, second = icu.query(
        "select started_at from silver.ward_stays where encounter_id = 'icu_offsets:1' order by ward_stay_id"
    )
    assert second[0] - first[0] == timedelta(minutes=4000)  # type: ignore[operator]


def test_days_of_stay_in_gold(icu: Warehouse) -> None:
    expected = []
    for stay in STAYS:
        if stay[4] == "1":
            left = datetime.fromisoformat(f"{stay[8]}-07-01T{stay[9]}")
            admitted = left - timedelta(minutes=stay[7] - stay[5])
            expected.append(((left.date() - admitted.date()).days, stay[10] == "Expired"))
    assert expected[1:3] == [(1, True), (0, False)]
    found = icu.query("select length_of_stay_days, is_death_in_hospital from gold.encounter_facts")
    assert sorted(found) == sorted(expected)


def test_ages_are_those_that_were_told(icu: Warehouse) -> None:
    ages = icu.query("select age_at_admission_years from silver.encounters order by encounter_number")
    assert ages == [(64,), (90,), (None,), (65,)]
    assert icu.query("select count(birth_date) from silver.patients") == [(0,)]
