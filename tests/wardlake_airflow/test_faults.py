"""Errors of the library, as an Airflow task shows them."""

import io
import traceback

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from wardlake.errors import PassingError, PermanentError
from wardlake_airflow.faults import told_to_airflow

VALUE = "Lucía-Ⅳ-77812"


def _as_logged(error: BaseException) -> str:
    text = io.StringIO()
    traceback.print_exception(error, file=text)
    return text.getvalue()


def _break(kind: type[PermanentError] | type[PassingError]) -> None:
    try:
        int(VALUE)
    except ValueError as error:
        raise kind("The batch is broken.", remedy="Mend it.") from error


def test_a_permanent_fault_is_not_tried_again() -> None:
    with pytest.raises(AirflowFailException) as caught, told_to_airflow():
        raise PermanentError("The table adt.ward is missing.", remedy="Grant the right to read it.")
    assert str(caught.value) == "The table adt.ward is missing. Grant the right to read it."


def test_a_passing_fault_is_tried_again() -> None:
    with pytest.raises(AirflowException) as caught, told_to_airflow():
        raise PassingError("The server is away.", remedy="Wait.")
    assert not isinstance(caught.value, AirflowFailException)
    assert str(caught.value) == "The server is away. Wait."


def test_an_unknown_fault_names_its_kind_and_place_and_may_be_tried_again() -> None:
    with (
        pytest.raises(AirflowException, match=r"Unexpected KeyError in test_faults\.py, line \d+") as caught,
        told_to_airflow(),
    ):
        {}[VALUE]
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("kind", [PassingError, PermanentError])
def test_the_cause_of_a_fault_is_never_logged(kind: type[PermanentError] | type[PassingError]) -> None:
    with pytest.raises(AirflowException) as caught, told_to_airflow():
        _break(kind)
    assert "The batch is broken." in _as_logged(caught.value)
    assert VALUE not in _as_logged(caught.value)


def test_the_text_of_an_unknown_fault_is_never_logged() -> None:
    with pytest.raises(AirflowException) as caught, told_to_airflow():
        int(VALUE)
    assert VALUE not in _as_logged(caught.value)
