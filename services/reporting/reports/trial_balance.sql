-- The trial balance. Each query takes: $1 booking date, $2 entity or null.

-- name: accounts
SELECT
    known.entity,
    known.class,
    known.owner,
    summed.account,
    known.asset,
    known.scale,
    summed.opening,
    summed.debits,
    summed.credits,
    summed.closing,
    summed.debits_pending,
    summed.credits_pending
FROM (
    SELECT
        account,
        coalesce(sum(credits - debits) FILTER (WHERE booking_date < $1), 0) AS opening,
        coalesce(sum(debits) FILTER (WHERE booking_date = $1), 0) AS debits,
        coalesce(sum(credits) FILTER (WHERE booking_date = $1), 0) AS credits,
        sum(credits - debits) AS closing,
        sum(debits_pending) AS debits_pending,
        sum(credits_pending) AS credits_pending
    FROM account_day
    WHERE booking_date <= $1
    GROUP BY account
) AS summed
JOIN (
    SELECT DISTINCT ON (account) account, owner, entity, class, asset, scale
    FROM account
    ORDER BY account, shard
) AS known ON known.account = summed.account
WHERE $2::text IS NULL OR known.entity = $2
ORDER BY known.entity, known.asset, known.class, summed.account;

-- name: activity
SELECT
    entity,
    asset,
    sum(amount) AS posted
FROM activity
WHERE day = $1 AND outcome IN ('posted', 'swept', 'booked') AND ($2::text IS NULL OR entity = $2)
GROUP BY entity, asset
ORDER BY entity, asset;
