-- Two patients of paired lines swap beds when both lie there the day before and the day after: from then on each line
-- lives in the other bed, so that no bed is ever taken twice.
CREATE TABLE exchanges AS
WITH proposed AS (
    SELECT
        pair,
        max(line) FILTER (is_first_of_pair) AS first_line,
        max(line) FILTER (NOT is_first_of_pair) AS second_line
    FROM lines
    WHERE pair IS NOT NULL
    GROUP BY pair
),
dated AS (
    SELECT
        *,
        unnest(range(0, 20))::BIGINT AS k
    FROM proposed
),
timed AS (
    SELECT
        *,
        -80 + k * 22 + whole('exchange day', hash(pair, k), 18) AS day,
        600 + whole('exchange minute', hash(pair, k), 420) AS minute
    FROM dated
)
SELECT
    timed.pair,
    timed.first_line,
    timed.second_line,
    moment(timed.day, timed.minute) AS exchange_ts,
    row_number() OVER (PARTITION BY timed.pair ORDER BY timed.day) AS nth
FROM timed
INNER JOIN all_stays AS one ON one.line = timed.first_line AND one.adm_day < timed.day AND one.dis_day > timed.day
INNER JOIN all_stays AS two ON two.line = timed.second_line AND two.adm_day < timed.day AND two.dis_day > timed.day
WHERE timed.day < 365;

CREATE TABLE line_beds AS
WITH changes AS (
    SELECT first_line AS line, second_line AS other, exchange_ts, nth FROM exchanges
    UNION ALL
    SELECT second_line, first_line, exchange_ts, nth FROM exchanges
    UNION ALL
    SELECT line, line, TIMESTAMP '2024-07-01', 0 FROM lines
)
SELECT
    line,
    CASE WHEN nth % 2 = 1 THEN other ELSE line END AS bed_line,
    exchange_ts AS from_ts,
    coalesce(lead(exchange_ts) OVER (PARTITION BY line ORDER BY nth), TIMESTAMP '2999-01-01') AS to_ts
FROM changes;
