-- The statement of one account. Each query takes: $1 account, $2 first booking date, $3 the day after the last.

-- name: account
SELECT
    known.account,
    known.owner,
    known.entity,
    known.asset,
    known.scale,
    coalesce(sum(moved.credits - moved.debits) FILTER (WHERE moved.booking_date < $2), 0) AS opening,
    coalesce(sum(moved.debits) FILTER (WHERE moved.booking_date >= $2), 0) AS debits,
    coalesce(sum(moved.credits) FILTER (WHERE moved.booking_date >= $2), 0) AS credits,
    coalesce(sum(moved.entries) FILTER (WHERE moved.booking_date >= $2), 0) AS entries,
    coalesce(sum(moved.credits - moved.debits), 0) AS closing,
    coalesce(sum(moved.debits_pending), 0) AS debits_pending,
    coalesce(sum(moved.credits_pending), 0) AS credits_pending
FROM (
    SELECT account, owner, entity, asset, scale
    FROM account
    WHERE account = $1
    ORDER BY shard
    LIMIT 1
) AS known
LEFT JOIN account_day AS moved ON moved.account = known.account AND moved.booking_date < $3
GROUP BY known.account, known.owner, known.entity, known.asset, known.scale;

-- name: entries
SELECT
    booking_date,
    value_date,
    recorded_at,
    shard,
    seq,
    leg,
    instruction_type,
    reference,
    counter_account,
    amount
FROM (
    SELECT
        booking_date, value_date, recorded_at, shard, seq, leg, instruction_type, reference,
        credit_account AS counter_account, -amount AS amount
    FROM entry
    WHERE debit_account = $1 AND booking_date >= $2 AND booking_date < $3
    UNION ALL
    SELECT
        booking_date, value_date, recorded_at, shard, seq, leg, instruction_type, reference,
        debit_account AS counter_account, amount
    FROM entry
    WHERE credit_account = $1 AND booking_date >= $2 AND booking_date < $3
) AS of_account
ORDER BY booking_date, recorded_at, shard, seq, leg;
