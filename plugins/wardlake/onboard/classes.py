"""Suggested PII classes: from the name of a column and from its sample, the stricter one where both leave a doubt."""

from dataclasses import dataclass

from wardlake.onboard import words
from wardlake.onboard.found import FoundColumn
from wardlake.onboard.profile import Profile
from wardlake.sources.tables import PiiClass

LIFETIME_YEARS = 60
HARDLY_REPEATED = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A class and the reason, which holds no value. `is_doubtful`: neither name nor sample told what it is."""

    pii: PiiClass
    reason: str
    is_doubtful: bool = False


Guess = tuple[bool, Suggestion]
"""Whether a guess holds, and the guess."""


def suggest(column: FoundColumn, profile: Profile) -> Suggestion:
    """The class that a column most likely needs; `none` only where name or sample speak for it."""
    guesses = [*_by_name(column.name, profile), *_by_content(column, profile), *_in_doubt(profile)]
    return next(suggestion for holds, suggestion in guesses if holds)


def refers_to_person(name: str, suggestion: Suggestion) -> bool:
    """Whether a column identifies a person or a case: it makes its table one of patients, and belongs into keys."""
    return suggestion.pii == "identifier" and words.PERSON.among(name)


def _by_name(name: str, profile: Profile) -> list[Guess]:
    split = words.words_of(name)
    is_thing = words.THING.among(name)
    is_name = words.NAME.among(name) or (len(split) == 1 and split[0] in words.NAME_ALONE)
    is_kind = words.KIND.among(name) and profile.is_code_list
    is_measure = words.QUANTITY.among(name) and not profile.uuids
    may_be_number = not (is_kind or is_measure or profile.is_date)
    is_numbered = words.IDENTIFIER.among(name) or profile.numbers > 0.95 or profile.uuids > 0.5
    ends_as_identifier = split[-1:] and split[-1] in words.IDENTIFIER.words and not is_thing
    return [
        (words.PLACE_OF_BIRTH.among(name), Suggestion("address", "the name says a place of birth")),
        (words.BIRTH.among(name), Suggestion("birth_date", "the name says a birth")),
        (words.CONTACT.among(name), Suggestion("contact", "the name says phone or mail")),
        (words.ADDRESS.among(name), Suggestion("address", "the name says a part of an address")),
        (is_name and not is_thing, Suggestion("name", "the name says a name")),
        (words.FREE_TEXT.among(name), Suggestion("free_text", "the name says text")),
        (words.QUASI.among(name), Suggestion("quasi", "the name says a trait of a person")),
        (
            may_be_number and words.PERSON.among(name),
            Suggestion("identifier", "the name says a person, a case or a number of one"),
        ),
        (
            may_be_number and words.STAFF.among(name),
            Suggestion("identifier" if is_numbered else "name", "the name says somebody of the staff"),
        ),
        (
            bool(may_be_number and ends_as_identifier and not profile.is_code_list),
            Suggestion("identifier", "the name says an identifier"),
        ),
    ]


def _by_content(column: FoundColumn, profile: Profile) -> list[Guess]:
    is_code = words.CODE.among(column.name) or words.THING.among(column.name)
    is_code_list = words.CODE_LIST.among(column.name)
    is_date = column.is_moment or (profile.is_date and not is_code_list)
    is_day_of_a_life = is_date and profile.with_time == 0 and profile.years > LIFETIME_YEARS
    is_quantity = words.QUANTITY.among(column.name)
    return [
        (not column.is_plain, Suggestion("free_text", "lists, structures and binaries may hold anything", True)),
        (profile.filled == 0 and not is_date, Suggestion("quasi", "empty in the sample: in doubt", True)),
        (profile.emails > 0.1, Suggestion("contact", "values look like e-mail addresses")),
        (profile.person_numbers > 0.5 and not is_date, Suggestion("identifier", "values look like numbers of persons")),
        (profile.uuids > 0.5, Suggestion("identifier", "values are UUIDs")),
        (profile.phones > 0.5, Suggestion("contact", "values look like phone numbers")),
        (is_day_of_a_life, Suggestion("birth_date", "days over more than a working life, as dates of birth are")),
        (is_date, Suggestion("quasi", "a date: harmless alone, telling in company")),
        (
            column.type == "BOOLEAN" or (profile.is_code_list and (is_code or profile.spaced == 0)),
            Suggestion("none", "few values that come again and again"),
        ),
        (
            profile.mean_words >= 4 or (profile.longest > 100 and profile.spaced > 0),
            Suggestion("free_text", "values are sentences or long"),
        ),
        (
            is_code_list and profile.spaced == 0 and profile.longest <= 20,
            Suggestion("none", "the name says a code, and values are short without blanks"),
        ),
        (profile.is_number and is_quantity, Suggestion("none", "the name says a quantity, and values are numbers")),
        (profile.is_number and profile.fractions > 0, Suggestion("none", "numbers with decimals, as measured")),
    ]


def _in_doubt(profile: Profile) -> list[Guess]:
    """The last of them always holds."""
    is_number = profile.numbers > 0.95
    hardly_repeats = profile.distinct_share > HARDLY_REPEATED
    return [
        (is_number and hardly_repeats, Suggestion("identifier", "numbers that hardly repeat, as identifiers do", True)),
        (is_number, Suggestion("quasi", "whole numbers of unknown meaning: in doubt", True)),
        (profile.spaced > 0.3, Suggestion("free_text", "values have several words: in doubt", True)),
        (hardly_repeats, Suggestion("identifier", "values hardly repeat, as identifiers do", True)),
        (True, Suggestion("quasi", "of unknown meaning: in doubt", True)),
    ]
