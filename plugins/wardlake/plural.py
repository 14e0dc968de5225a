"""Numbers of things, as people write them."""


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`, `1,000 batches`."""
    ending = "" if number == 1 else "es" if thing.endswith("ch") else "s"
    return f"{number:,} {thing}{ending}"
