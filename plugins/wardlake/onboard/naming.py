"""Names that Wardlake can use, from names that others have given."""

import re
import unicodedata

LONGEST = 60


def identifier(text: str, used: set[str]) -> str:
    """A name of small letters, digits and `_` that is not `used`; it is added there."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST] or "column"
    if not base[0].isalpha():
        base = f"t_{base}"[:LONGEST]
    name, number = base, 2
    while name in used:
        name, number = f"{base}_{number}", number + 1
    used.add(name)
    return name
