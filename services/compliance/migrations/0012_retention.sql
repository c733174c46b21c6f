-- How long records are kept: until when the law wants each, and from when that time runs.

-- Accounts of customers at home in the shard: facts by which it is known when a relationship ended.
CREATE TABLE account_fact (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    account text NOT NULL,
    what text NOT NULL CHECK (what IN ('opened', 'closed', 'reopened')),
    day date NOT NULL,
    PRIMARY KEY (shard, seq, account)
);
CREATE INDEX account_fact_owner ON account_fact (shard, owner);
COMMENT ON COLUMN account_fact.seq IS 'the ledger''s event of this shard that told it';
COMMENT ON COLUMN account_fact.day IS 'the booking date of a closing; else the UTC day on which it was told';

-- When the relationship with a customer ended; null while an account is open.
CREATE VIEW relationship AS
SELECT l.shard, l.owner, CASE WHEN bool_and(l.what = 'closed') THEN max(l.day) END AS ended
FROM (
    SELECT DISTINCT ON (f.shard, f.owner, f.account) f.shard, f.owner, f.account, f.what, f.day
    FROM account_fact AS f
    ORDER BY f.shard, f.owner, f.account, f.seq DESC
) AS l
GROUP BY l.shard, l.owner;

-- Legal holds: nothing about a customer is removed, whatever its age, until another person lifts each of them.
CREATE TABLE legal_hold_fact (
    shard int NOT NULL,
    legal_hold_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('placed', 'lifted')),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    owner text NOT NULL,
    placed_by text NOT NULL,
    placing_is text NOT NULL GENERATED ALWAYS AS ('placed') STORED,
    PRIMARY KEY (shard, legal_hold_id, what),
    UNIQUE (shard, legal_hold_id, what, actor, owner),
    UNIQUE (shard, act_id),
    CONSTRAINT a_lifted_hold_was_placed FOREIGN KEY (shard, legal_hold_id, placing_is, placed_by, owner)
    REFERENCES legal_hold_fact (shard, legal_hold_id, what, actor, owner),
    CONSTRAINT lifting_takes_another_person CHECK ((what = 'placed') = (actor = placed_by))
);
CREATE INDEX legal_hold_fact_owner ON legal_hold_fact (shard, owner);
COMMENT ON COLUMN legal_hold_fact.legal_hold_id IS 'the act that placed it';
COMMENT ON COLUMN legal_hold_fact.seq IS 'the ActDone event that answered the act';

-- Customers with a legal hold that counts now.
CREATE VIEW legally_held AS
SELECT DISTINCT p.shard, p.owner
FROM legal_hold_fact AS p
WHERE p.what = 'placed' AND NOT EXISTS (
    SELECT FROM legal_hold_fact AS l
    WHERE l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'
);

-- Every record with its class and the day on which its time began to run; null while it is still worked on.
CREATE VIEW kept_record AS
WITH closed AS (
    SELECT c.shard, c.case_id, c.opened_seq, c.owner,
           CASE WHEN c.status = 'closed' AND NOT c.is_due
               THEN (SELECT max(f.recorded_at) FROM case_fact AS f
                     WHERE f.shard = c.shard AND f.case_id = c.case_id) END AS closed_at,
           CASE
               WHEN EXISTS (
                   SELECT FROM alert_triage AS t
                   JOIN alert AS a ON a.shard = t.shard AND a.seq = t.alert_seq
                   WHERE t.shard = c.shard AND t.case_id = c.case_id AND a.rule = 'SAN-1'
               ) THEN 'sanctions'
               WHEN c.filing IS NOT NULL THEN 'filing'
               ELSE 'aml'
           END AS record_class
    FROM case_file AS c
)
SELECT k.shard, k.kind, k.seq, k.record_id, k.owner, k.record_class, (k.since AT TIME ZONE 'UTC')::date AS since
FROM (
    SELECT c.shard, 'case' AS kind, c.opened_seq AS seq, c.case_id::text AS record_id, c.owner, c.record_class,
           c.closed_at AS since
    FROM closed AS c
    UNION ALL
    SELECT a.shard, 'alert', a.seq, a.shard || '-' || a.seq, a.owner,
           coalesce(c.record_class, CASE WHEN a.rule = 'SAN-1' THEN 'sanctions' ELSE 'aml' END),
           CASE WHEN t.case_id IS NULL THEN t.recorded_at ELSE c.closed_at END
    FROM alert AS a
    LEFT JOIN alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
    LEFT JOIN closed AS c ON c.shard = t.shard AND c.case_id = t.case_id
    UNION ALL
    SELECT s.shard, 'snoozed_alert', s.seq, s.shard || '-' || s.seq, s.owner, 'aml', s.recorded_at
    FROM snoozed_alert AS s
    UNION ALL
    SELECT h.shard, 'hold', h.seq, h.instruction_id::text, h.owner,
           CASE WHEN h.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END, d.recorded_at
    FROM hold AS h
    LEFT JOIN decision AS d ON d.shard = h.shard AND d.seq = h.decided_seq
    UNION ALL
    SELECT d.shard, 'decision', d.seq, d.instruction_id::text, d.owner,
           CASE WHEN d.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END, d.recorded_at
    FROM decision AS d
) AS k;

-- The first day on which a record need not be kept: the day after the last of its years, counted from its own day
-- and from the relationship's end, whichever is later. Null while either has not come. A relationship counts
-- where there are years for it and the owner is a customer.
CREATE FUNCTION due_on(since date, years int, owner text, ended date, years_from_end int) RETURNS date
LANGUAGE sql IMMUTABLE
AS $$
SELECT CASE
    WHEN since IS NULL OR years IS NULL THEN NULL
    WHEN years_from_end IS NULL OR owner = 'house' THEN (since + make_interval(years => years))::date + 1
    WHEN ended IS NULL THEN NULL
    ELSE greatest(since + make_interval(years => years), ended + make_interval(years => years_from_end))::date + 1
END
$$;

GRANT SELECT ON account_fact, relationship, legal_hold_fact, legally_held, kept_record TO compliance_service, backoffice_readonly;
GRANT INSERT ON account_fact, legal_hold_fact TO compliance_service;
