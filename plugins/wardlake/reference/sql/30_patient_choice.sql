-- Who lies in a stay of a line: one of the line's patients. Mostly they take turns in nearly the same order, so that
-- returns within a month are few; now and then a weight decides, which makes some patients frequent.
CREATE TABLE slots AS
SELECT
    line,
    slot,
    (slot * getvariable('beds') + line)::BIGINT AS rec_id,
    line_patients,
    stays,
    exp(0.8 * normal('frequency', hash(line, slot))) AS weight,
    -- babies of a maternity line: born in some stay, and back there for a while at most
    ward_type = 'MAT' AND slot >= 6 AS is_baby,
    CASE WHEN ward_type = 'MAT' AND slot >= 6 THEN 1 + whole('birth', hash(line, slot), stays) ELSE 1 END AS first_n,
    -- the stay in which the patient dies; the first patient of a line survives, so that a line never runs dry
    CASE
        WHEN
            slot > 0 AND NOT is_baby
            AND unit('fate', hash(line, slot)) < least(0.5, death_share * 1.1 * stays / greatest(1, line_patients - 1))
            THEN 1 + whole('fated stay', hash(line, slot), stays)
    END AS last_n
FROM (
    SELECT lines.line, ward_type, death_share, line_patients, stays, unnest(range(0, line_patients))::BIGINT AS slot
    FROM lines
    INNER JOIN (SELECT line, max(n) AS stays FROM chains GROUP BY line) USING (line)
);

CREATE TABLE chosen AS
WITH fated AS (
    SELECT line, last_n AS n, min(slot) AS slot
    FROM slots
    WHERE last_n IS NOT NULL
    GROUP BY line, last_n
),
rounds AS (
    SELECT
        line,
        slot,
        round,
        row_number() OVER (
            PARTITION BY line, round
            ORDER BY unit('place', hash(line, slot)) + 0.25 * unit('turn', hash(line, slot, round)), slot
        ) AS turn
    FROM (SELECT line, slot, unnest(range(0, stays // line_patients + 1))::BIGINT AS round FROM slots)
),
alive AS (
    SELECT
        chains.line,
        chains.n,
        chains.id,
        slots.slot,
        -ln(1 - unit('race', hash(chains.line, chains.n, slots.slot))) / slots.weight AS race,
        rounds.turn = (chains.n - 1) % lines.line_patients + 1 AS is_turn
    FROM chains
    INNER JOIN lines USING (line)
    INNER JOIN slots
        ON
            slots.line = chains.line
            AND chains.n >= slots.first_n
            AND (NOT slots.is_baby OR chains.n < slots.first_n + 15)
            AND (slots.last_n IS NULL OR chains.n < slots.last_n)
    INNER JOIN rounds
        ON
            rounds.line = chains.line
            AND rounds.slot = slots.slot
            AND rounds.round = (chains.n - 1) // lines.line_patients
),
drawn AS (
    SELECT line, n, any_value(id) AS id, arg_min(slot, race) AS by_race, max(slot) FILTER (is_turn) AS by_turn
    FROM alive
    GROUP BY line, n
)
SELECT
    drawn.line,
    drawn.n,
    coalesce(fated.slot, CASE WHEN unit('in turn', drawn.id) < 0.93 THEN drawn.by_turn END, drawn.by_race) AS slot,
    fated.slot IS NOT NULL AS is_fatal
FROM drawn
LEFT JOIN fated USING (line, n);
