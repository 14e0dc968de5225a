"""The three figures that stand for a hospital, wherever they are shown."""

# The newest year of each facility: at the edge of the data before it, only the stays that went on are known.
# Ratios are sum over sum; days and months in which a part is unknown are left out of both.
HEADLINES = """
    WITH newest AS (
        SELECT facility_id, max(year(census_date)) AS newest_year
        FROM gold.daily_census
        GROUP BY ALL
    ), occupancy AS (
        SELECT facility_id, sum(midnight_census) / nullif(sum(available_beds), 0) AS bed_occupancy
        FROM gold.daily_census JOIN newest USING (facility_id)
        WHERE available_beds IS NOT NULL AND midnight_census IS NOT NULL AND year(census_date) = newest_year
        GROUP BY ALL
    ), nursing AS (
        SELECT facility_id, sum(total_nursing_hours) / nullif(sum(patient_days), 0) AS nursing_hours
        FROM gold.nursing_hours_daily JOIN newest USING (facility_id)
        WHERE total_nursing_hours IS NOT NULL AND patient_days IS NOT NULL AND year(work_date) = newest_year
        GROUP BY ALL
    ), cost_of_month AS (
        SELECT facility_id, currency_code, sum(acquisition_cost) AS cost, any_value(occupied_bed_days) AS bed_days
        FROM gold.drug_costs_monthly JOIN newest USING (facility_id)
        WHERE year(month_start_date) = newest_year
        GROUP BY facility_id, currency_code, month_start_date
    ), drugs AS (
        SELECT facility_id, currency_code, sum(cost) / nullif(sum(bed_days), 0) AS cost_per_patient_day
        FROM cost_of_month
        WHERE cost IS NOT NULL AND bed_days IS NOT NULL
        GROUP BY ALL
    )
    SELECT facility_id, newest_year, bed_occupancy, nursing_hours, cost_per_patient_day, currency_code
    FROM newest
    LEFT JOIN occupancy USING (facility_id)
    LEFT JOIN nursing USING (facility_id)
    LEFT JOIN drugs USING (facility_id)
    ORDER BY facility_id
"""
