"""Numbers of things, as people write them."""


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`, `1,000 batches`, `3 entries`, `4 days`."""
    if number == 1:
        return f"1 {thing}"
    if thing.endswith("ry"):
        return f"{number:,} {thing[:-1]}ies"
    return f"{number:,} {thing}{'es' if thing.endswith('ch') else 's'}"
