"""Errors of the library as Airflow understands them: passing faults are tried again, permanent ones are not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from wardlake.errors import PassingError, WardlakeError
from wardlake.quality.refusal import RefusedError


class RefusedFailure(AirflowFailException):
    """Data was refused for its quality; the callback of the task tells by which rules."""

    def __init__(self, error: RefusedError) -> None:
        super().__init__(str(error))
        self.refused = error.refused


@contextmanager
def told_to_airflow() -> Iterator[None]:
    """Turn an error into one that says what is wrong and what to do, and nothing else.

    The chain of causes is cut: messages of engines and drivers can hold patient values, and Airflow would log them.

    Raises:
        AirflowException: trying again may help.
        AirflowFailException: trying again gives the same result.
    """
    try:
        yield
    except RefusedError as error:
        raise RefusedFailure(error) from None
    except PassingError as error:
        raise AirflowException(str(error)) from None
    except WardlakeError as error:
        raise AirflowFailException(str(error)) from None
    except Exception as error:  # noqa: BLE001  whatever it is, its text may hold values
        raise AirflowException(
            f"Unexpected {type(error).__name__} in {_place(error)}. "
            "This is a fault of Wardlake itself: report it with the name of the task and of the source."
        ) from None


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace else "an unknown place"
