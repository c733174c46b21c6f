-- The trial balance of a closed period. Each query takes: $1 its last booking date, $2 entity.

-- name: closings
SELECT
    shard,
    min(first_day) FILTER (WHERE last_day = $1) AS first_day,
    min(seq) FILTER (WHERE state = 'closed') AS closed_seq
FROM period
WHERE entity = $2 AND last_day >= $1
GROUP BY shard
ORDER BY shard;

-- name: classes
SELECT
    known.class,
    known.asset,
    known.scale,
    coalesce(sum(moved.credits - moved.debits) FILTER (WHERE moved.booking_date < begun.first_day), 0) AS opening,
    coalesce(sum(moved.debits) FILTER (WHERE moved.booking_date >= begun.first_day), 0) AS debits,
    coalesce(sum(moved.credits) FILTER (WHERE moved.booking_date >= begun.first_day), 0) AS credits,
    sum(moved.credits - moved.debits) AS closing
FROM account_day AS moved
JOIN (
    SELECT DISTINCT ON (account) account, entity, class, asset, scale
    FROM account
    ORDER BY account, shard
) AS known ON known.account = moved.account
CROSS JOIN (
    SELECT min(first_day) AS first_day
    FROM period
    WHERE entity = $2 AND last_day = $1
) AS begun
WHERE moved.booking_date <= $1 AND known.entity = $2
GROUP BY known.class, known.asset, known.scale
ORDER BY known.asset, known.class;

-- name: activity
SELECT
    activity.asset,
    sum(activity.amount) AS posted
FROM activity
CROSS JOIN (
    SELECT min(first_day) AS first_day
    FROM period
    WHERE entity = $2 AND last_day = $1
) AS begun
WHERE
    activity.day BETWEEN begun.first_day AND $1
    AND activity.outcome IN ('posted', 'swept', 'booked')
    AND activity.entity = $2
GROUP BY activity.asset
ORDER BY activity.asset;
