"""What dbt tells the models, for sqlfluff: it renders them without dbt, and every source is active."""

FACTS = {"facility_id": "main", "facility_name": "Main", "timezone": "UTC", "currency": "EUR", "provides": ["wards"]}

execute = False
project_name = "wardlake"


class Sources(dict[str, dict[str, object]]):
    """The variable `sources`."""

    def get(self, _name: str, _default: object = None) -> dict[str, object]:  # type: ignore[override]
        """Facts of any source."""
        return FACTS


def var(name: str) -> Sources | int:
    """The variables of the project."""
    return 10 if name == "small_cell" else Sources(lint=FACTS)
