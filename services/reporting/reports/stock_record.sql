-- The stock record. Each query takes: $1 booking date, $2 entity or null, $3 security or null,
-- $4 classes of locations, $5 class of customers' custody accounts.

-- name: accounts
WITH known AS (
    SELECT DISTINCT ON (account) account, owner, entity, class, asset, scale
    FROM account
    ORDER BY account, shard
),

security AS (
    SELECT DISTINCT asset
    FROM known
    WHERE class = ANY($4::text[]) OR class = $5
)

SELECT
    known.entity,
    known.asset,
    known.scale,
    known.class,
    known.owner,
    known.account,
    summed.closing,
    summed.debits_pending,
    summed.credits_pending
FROM (
    SELECT
        account,
        sum(credits - debits) AS closing,
        sum(debits_pending) AS debits_pending,
        sum(credits_pending) AS credits_pending
    FROM account_day
    WHERE booking_date <= $1
    GROUP BY account
) AS summed
JOIN known ON known.account = summed.account
JOIN security ON security.asset = known.asset
WHERE ($2::text IS NULL OR known.entity = $2) AND ($3::text IS NULL OR known.asset = $3)
ORDER BY known.asset, known.entity, known.class = ANY($4::text[]), known.class, known.account;

-- name: owners
SELECT
    asset,
    sum(credits - debits) AS held
FROM owner_day
WHERE booking_date <= $1 AND $2::text IS NULL AND ($3::text IS NULL OR asset = $3)
    AND asset IN (SELECT asset FROM account WHERE class = ANY($4::text[]) OR class = $5)
GROUP BY asset
ORDER BY asset;
