"""A hospital system: how it is reached, what it provides, whom it belongs to, and when it may be read."""

from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from wardlake.sources.connections import READ_BY, Connection
from wardlake.sources.files import HL7_OF_MESSAGES, Hl7Files
from wardlake.sources.strict import Identifier, Strict
from wardlake.sources.tables import Tables

ENTITIES = (
    "facilities", "wards", "beds", "bed_statuses", "patients", "practitioners", "encounters", "ward_stays",
    "emergency_visits", "diagnoses", "encounter_drgs", "procedures", "observations", "drugs", "drug_prices",
    "drug_events", "drug_costs", "drug_ddds", "staff_shifts", "staff_hours", "daily_census", "monthly_staff_hours",
    "monthly_census", "staffing_budgets", "patient_history", "practitioner_history",
)  # fmt: skip
TIMEZONES = available_timezones()


class Facility(Strict):
    """The hospital that a system belongs to; a census midnight is local to its time zone."""

    id: Identifier
    name: str
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in TIMEZONES:
            raise ValueError(f"'{value}' is not an IANA time zone such as Europe/Berlin")
        return value


class Hours(Strict):
    """Hours of the facility's clock in which the system may be read, for example 20:00 to 06:00."""

    start: time
    end: time

    def allow(self, moment: datetime, timezone: str) -> bool:
        """Whether an aware moment lies within the hours; the end is not included, and may be on the next day."""
        clock = moment.astimezone(ZoneInfo(timezone)).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


class Source(Strict):
    """A hospital system."""

    name: Identifier
    description: str
    owner: str
    schedule: str | None = "@daily"
    triggers_build: bool = True
    facility: Facility
    connection: Connection
    hours: Hours | None = Field(None, description="When the system may be read; none: always.")
    concurrent: bool = Field(False, description="Whether several extractions of this source may run at once.")
    consistent: bool = Field(
        True, description="All tables of a run show one moment, where the database can do that; false: each its own."
    )
    fresh_hours: int | None = Field(
        None, ge=1, description="Hours after which a table without a new delivery is told as late; none: never."
    )
    signoff: Literal["none", "required"] = Field(
        "none", description="Whether gold is published only after somebody has approved the report of its run."
    )
    provides: list[str] = Field(
        default_factory=list, description="Silver entities that staging models feed; none: it lands in bronze only."
    )
    tables: Tables

    @model_validator(mode="after")
    def _is_consistent(self) -> "Source":
        if unknown := [entity for entity in self.provides if entity not in ENTITIES]:
            raise ValueError(f"provides {unknown}: not among the entities {', '.join(ENTITIES)}")
        wanted = READ_BY[self.connection.kind]
        if wrong := [name for name, table in self.tables.items() if getattr(table, wanted) is None]:
            raise ValueError(f"tables {wrong} need '{wanted}', as the connection is of kind {self.connection.kind}")
        self._check_messages()
        return self

    def _check_messages(self) -> None:
        """HL7 files need a table that keeps malformed messages, which no other table of these files can show."""
        patterns: dict[str, bool] = {}
        for table in self.tables.values():
            if isinstance(table.files, Hl7Files):
                paths = {column.path or name for name, column in table.columns.items()}
                kept = patterns.get(table.files.pattern, False)
                patterns[table.files.pattern] = kept or paths.issuperset(HL7_OF_MESSAGES)
        if lacking := [pattern for pattern, is_kept in patterns.items() if not is_kept]:
            raise ValueError(
                f"HL7 files {lacking} need a table with segment: MSH and columns of path "
                f"{' and '.join(HL7_OF_MESSAGES)}"
            )
