-- Each ward has a ring of nurses; on each day a window of the ring works: the first places by day, then the evening,
-- then the night. The window moves on by 100/713 of the ring a day, so that a nurse works about five days (day, day,
-- evening, evening, night) and is then free for two, on other weekdays each time.
CREATE MACRO nurse_no(nurses_before, nurses, day, place) AS
    'N' || printf(
        '%07d', nurses_before + 1 + ((place - (day * nurses * 100) // 713) % nurses + nurses) % nurses
    );

CREATE MACRO shift_start(day, shift_cd) AS moment(day, CASE shift_cd WHEN 'D' THEN 360 WHEN 'E' THEN 840 ELSE 1320 END);

CREATE MACRO shift_end(day, shift_cd) AS moment(day, CASE shift_cd WHEN 'D' THEN 840 WHEN 'E' THEN 1320 ELSE 1800 END);

CREATE TABLE places AS
SELECT
    ward_no,
    day,
    place,
    day * total + places_before + place + 1 AS roster_id,
    nurse_no(nurses_before, nurses, day, place) AS staff_no,
    CASE WHEN place < beds THEN 'D' WHEN place < 2 * beds THEN 'E' ELSE 'N' END AS shift_cd
FROM (
    SELECT *, unnest(range(0, places))::BIGINT AS place, (sum(places) OVER ())::BIGINT AS total FROM wards
), range(0, 365) AS days (day);

CREATE TABLE hr.roster AS
SELECT
    roster_id::BIGINT AS roster_id,
    staff_no,
    ward_cd,
    day_of(day) AS shift_dt,
    shift_cd,
    shift_start(day, shift_cd) AS plan_start,
    shift_end(day, shift_cd) AS plan_end
FROM places
INNER JOIN wards USING (ward_no);
