"""Suggested PII classes: from the name of a column and from its sample, the stricter one where both leave a doubt."""

from collections.abc import Iterator
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


def suggest(column: FoundColumn, profile: Profile) -> Suggestion:
    """The class that a column most likely needs; `none` only where name or sample speak for it."""
    by_name = next(_by_name(column.name, profile), None)
    return by_name or next(_by_content(column, profile))


def _by_name(name: str, profile: Profile) -> Iterator[Suggestion]:
    split = words.words_of(name)
    is_thing = words.THING.among(name)
    is_kind = words.KIND.among(name) and profile.is_code_list
    is_numbered = words.IDENTIFIER.among(name) or profile.numbers > 0.95 or profile.uuids > 0.5
    if words.PLACE_OF_BIRTH.among(name):
        yield Suggestion("address", "the name says a place of birth")
    if words.BIRTH.among(name):
        yield Suggestion("birth_date", "the name says a birth")
    if words.CONTACT.among(name):
        yield Suggestion("contact", "the name says phone or mail")
    if words.ADDRESS.among(name):
        yield Suggestion("address", "the name says a part of an address")
    if not is_thing and (words.NAME.among(name) or (len(split) == 1 and split[0] in words.NAME_ALONE)):
        yield Suggestion("name", "the name says a name")
    if words.FREE_TEXT.among(name):
        yield Suggestion("free_text", "the name says text")
    if words.QUASI.among(name):
        yield Suggestion("quasi", "the name says a trait of a person")
    if is_kind or profile.is_date or (words.QUANTITY.among(name) and not profile.uuids):
        return
    if words.PERSON.among(name):
        yield Suggestion("identifier", "the name says a person, a case or a number of one")
    if words.STAFF.among(name):
        yield Suggestion("identifier" if is_numbered else "name", "the name says somebody of the staff")
    if split[-1:] and split[-1] in words.IDENTIFIER.words and not is_thing and not profile.is_code_list:
        yield Suggestion("identifier", "the name says an identifier")


def _by_content(column: FoundColumn, profile: Profile) -> Iterator[Suggestion]:
    is_code = words.CODE.among(column.name) or words.THING.among(column.name)
    if not column.is_plain:
        yield Suggestion("free_text", "lists, structures and binaries may hold anything", is_doubtful=True)
    if column.is_moment and profile.filled == 0:
        yield Suggestion("quasi", "a date: harmless alone, telling in company")
    if profile.filled == 0:
        yield Suggestion("quasi", "empty in the sample: in doubt", is_doubtful=True)
    if profile.emails > 0.1:
        yield Suggestion("contact", "values look like e-mail addresses")
    if profile.person_numbers > 0.5 and not profile.is_date:
        yield Suggestion("identifier", "values look like numbers of persons")
    if profile.uuids > 0.5:
        yield Suggestion("identifier", "values are UUIDs")
    if profile.phones > 0.5:
        yield Suggestion("contact", "values look like phone numbers")
    if profile.is_date and not words.CODE_LIST.among(column.name):
        if profile.with_time == 0 and profile.years > LIFETIME_YEARS:
            yield Suggestion("birth_date", "days over more than a working life, as dates of birth are")
        yield Suggestion("quasi", "a date: harmless alone, telling in company")
    if column.type == "BOOLEAN" or (profile.is_code_list and (is_code or profile.spaced == 0)):
        yield Suggestion("none", "few values that come again and again")
    if profile.mean_words >= 4 or (profile.longest > 100 and profile.spaced > 0):
        yield Suggestion("free_text", "values are sentences or long")
    if words.CODE_LIST.among(column.name) and profile.spaced == 0 and profile.longest <= 20:
        yield Suggestion("none", "the name says a code, and values are short without blanks")
    if profile.is_number and words.QUANTITY.among(column.name):
        yield Suggestion("none", "the name says a quantity, and values are numbers")
    if profile.is_number and profile.fractions > 0:
        yield Suggestion("none", "numbers with decimals, as measured")
    yield _in_doubt(profile)


def _in_doubt(profile: Profile) -> Suggestion:
    hardly_repeated = profile.distinct_share > HARDLY_REPEATED
    if profile.numbers > 0.95:
        if hardly_repeated:
            return Suggestion("identifier", "numbers that hardly repeat, as identifiers do", is_doubtful=True)
        return Suggestion("quasi", "whole numbers of unknown meaning: in doubt", is_doubtful=True)
    if profile.spaced > 0.3:
        return Suggestion("free_text", "values have several words: in doubt", is_doubtful=True)
    if hardly_repeated:
        return Suggestion("identifier", "values hardly repeat, as identifiers do", is_doubtful=True)
    return Suggestion("quasi", "of unknown meaning: in doubt", is_doubtful=True)
