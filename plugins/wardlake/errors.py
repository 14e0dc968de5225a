"""Errors that a data team can act on: what was found, where, and what to do."""


class WardlakeError(Exception):
    """Something went wrong that the reader of the message can mend.

    `what` names the thing and the place (source, table, batch, row); `remedy` says what to do.
    Neither may hold a value of a classified column.
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class PermanentError(WardlakeError):
    """Trying again gives the same result until somebody changes something."""


class PassingError(WardlakeError):
    """Trying again may help: the network, a lock, a server that restarts."""
