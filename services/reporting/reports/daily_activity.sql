-- Daily activity. Each query takes: $1 day.

-- name: activity
SELECT
    entity,
    instruction_type,
    asset,
    channel,
    outcome,
    reason,
    later,
    max(scale) AS scale,
    sum(count) AS count,
    sum(amount) AS amount
FROM activity
WHERE day = $1
GROUP BY entity, instruction_type, asset, channel, outcome, reason, later
ORDER BY entity, instruction_type, asset, channel, outcome, reason, later;

-- name: taken
SELECT
    kind,
    sum(count) AS count
FROM taken
WHERE day = $1 AND topic = 'transactions.journal.v1'
GROUP BY kind
ORDER BY kind;

-- name: account_days
SELECT
    asset,
    sum(debits) AS debits,
    sum(credits) AS credits
FROM account_day
WHERE booking_date = $1
GROUP BY asset
ORDER BY asset;
