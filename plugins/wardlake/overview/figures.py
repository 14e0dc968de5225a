"""What the overview shows, read from published gold. Every rate is sum over sum; unknown is in neither."""

from dataclasses import dataclass

import duckdb
import pandas as pd

from wardlake.errors import PermanentError
from wardlake.headlines import HEADLINES
from wardlake.query import open_published
from wardlake.settings import Settings

DAYS_SHOWN = 91
MONTHS_SHOWN = 13
DRUGS_SHOWN = 10

FACILITIES = """
    SELECT facility_id, facility_name, currency_code FROM silver.facilities
    WHERE facility_id IN (
        SELECT facility_id FROM gold.daily_census
        UNION SELECT facility_id FROM gold.nursing_hours_daily
        UNION SELECT facility_id FROM gold.drug_costs_monthly
    )
    ORDER BY facility_id
"""

OCCUPANCY = """
    SELECT coalesce(ward_name, ward_id, 'whole hospital') AS ward, census_date,
           100 * sum(midnight_census) / nullif(sum(available_beds), 0) AS occupancy_pct
    FROM gold.daily_census
    WHERE facility_id = $facility AND midnight_census IS NOT NULL AND census_date > (
        SELECT max(census_date) FROM gold.daily_census WHERE facility_id = $facility
    ) - $days::integer
    GROUP BY ALL ORDER BY ALL
"""

STAFFING = """
    SELECT date_trunc('month', work_date)::date AS month,
           sum(patient_days)::double AS patient_days,
           (sum(total_nursing_hours) FILTER (patient_days IS NOT NULL))::double AS hours,
           hours / nullif((sum(patient_days) FILTER (total_nursing_hours IS NOT NULL)), 0) AS hours_per_patient_day
    FROM gold.nursing_hours_daily
    WHERE facility_id = $facility
    GROUP BY month ORDER BY month DESC LIMIT $months
"""

COST = """
    WITH months AS (
        SELECT month_start_date AS month, sum(acquisition_cost)::double AS cost,
               any_value(occupied_bed_days)::double AS bed_days
        FROM gold.drug_costs_monthly
        WHERE facility_id = $facility AND currency_code IS NOT DISTINCT FROM $currency
        GROUP BY month
    )
    SELECT month, cost, cost / nullif(bed_days, 0) AS cost_per_patient_day
    FROM months ORDER BY month DESC LIMIT $months
"""

DRIVERS = """
    WITH months AS (
        SELECT DISTINCT month_start_date FROM gold.drug_cost_drivers
        WHERE facility_id = $facility ORDER BY month_start_date DESC LIMIT $months - 1
    )
    SELECT coalesce(drug_name, drug_id) AS drug,
           sum(price_effect)::double AS price, sum(volume_effect)::double AS volume, sum(cost_change)::double AS change
    FROM gold.drug_cost_drivers JOIN months USING (month_start_date)
    WHERE facility_id = $facility AND currency_code IS NOT DISTINCT FROM $currency
    GROUP BY drug ORDER BY abs(coalesce(change, 0)) DESC, drug LIMIT $drugs
"""


@dataclass(frozen=True)
class Facility:
    """A hospital that gold knows something of."""

    facility_id: str
    name: str
    currency_code: str | None


@dataclass(frozen=True)
class Figures:
    """What one hospital's overview shows; a frame without rows means that gold knows nothing of it.

    headlines: newest_year, bed_occupancy (0 to 1), nursing_hours, cost_per_patient_day; no or one row.
    occupancy: ward, census_date, occupancy_pct. staffing: month, patient_days, hours, hours_per_patient_day.
    cost: month, cost, cost_per_patient_day. drivers: drug, price, volume, change (currency units).
    """

    facility: Facility
    headlines: pd.DataFrame
    occupancy: pd.DataFrame
    staffing: pd.DataFrame
    cost: pd.DataFrame
    drivers: pd.DataFrame


def read_figures(settings: Settings, facility_id: str | None = None) -> tuple[Figures, list[Facility]]:
    """The figures of a hospital, or of the first if none is named, and all hospitals of gold.

    Raises:
        PermanentError: nothing was published, or gold knows no such hospital.
    """
    with open_published(settings) as gold:
        facilities = [Facility(*row) for row in gold.execute(FACILITIES).fetchall()]
        known = {facility.facility_id: facility for facility in facilities}
        chosen = known.get(facility_id) if facility_id else next(iter(facilities), None)
        if chosen is None:
            raise PermanentError(
                f"Gold knows no hospital {facility_id}." if facility_id else "Gold holds no hospital yet.",
                remedy=f"Hospitals: {', '.join(known)}." if known else "Load a source, then run 'wardlake run'.",
            )
        return _figures(gold, chosen), facilities


def _figures(gold: duckdb.DuckDBPyConnection, facility: Facility) -> Figures:
    def read(sql: str, **values: object) -> pd.DataFrame:
        return gold.execute(sql, {"facility": facility.facility_id, **values}).df()

    currency, months = facility.currency_code, MONTHS_SHOWN
    return Figures(
        facility=facility,
        headlines=read(f"SELECT * FROM ({HEADLINES}) WHERE facility_id = $facility"),
        occupancy=read(OCCUPANCY, days=DAYS_SHOWN),
        staffing=read(STAFFING, months=months).iloc[::-1],
        cost=read(COST, currency=currency, months=months).iloc[::-1],
        drivers=read(DRIVERS, currency=currency, months=months, drugs=DRUGS_SHOWN),
    )
