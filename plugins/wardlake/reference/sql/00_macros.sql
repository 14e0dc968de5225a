-- Random numbers are hashes of the seed, a stream name and an id: the same on any number of threads and in any order.
CREATE OR REPLACE MACRO unit(stream, id) AS
    (hash(hash(getvariable('seed'), stream, id)) >> 11)::DOUBLE / 9007199254740992.0;

CREATE OR REPLACE MACRO normal(stream, id) AS
    sqrt(-2 * ln(1 - unit(stream, id))) * cos(2 * pi() * unit(stream || ' angle', id));

CREATE OR REPLACE MACRO whole(stream, id, n) AS floor(unit(stream, id) * n)::BIGINT;

-- Days are counted from 2025-01-01; minutes from midnight of that day.
CREATE OR REPLACE MACRO day_of(day) AS DATE '2025-01-01' + day::INTEGER;

-- The hour from two to three was skipped on 2025-03-30; what would have fallen into it happens at three.
CREATE OR REPLACE MACRO wall_clock(ts) AS
    CASE
        WHEN ts >= TIMESTAMP '2025-03-30 02:00' AND ts < TIMESTAMP '2025-03-30 03:00'
            THEN TIMESTAMP '2025-03-30 03:00'
        ELSE ts
    END;

CREATE OR REPLACE MACRO moment(day, minute) AS
    wall_clock(TIMESTAMP '2025-01-01' + to_minutes((day * 1440 + minute)::BIGINT));

CREATE OR REPLACE MACRO today() AS TIMESTAMP '2026-01-01';
