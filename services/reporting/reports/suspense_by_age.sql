-- Suspense by age. Each query takes: $1 booking date, $2 entity or null.

-- name: items
WITH known AS (
    SELECT DISTINCT ON (account) account, entity, class, asset, scale
    FROM account
    ORDER BY account, shard
),

open AS (
    SELECT
        item.account,
        item.amount - coalesce(sum(item_use.amount), 0) AS left_minor,
        sign(item.amount) AS side,
        $1 - item.booking_date AS age
    FROM item
    LEFT JOIN item_use
        ON item_use.item_shard = item.shard
        AND item_use.item_seq = item.seq
        AND item_use.item_leg = item.leg
        AND item_use.booking_date <= $1
    WHERE item.booking_date <= $1
    GROUP BY item.shard, item.seq, item.leg
)

SELECT
    known.entity,
    known.asset,
    known.scale,
    known.class,
    open.account,
    open.side,
    width_bucket(open.age, ARRAY[0, 2, 8, 31, 91]) AS bucket,
    count(*) FILTER (WHERE open.left_minor <> 0) AS open_items,
    count(*) FILTER (WHERE open.left_minor * open.side < 0) AS overused,
    sum(open.left_minor) AS left_minor,
    max(open.age) FILTER (WHERE open.left_minor <> 0) AS oldest
FROM open
JOIN known ON known.account = open.account
WHERE $2::text IS NULL OR known.entity = $2
GROUP BY known.entity, known.asset, known.scale, known.class, open.account, open.side, bucket
ORDER BY known.entity, known.asset, known.class, open.account, open.side, bucket;

-- name: balances
SELECT
    known.entity,
    known.asset,
    known.scale,
    known.class,
    known.account,
    sum(account_day.credits - account_day.debits) AS closing
FROM account_day
JOIN (
    SELECT DISTINCT ON (account) account, entity, class, asset, scale
    FROM account
    ORDER BY account, shard
) AS known ON known.account = account_day.account
WHERE account_day.booking_date <= $1
    AND known.class IN ('suspense', 'return', 'blocked_funds')
    AND ($2::text IS NULL OR known.entity = $2)
GROUP BY known.entity, known.asset, known.scale, known.class, known.account
ORDER BY known.entity, known.asset, known.class, known.account;
