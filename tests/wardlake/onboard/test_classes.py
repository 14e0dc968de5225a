"""Suggested PII classes: by the name in four languages, by the sample, and never none where neither tells."""

import duckdb
import pytest

from wardlake.onboard.classes import Suggestion, suggest
from wardlake.onboard.found import FoundColumn, create_text_sample
from wardlake.onboard.profile import profile

WORDS = ["alpha", "beta gamma", "delta", "epsilon zeta eta", "theta", "iota"]


def suggested(name: str, values: list[str], type_: str = "VARCHAR") -> Suggestion:
    """The class of a column with these values."""
    column = FoundColumn(name, type_)
    with duckdb.connect() as engine:
        create_text_sample(engine, "sample", [name], [(value,) for value in values])
        return suggest(column, profile(engine, "sample", column))


@pytest.mark.parametrize(
    ("pii", "names"),
    [
        ("name", "NAME fam_nm giv_nm Surname firstName PatientName Nachname Vorname apellido1 Prénom LAST MAIDEN"),
        ("birth_date", "dob BIRTHDATE date_of_birth GebDat Geburtsdatum fecha_nacimiento date_naissance birth_year"),
        ("contact", "phone TelNr email e_mail Telefon correo mobile_number MAIL fax"),
        ("address", "ADDRESS_1 street Straße PLZ Wohnort dirección código_postal adresse ville zip LAT BIRTHPLACE"),
        ("free_text", "NOTES remark Bemerkung observaciones commentaire sig_txt comment_2"),
        ("identifier", "mrn nhs_number SSN Patient PATIENTID case_no Fallnummer KVNR dni nhc IPP PASSPORT DRIVERS"),
        ("quasi", "age sex_cd Geschlecht estado_civil RACE ETHNICITY religion occupation nationalité deceased"),
    ],
)
def test_names_in_four_languages(pii: str, names: str) -> None:
    found = {name: suggested(name, WORDS).pii for name in names.split()}
    assert found == dict.fromkeys(names.split(), pii)


@pytest.mark.parametrize(
    ("pii", "values"),
    [
        ("contact", [f"p{number}@clinic.example" for number in range(30)]),
        ("contact", [f"+49 30 {number}55-12" for number in range(100, 140)]),
        ("identifier", [f"999-50-{number}" for number in range(8000, 8040)]),
        ("identifier", [f"9d188916-8390-282b-3ec2-73fce6e0{number}" for number in range(1000, 1040)]),
        ("identifier", [str(number) for number in range(700_000, 700_200)]),
        ("birth_date", [f"{year}-03-01" for year in range(1921, 2024)]),
        ("birth_date", [f"01.03.{year}" for year in range(1921, 2024)]),
        ("quasi", [f"2024-03-01 10:{minute}:00" for minute in range(10, 60)]),
        ("free_text", [f"The patient slept well in night {number} and woke early." for number in range(60)]),
        ("free_text", ["Dr Meier", "Dr Klein", "Dr Schmidt"] * 50),
        ("quasi", ["", ""]),
        ("none", ["1.5", "2.25", "3.75"]),
        ("none", ["A", "B"] * 10),
    ],
)
def test_samples_of_a_column_whose_name_says_nothing(pii: str, values: list[str]) -> None:
    assert suggested("x", values).pii == pii


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ward_name", ["North", "South"] * 10),
        ("drug_code", ["N02BE01", "C09AA05", "A10BA02"]),
        ("encounter_class", ["AMB", "IMP"] * 10),
        ("total_quantity", ["10", "250", "31", "77"]),
        ("patient_days", ["10", "250", "31", "77"]),
    ],
)
def test_names_of_things_kinds_and_quantities_may_be_none(name: str, values: list[str]) -> None:
    assert suggested(name, values).pii == "none"


@pytest.mark.parametrize(
    ("name", "values"),
    [("consultant", ["Meier", "Klein"] * 20), ("patient_code", ["A1", "B2"] * 20), ("x", ["17", "4"]), ("y", WORDS)],
)
def test_few_values_are_not_enough_where_people_may_stand(name: str, values: list[str]) -> None:
    assert suggested(name, values).pii != "none"


def test_a_doubt_is_told_and_no_reason_holds_a_value() -> None:
    suggestion = suggested("x", ["Meierhof", "Kleinfeld", "Schmidtke"])
    assert suggestion.is_doubtful
    assert not any(value in suggestion.reason for value in ("Meierhof", "Kleinfeld"))


def test_types_of_a_database_count() -> None:
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE sample AS SELECT [1] AS list, TIMESTAMPTZ '2024-01-01' AS t, true AS b")
        found = {
            column.name: suggest(column, profile(engine, "sample", column)).pii
            for column in (
                FoundColumn("list", "INTEGER[]"),
                FoundColumn("t", "TIMESTAMP WITH TIME ZONE"),
                FoundColumn("b", "BOOLEAN"),
            )
        }
    assert found == {"list": "free_text", "t": "quasi", "b": "none"}
