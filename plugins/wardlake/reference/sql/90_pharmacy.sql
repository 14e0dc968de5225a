CREATE SCHEMA pharmacy;

-- About half of the prices change each quarter, by up to 8 percent; the biologic's by less.
CREATE TABLE pharmacy.price AS
WITH changed AS (
    SELECT
        *,
        CASE
            WHEN quarter = 0 OR unit('price moves', hash(drug_cd, quarter)) < 0.45 THEN 1
            WHEN usage_cd = 'biologic' THEN 0.99 + 0.03 * unit('price change', hash(drug_cd, quarter))
            ELSE 0.94 + 0.14 * unit('price change', hash(drug_cd, quarter))
        END AS factor
    FROM drugs, range(0, 4) AS quarters (quarter)
)
SELECT
    drug_cd,
    drug_nm,
    pricing_unit,
    round(price_eur * product(factor) OVER (PARTITION BY drug_cd ORDER BY quarter), 4)::DECIMAL(12, 4) AS unit_price,
    make_date(2025, 1 + 3 * quarter::INTEGER, 1) AS effective_from
FROM changed;

-- The pharmacy hands out what a patient needs in a month, sometimes too much; what is left over comes back.
CREATE TABLE pharmacy.line AS
WITH needed AS (
    SELECT
        rx_id,
        month(given_ts) AS month_no,
        min(given_ts::DATE) AS first_date,
        max(given_ts::DATE) AS last_date,
        ceil(sum(qty + waste_qty)) AS quantity
    FROM ehr.administration
    GROUP BY ALL
    HAVING sum(qty + waste_qty) > 0
),
handed AS (
    SELECT
        *,
        CASE WHEN unit('surplus', hash(rx_id, month_no)) < 0.08 THEN ceil(quantity * 0.25) ELSE 0 END AS surplus
    FROM needed
),
both_kinds AS (
    SELECT rx_id, first_date AS date, 'DISPENSE' AS kind, quantity + surplus AS quantity FROM handed
    UNION ALL
    SELECT rx_id, least(last_date + 1, DATE '2025-12-31'), 'RETURN', -surplus FROM handed WHERE surplus > 0
)
SELECT
    printf('%04d%02d%07d', 2025, month(date), row_number() OVER (PARTITION BY month(date) ORDER BY date, kind, rx_id))
        AS line_no,
    date,
    case_no,
    prescription.drug_cd,
    quantity::BIGINT AS quantity,
    kind,
    unit_price,
    NULL::VARCHAR AS corrects
FROM both_kinds
INNER JOIN ehr.prescription USING (rx_id)
INNER JOIN pharmacy.price
    ON price.drug_cd = prescription.drug_cd AND effective_from = date_trunc('quarter', date)::DATE;
