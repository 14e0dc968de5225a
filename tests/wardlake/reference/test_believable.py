"""The hospital looks like one: figures within the bounds that a ward manager would believe."""

import duckdb
import pytest

LOW_HIGH = {
    "mean nights of a stay": (6, 8, "select avg(dis_ts::date - adm_ts::date) from adt.admission where adm_no < 9e9"),
    "skew: mean over median": (
        1.2,
        2,
        """select avg(n) / median(n) from (
            select dis_ts::date - adm_ts::date as n from adt.admission where adm_no < 9e9
        )""",
    ),
    "share of stays that end on the day they begin": (
        0.02,
        0.07,
        "select avg((dis_ts::date = adm_ts::date)::int) from adt.admission where dis_ts is not null",
    ),
    "occupied share of the beds in service": (
        0.78,
        0.88,
        """with midnights as (
            select unnest(range(timestamp '2025-01-02', timestamp '2026-01-01', interval 1 day)) as midnight
        )
        select (
            select count(*) from midnights join adt.bed_movement
            on start_ts < midnight and coalesce(end_ts, timestamp '2026-01-01') >= midnight where mv_id < 9e9
        ) / (
            select count(*) from midnights join adt.bed_status
            on valid_from < midnight and coalesce(valid_to, timestamp '2999-01-01') >= midnight
            where status_cd <> 'CLOSED'
        )""",
    ),
    "share of stays that end in death": (
        0.015,
        0.04,
        "select avg((dis_disp_cd = 'DIED')::int) from adt.admission where dis_ts is not null",
    ),
    "planned admissions on a day of a weekend, compared with one of the week": (
        0.01,
        0.25,
        """select count(*) filter (isodow(adm_ts) > 5) / 2 / (count(*) filter (isodow(adm_ts) <= 5) / 5)
        from adt.admission where adm_type_cd = 'ELECTIVE'""",
    ),
    "all admissions on a day of a weekend, compared with one of the week": (
        0.65,
        0.9,
        """select count(*) filter (isodow(adm_ts) > 5) / 2 / (count(*) filter (isodow(adm_ts) <= 5) / 5)
        from adt.admission where adm_no < 9e9""",
    ),
    "returns within 30 days": (
        0.1,
        0.27,
        """select avg(is_return::int) from (
            select dis_ts, dis_disp_cd,
                lead(adm_ts) over (partition by mrn order by adm_ts) - dis_ts <= interval 30 day is true as is_return
            from adt.admission where adm_no < 9e9
        ) where dis_ts < date '2025-12-01' and dis_disp_cd <> 'DIED'""",
    ),
    "stays under way on the first morning, for each bed": (
        0.6,
        0.98,
        """select count(*) / (select count(*) from adt.bed) from adt.admission
        where adm_ts < timestamp '2025-01-01' and adm_no < 9e9""",
    ),
    "stays under way at the end, for each bed": (
        0.6,
        0.98,
        "select count(*) / (select count(*) from adt.bed) from adt.admission where dis_ts is null",
    ),
    "share of stays with a transfer": (
        0.08,
        0.25,
        "select avg((n > 1)::int) from (select count(*) as n from adt.bed_movement where mv_id < 9e9 group by case_no)",
    ),
    "nurses planned for a bed, day shift": (
        0.999,
        1.001,
        "select count(*) / 365 / (select count(*) from adt.bed) from hr.roster where shift_cd = 'D'",
    ),
    "nurses planned for a bed, night shift": (
        0.5,
        0.7,
        "select count(*) / 365 / (select count(*) from adt.bed) from hr.roster where shift_cd = 'N'",
    ),
    "shifts a week of a nurse": (
        4.5,
        5.5,
        "select count(*) / 365 * 7 / count(distinct staff_no) from hr.roster",
    ),
    "share of planned shifts missed by sickness": (
        0.035,
        0.07,
        "select avg((absence_cd is not distinct from 'SICK')::int) from hr.timeclock where roster_id is not null",
    ),
    "overtime share of worked hours": (
        0.025,
        0.06,
        """select sum(clock_out - clock_in) filter (pay_cd = 'OT') / sum(clock_out - clock_in)
        from (select pay_cd, epoch(clock_out) as clock_out, epoch(clock_in) as clock_in from hr.timeclock)""",
    ),
    "agency share of worked hours": (
        0.035,
        0.08,
        """select sum(clock_out - clock_in) filter (pay_cd = 'AGY') / sum(clock_out - clock_in)
        from (select pay_cd, epoch(clock_out) as clock_out, epoch(clock_in) as clock_in from hr.timeclock)""",
    ),
    "the biologic's share of the drug bill": (
        0.55,
        0.78,
        """select sum(quantity * unit_price) filter (generic_nm = 'Infliximab') / sum(quantity * unit_price)
        from pharmacy.line join ehr.drug using (drug_cd)""",
    ),
    "returned share of dispensing lines": (0.03, 0.15, "select avg((kind = 'RETURN')::int) from pharmacy.line"),
    "prices that change in a quarter": (
        0.4,
        0.7,
        """select avg((unit_price <> before)::int) from (
            select *, lag(unit_price) over (partition by drug_cd order by effective_from) as before
            from pharmacy.price where unit_price > 0
        ) where before is not null""",
    ),
    "scripts of patients' names": (
        6,
        6,
        """select count(*) filter (n > 0) from (
            select count(*) filter (regexp_matches(native_nm, pattern)) as n from adt.pat_master, (
                values ('[A-Za-z]'), ('\\p{Han}'), ('\\p{Arabic}'), ('\\p{Cyrillic}'), ('\\p{Greek}'), ('\\p{Hiragana}')
            ) as scripts (pattern) group by pattern
        )""",
    ),
    "correlation of two streams of random numbers": (
        -0.02,
        0.02,
        "select corr(unit('a', i), unit('b', i)) from range(100000) as r (i)",
    ),
    "mean of a stream of normal numbers": (-0.02, 0.02, "select avg(normal('c', i)) from range(100000) as r (i)"),
    "spread of a stream of normal numbers": (0.98, 1.02, "select stddev(normal('c', i)) from range(100000) as r (i)"),
}


@pytest.mark.parametrize("figure", LOW_HIGH)
def test_believable(hospital: duckdb.DuckDBPyConnection, figure: str) -> None:
    low, high, query = LOW_HIGH[figure]
    found = hospital.execute(query).fetchall()[0][0]
    assert low <= float(found) <= high, f"{figure}: {found}"


def test_nurses_work_about_eight_hours_and_the_night_of_the_clock_change_is_lived_through(
    hospital: duckdb.DuckDBPyConnection,
) -> None:
    nights = hospital.execute(
        "select shift_dt, count(*) from hr.timeclock where shift_cd = 'N' and clock_in is not null "
        "and shift_dt in (date '2025-03-29', date '2025-10-25') group by shift_dt"
    ).fetchall()
    assert len(nights) == 2
    assert all(worked > 10 for _, worked in nights)
    longest = hospital.execute("select max(clock_out - clock_in) < interval 9 hours from hr.timeclock").fetchall()
    assert longest == [(True,)]
