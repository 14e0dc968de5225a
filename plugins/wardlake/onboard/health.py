"""Classes of a whole table: where its rows tell of patients, codes and findings are data of their health."""

from collections.abc import Mapping, Sequence

from wardlake.onboard import words
from wardlake.onboard.classes import Suggestion, refers_to_person, suggest
from wardlake.onboard.found import FoundColumn
from wardlake.onboard.profile import Profile

SAID = Suggestion("health", "the name says what a patient has or is treated for")
IN_DOUBT = Suggestion("health", "of patients, and may tell what they have or are treated for: in doubt", True)


def suggest_classes(columns: Sequence[FoundColumn], profiles: Mapping[str, Profile]) -> dict[str, Suggestion]:
    """The class of each column by its name. A code that is harmless in a code list is not so beside a patient."""
    found = {column.name: suggest(column, profiles[column.name]) for column in columns}
    if not any(refers_to_person(name, one) or words.AGE.among(name) for name, one in found.items()):
        return found
    return {name: _beside_a_patient(name, one) for name, one in found.items()}


def _beside_a_patient(name: str, alone: Suggestion) -> Suggestion:
    split = words.words_of(name)
    is_clinical = words.CLINICAL.among(name) and split[-1] not in words.ADMINISTRATIVE_LAST
    is_settled = alone.pii == "free_text" or not (alone.pii == "none" or alone.is_doubtful)
    if is_settled:
        return alone
    if is_clinical:
        return SAID
    return IN_DOUBT if alone.pii == "none" and not words.ADMINISTRATIVE.among(name) else alone
