"""What holds in every generated hospital, whatever the seed and the scale."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardlake.errors import PermanentError
from wardlake.reference.generate import MIN_PATIENTS, TABLES

Maker = Callable[..., AbstractContextManager[duckdb.DuckDBPyConnection]]

CLEAN = "9000000000"
"""Keys from here on belong to planted rows."""

INVARIANTS = {  # each query finds the rows that break it
    "two patients in a bed at once": f"""
        select * from (
            select *, lead(start_ts) over (partition by bed_no order by start_ts) as next_ts
            from adt.bed_movement where mv_id < {CLEAN}
        ) where next_ts < coalesce(end_ts, timestamp '2026-01-01')""",
    "a patient in two beds at once": f"""
        select * from (
            select *, lead(start_ts) over (partition by mrn order by start_ts) as next_ts
            from adt.bed_movement join adt.admission using (case_no) where mv_id < {CLEAN} and adm_no < {CLEAN}
        ) where next_ts < coalesce(end_ts, timestamp '2026-01-01')""",
    "a patient in a bed that is closed or being cleaned": f"""
        select * from adt.bed_movement join adt.bed_status using (bed_no)
        where mv_id < {CLEAN} and status_cd <> 'OPEN'
            and start_ts < coalesce(valid_to, timestamp '2999-01-01')
            and coalesce(end_ts, timestamp '2026-01-01') > valid_from""",
    "a bed state that does not follow the one before": """
        select * from (
            select *, lead(valid_from) over (partition by bed_no order by valid_from) as next_from from adt.bed_status
        ) where next_from is distinct from valid_to or valid_to <= valid_from""",
    "a bed without a state": "select bed_no from adt.bed except select bed_no from adt.bed_status",
    "movements that leave a gap in the stay": f"""
        select * from (
            select *, lag(end_ts) over (partition by case_no order by start_ts) as before
            from adt.bed_movement where mv_id < {CLEAN}
        ) where mv_cd = 'ADMIT' and before is not null or mv_cd = 'TRANSFER' and before is distinct from start_ts""",
    "a stay that its movements do not span": f"""
        select * from adt.admission left join (
            select case_no, min(start_ts) as start_ts, max(end_ts) as end_ts, bool_or(end_ts is null) as is_open
            from adt.bed_movement where mv_id < {CLEAN} group by case_no
        ) using (case_no)
        where adm_no < {CLEAN} and (
            start_ts is distinct from adm_ts or is_open is distinct from (dis_ts is null)
            or end_ts is distinct from dis_ts and dis_ts is not null)""",
    "a movement in the wrong ward": f"""
        select * from adt.bed_movement join adt.bed using (bed_no)
        where mv_id < {CLEAN} and bed_movement.ward_cd <> bed.ward_cd""",
    "a transfer within one ward": f"""
        select * from (
            select *, lag(ward_cd) over (partition by case_no order by start_ts) as before
            from adt.bed_movement where mv_id < {CLEAN}
        ) where before = ward_cd""",
    "a stay outside its time": f"""
        select * from adt.admission where adm_no < {CLEAN} and (
            dis_ts <= adm_ts or dis_ts >= timestamp '2026-01-01' or dis_ts < timestamp '2025-01-01'
            or adm_ts >= timestamp '2026-01-01' or death_ts > dis_ts or death_ts <= adm_ts
            or (death_ts is null) = (dis_disp_cd is not distinct from 'DIED')
            or (dis_ts is null) <> (dis_disp_cd is null))""",
    "an admission after death": f"""
        select * from adt.admission a join adt.admission b using (mrn)
        where a.death_ts is not null and b.adm_ts > a.adm_ts and a.adm_no < {CLEAN} and b.adm_no < {CLEAN}""",
    "a wrong age": f"""
        select * from adt.admission join adt.pat_master using (mrn)
        where adm_no < {CLEAN} and rec_id < {CLEAN} and (
            age_at_adm not between 0 and 110 or adm_ts::date < dob or reg_ts::date < dob
            or dob + to_years(age_at_adm) > adm_ts or dob + to_years(age_at_adm + 1) <= adm_ts::date)""",
    "an unknown patient": "select mrn from adt.admission except select mrn from adt.pat_master",
    "an unknown ward": f"""
        (select ward_cd from adt.bed union select ward_cd from hr.roster union select ward_cd from hr.timeclock
        union select home_ward_cd from hr.staff union select ward_cd from adt.bed_movement where mv_id < {CLEAN})
        except select ward_cd from adt.ward""",
    "an unknown bed": """
        (select bed_no from adt.bed_movement union select bed_no from adt.bed_status)
        except select bed_no from adt.bed""",
    "an unknown case": """
        (select case_no from adt.bed_movement union select case_no from ehr.diagnosis
        union select case_no from ehr.exam_result union select case_no from ehr.prescription
        union select case_no from pharmacy.line) except select case_no from adt.admission""",
    "an unknown drug": """
        (select drug_cd from ehr.prescription union select drug_cd from pharmacy.price
        union select drug_cd from pharmacy.line)
        except select drug_cd from ehr.drug""",
    "an unknown doctor": """
        (select attending_no from adt.admission union select prescriber_no from ehr.prescription)
        except select staff_no from hr.staff where staff_kind = 'DOC'""",
    "an unknown nurse": """
        (select nurse_no from ehr.administration union select staff_no from hr.roster
        union select staff_no from hr.timeclock)
        except select staff_no from hr.staff where staff_kind = 'NUR'""",
    "an unknown order": "select rx_id from ehr.administration except select rx_id from ehr.prescription",
    "an unknown planned shift": """
        select * from hr.timeclock left join hr.roster using (roster_id)
        where timeclock.roster_id is not null and (
            (roster.staff_no, roster.ward_cd, roster.shift_dt, roster.shift_cd)
            is distinct from (timeclock.staff_no, timeclock.ward_cd, timeclock.shift_dt, timeclock.shift_cd))""",
    "a planned shift that is neither worked nor missed": """
        select roster_id from hr.roster except select roster_id from hr.timeclock""",
    "a clinical event outside the stay, or after death": f"""
        select case_no from (
            select case_no, taken_ts as ts from ehr.exam_result
            union all select case_no, start_ts from ehr.prescription
            union all select case_no, ordered_ts from ehr.prescription
            union all select case_no, stop_ts from ehr.prescription where stop_ts is not null
            union all select case_no, given_ts from ehr.administration join ehr.prescription using (rx_id)
        ) join adt.admission using (case_no)
        where adm_no < {CLEAN} and (ts < adm_ts or ts > coalesce(death_ts, dis_ts, timestamp '2026-01-01'))""",
    "a dose outside its order": """
        select * from ehr.administration join ehr.prescription using (rx_id)
        where given_ts < start_ts or given_ts > stop_ts""",
    "a dose that nobody on the ward gave": """
        select given_ts, nurse_no from ehr.administration join ehr.prescription using (rx_id)
        join adt.bed_movement m on m.case_no = prescription.case_no
            and m.start_ts <= given_ts and coalesce(end_ts, timestamp '2026-01-01') > given_ts
        where not exists (
            from hr.timeclock c where c.staff_no = nurse_no and c.ward_cd = m.ward_cd
            and given_ts between clock_in - interval 10 minutes and clock_out + interval 10 minutes)""",
    "quantities that do not fit the status": """
        select * from ehr.administration
        where qty < 0 or waste_qty < 0 or (status_cd = 'GIVEN') <> (qty > 0)
            or (status_cd = 'WASTED' and waste_qty = 0)""",
    "somebody who works two shifts at once": """
        select * from (
            select *, lead(clock_in) over (partition by staff_no order by clock_in) as next_in
            from hr.timeclock where clock_in is not null
        ) where clock_out > next_in""",
    "somebody planned for two shifts a day": """
        select staff_no, shift_dt from hr.roster group by all having count(*) > 1""",
    "absence with a clock time, or work without": """
        select * from hr.timeclock
        where (absence_cd is null) = (clock_in is null) or (clock_in is null) <> (clock_out is null)
            or clock_out <= clock_in""",
    "a shift without a nurse": """
        select ward_cd, shift_dt, shift_cd from hr.roster
        except select ward_cd, shift_dt, shift_cd from hr.timeclock where clock_in is not null""",
    "a local time that did not exist": """
        select ts from (
            select adm_ts as ts from adt.admission union all select dis_ts from adt.admission
            union all select death_ts from adt.admission union all select start_ts from adt.bed_movement
            union all select end_ts from adt.bed_movement union all select valid_from from adt.bed_status
            union all select valid_to from adt.bed_status union all select taken_ts from ehr.exam_result
            union all select ordered_ts from ehr.prescription union all select start_ts from ehr.prescription
            union all select stop_ts from ehr.prescription union all select given_ts from ehr.administration
            union all select clock_in from hr.timeclock union all select clock_out from hr.timeclock
            union all select reg_ts from adt.pat_master
        ) where ts >= timestamp '2025-03-30 02:00' and ts < timestamp '2025-03-30 03:00'""",
    "a price that is missing or not positive": """
        select * from pharmacy.line left join pharmacy.price p
            on p.drug_cd = line.drug_cd and effective_from = date_trunc('quarter', date)
        where p.unit_price is null or p.unit_price <= 0 or corrects is null and p.unit_price <> line.unit_price""",
    "a return without a sign": """
        select * from pharmacy.line where (kind = 'RETURN') <> (quantity < 0) or quantity = 0""",
    "a repeated key": f"""
        select 'mrn', mrn from adt.pat_master where rec_id < {CLEAN} group by mrn having count(*) > 1
        union all select 'case', case_no from adt.admission where adm_no < {CLEAN} group by case_no having count(*) > 1
        union all select 'line', line_no from pharmacy.line group by line_no having count(*) > 1
        union all select 'dx', case_no from ehr.diagnosis group by case_no, icd10_cd having count(*) > 1
        union all select 'seq', case_no from ehr.diagnosis group by case_no, seq_no having count(*) > 1
        union all select 'price', drug_cd from pharmacy.price group by drug_cd, effective_from having count(*) > 1""",
    "a stay without a principal diagnosis": f"""
        select case_no from adt.admission where adm_no < {CLEAN}
        except select case_no from ehr.diagnosis where seq_no = 1""",
}


@pytest.mark.parametrize("broken", INVARIANTS)
def test_nobody_finds(hospital: duckdb.DuckDBPyConnection, broken: str) -> None:
    assert hospital.execute(INVARIANTS[broken]).fetchmany(5) == []


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patients=st.integers(MIN_PATIENTS, 400), seed=st.integers(-(2**63), 2**63 - 1))
def test_nobody_finds_it_with_any_seed_and_scale(maker: Maker, patients: int, seed: int) -> None:
    with maker(patients=patients, seed=seed) as engine:
        for broken, query in INVARIANTS.items():
            assert engine.execute(query).fetchmany(5) == [], broken
        counts = {table: engine.execute(f"select count(*) from {table}").fetchall()[0][0] for table in TABLES}
        assert counts["adt.pat_master"] == patients + 3
        assert counts["adt.bed"] == max(20, patients // 10)
        assert min(counts.values()) > 0


def checksums(engine: duckdb.DuckDBPyConnection) -> dict[str, tuple[object, ...]]:
    return {
        table: engine.execute(f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {table} t").fetchall()[0]
        for table in (*TABLES, "pharmacy.price", "pharmacy.line")
    }


def test_the_same_seed_gives_the_same_rows_on_any_number_of_threads(maker: Maker) -> None:
    with maker(patients=300, threads=1) as one, maker(patients=300, threads=4) as four:
        assert checksums(one) == checksums(four)
    with maker(patients=300, seed=1) as other:
        different = checksums(other)
    with maker(patients=300, seed=2) as another:
        assert all(different[table] != found for table, found in checksums(another).items() if table not in FIXED)


FIXED = ("adt.ward", "adt.bed", "ehr.drug", "hr.roster")
"""Tables that follow from the scale alone."""


def test_too_small_a_hospital_is_refused(maker: Maker) -> None:
    with pytest.raises(PermanentError, match="cannot have 99 patients"), maker(patients=MIN_PATIENTS - 1):
        pass
