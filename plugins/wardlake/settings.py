"""One settings object, read from `WARDLAKE_*` variables; no other module reads the environment.

`<home>/env` holds what `wardlake up` chose (ports, generated secrets); real environment variables win over it.
"""

import os
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from wardlake.errors import PermanentError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
MEMORY_UNITS = ("KB", "MB", "GB", "TB", "KIB", "MIB", "GIB", "TIB")

Layer = Literal["landing", "bronze", "quality", "gold"]
Warehouse = Literal["duckdb", "postgres", "spark", "bigquery", "redshift", "athena"]
LAYERS: tuple[Layer, ...] = get_args(Layer)


class SettingsError(PermanentError):
    """One or more settings are wrong; the message names every one of them."""


class Settings(BaseModel):
    """What Wardlake needs to know, each field from the variable `WARDLAKE_<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Path = Field(Path(".wardlake"), description="Folder of all state on this machine.")
    project_root: Path = Field(PROJECT_ROOT, description="Folder that holds dags/, dbt_project/ and expectations/.")
    sources: tuple[str, ...] = Field((), description="Active sources, by comma; empty: all.")

    bucket_prefix: str = Field(
        "wardlake",
        pattern=r"^[a-z0-9][a-z0-9-]{1,40}$",
        description="Buckets are <prefix>-landing, -bronze, -quality and -gold.",
    )
    s3_endpoint_url: str | None = Field(None, pattern=r"^https?://", description="S3 server; empty: AWS.")
    s3_region: str = Field("eu-central-1", description="Region of the buckets.")
    s3_access_key_id: str | None = Field(None, description="Access key; empty: the usual AWS credential chain.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the access key.")
    s3_attempts: int = Field(
        6, ge=1, le=50, description="Times that a request to the store is tried, with longer and longer waits."
    )
    s3_timeout_s: float = Field(60, gt=0, description="Seconds in which the store must go on answering a request.")

    quality_lock_days: int = Field(
        0,
        ge=0,
        le=36500,
        description="Days in which nobody can delete or replace an entry of the quality ledger (S3 Object Lock, which "
        "the quality bucket must have had from its beginning); 0: no lock.",
    )

    may_show_rows: tuple[str, ...] = Field(
        (), description="Who may look at rows in quarantine, names by comma; empty: nobody."
    )

    warehouse: Warehouse = Field("duckdb", description="Where dbt builds silver and gold.")
    memory_limit: str = Field("4GB", description="Memory that DuckDB may use before it spills to disk.")
    extract_memory_limit: str = Field("256MB", description="Memory that DuckDB may use while it reads a source.")
    lock_wait_s: int = Field(60, ge=0, description="Seconds to wait for another process that holds what is needed.")
    threads: int = Field(2, ge=1, le=256, description="Threads of DuckDB and of dbt.")

    pseudonym_key: SecretStr | None = Field(None, description="Key of the pseudonyms in gold, 32 characters or more.")
    pseudonym_key_version: str = Field("1", description="Name of the key; it is part of each publication.")
    small_cell: int = Field(
        10, ge=1, le=100, description="Smallest count of people that tables for wide reading tell; 1: every count."
    )
    published_keep: int = Field(3, ge=2, le=100, description="Publications kept on disk, the current one included.")

    catalog: Literal["sql", "glue", "none"] = Field(
        "sql", description="Catalog of gold's Iceberg tables; none: no tables."
    )
    catalog_uri: SecretStr | None = Field(
        None, description="Database of the SQL catalog, in SQLAlchemy's words; empty: a SQLite file below the home."
    )
    catalog_namespace: str = Field(
        "gold", pattern=r"^[a-z0-9_]{1,63}$", description="Namespace (in Glue: database) of gold's Iceberg tables."
    )
    glue_endpoint_url: str | None = Field(None, pattern=r"^https?://", description="Glue server; empty: AWS.")
    snapshot_days: int = Field(30, ge=1, description="Days for which Iceberg can show a former publication.")
    gold_postgres_uri: SecretStr | None = Field(
        None, description="PostgreSQL database that gold is published to; empty: none."
    )
    gold_reader_role: str = Field("bi_reader", description="Role of PostgreSQL that may read all of gold.")
    wide_reader_role: str = Field("wide_reader", description="Role that may read what is marked for wide reading.")

    alert_email: tuple[str, ...] = Field((), description="Who is written to when a check fails, addresses by comma.")
    alert_email_from: str = Field("wardlake@localhost", description="Sender of these e-mails.")
    alert_smtp_uri: SecretStr | None = Field(
        None, description="Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://...; empty: no e-mails."
    )
    alert_webhook: SecretStr | None = Field(None, description="Address that alerts are posted to as JSON.")
    alert_from: Literal["warned", "quarantined", "halted"] = Field(
        "quarantined", description="The mildest consequence of a failed rule that is alerted."
    )
    reports_url: str | None = Field(
        None, pattern=r"^https?://", description="Address below which reports are read; empty: their path is named."
    )

    connections: dict[str, SecretStr] = Field(default_factory=dict, exclude=True)

    @field_validator("sources", "may_show_rows", "alert_email", mode="before")
    @classmethod
    def _split_by_comma(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("alert_smtp_uri", "alert_webhook")
    @classmethod
    def _has_a_scheme(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        schemes = ("smtp://", "smtps://") if info.field_name == "alert_smtp_uri" else ("http://", "https://")
        if value is not None and not value.get_secret_value().startswith(schemes):
            raise ValueError(f"begin with {' or '.join(schemes)}")
        return value

    @field_validator("memory_limit", "extract_memory_limit")
    @classmethod
    def _is_size(cls, value: str) -> str:
        number = value.upper().rstrip("KMGTIB")
        if value.upper()[len(number) :] not in MEMORY_UNITS or not number.strip().replace(".", "", 1).isdigit():
            raise ValueError("write a number and a unit, for example 4GB")
        return value

    @field_validator("pseudonym_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("a pseudonym key has at least 32 characters")
        return value

    @field_validator("home", "project_root")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def sources_dir(self) -> Path:
        return self.project_root / "dags" / "sources"

    @property
    def suites_dir(self) -> Path:
        return self.project_root / "expectations"

    @property
    def dbt_dir(self) -> Path:
        return self.project_root / "dbt_project"

    @property
    def dbt_target_dir(self) -> Path:
        return self.home / "dbt" / "target"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        return self.home / "published"

    @property
    def sql_catalog_uri(self) -> str:
        """Database of the SQL catalog; it may hold a password."""
        return self.catalog_uri.get_secret_value() if self.catalog_uri else f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def reports_dir(self) -> Path:
        return self.home / "reports"

    @property
    def temp_dir(self) -> Path:
        return self.home / "tmp"

    @property
    def log_dir(self) -> Path:
        return self.home / "logs"

    def environment(self) -> dict[str, str]:
        """The variables that give a child process these settings; they hold secrets."""
        values = {
            f"WARDLAKE_{name.upper()}": _as_text(getattr(self, name))
            for name in type(self).model_fields
            if name != "connections" and getattr(self, name) is not None
        }
        secrets = {f"WARDLAKE_CONN_{name.upper()}": _as_text(uri) for name, uri in self.connections.items()}
        return {**os.environ, **values, **secrets}

    def bucket(self, layer: Layer) -> str:
        """Name of the bucket of a layer."""
        return f"{self.bucket_prefix}-{layer}"

    def connection_uri(self, conn_id: str) -> str:
        """Address of a source, from `WARDLAKE_CONN_<ID>`.

        Raises:
            PermanentError: the variable is not set.
        """
        secret = self.connections.get(conn_id.lower())
        if secret is None:
            raise PermanentError(
                f"There is no connection '{conn_id}'.",
                remedy=f"Set WARDLAKE_CONN_{conn_id.upper()} to its address, such as "
                "postgresql://user:password@host:5432/database or mysql://user:password@host:3306/database, "
                f"or add the connection '{conn_id}' in Airflow (Admin, Connections).",
            )
        return secret.get_secret_value()


def load_settings() -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: names every wrong variable at once.
    """
    home = Path(os.environ.get("WARDLAKE_HOME", ".wardlake")).expanduser().absolute()
    saved = _read_env_file(home / "env")
    environment = {**saved, **os.environ}
    values = {
        name: environment[variable]
        for name in Settings.model_fields
        if name != "connections" and environment.get(variable := f"WARDLAKE_{name.upper()}", "") != ""
    }
    prefix = "WARDLAKE_CONN_"
    connections = {key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix)}
    try:
        return Settings.model_validate({**values, "connections": connections})
    except ValidationError as error:
        problems = "; ".join(
            f"WARDLAKE_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        )
        raise SettingsError(
            f"Wrong settings: {problems}.", remedy="Correct these variables; docs/settings.md lists them all."
        ) from None


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read_env_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
