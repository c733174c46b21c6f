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
CREATE INDEX account_fact_owner ON account_fact (shard, owner, account, seq);
COMMENT ON COLUMN account_fact.seq IS 'the ledger''s event of this shard that told it';
COMMENT ON COLUMN account_fact.day IS 'the booking date of a closing; else the UTC day on which it was told';

-- When the relationship with a customer ended. It follows from the facts, and is kept so that each record finds it
-- by one look, however many accounts the customer had.
CREATE TABLE relationship (
    shard int NOT NULL,
    owner text NOT NULL,
    ended date,
    PRIMARY KEY (shard, owner)
);
COMMENT ON COLUMN relationship.ended IS 'the last day on which an account was closed; null while one is open';

CREATE FUNCTION relate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = compliance, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO relationship AS r (shard, owner, ended)
    SELECT o.shard, o.owner, l.ended
    FROM (SELECT DISTINCT t.shard, t.owner FROM told AS t) AS o
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_and(a.what = 'closed') THEN max(a.day) END AS ended
        FROM (
            SELECT DISTINCT ON (f.account) f.what, f.day FROM account_fact AS f
            WHERE f.shard = o.shard AND f.owner = o.owner
            ORDER BY f.account, f.seq DESC
        ) AS a
    ) AS l
    ON CONFLICT (shard, owner) DO UPDATE SET ended = excluded.ended WHERE r.ended IS DISTINCT FROM excluded.ended;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION relate() FROM PUBLIC;
CREATE TRIGGER account_fact_relates AFTER INSERT ON account_fact
REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION relate();

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

-- Legal holds that count now.
CREATE VIEW legally_held AS
SELECT p.shard, p.owner, p.legal_hold_id
FROM legal_hold_fact AS p
WHERE p.what = 'placed' AND NOT EXISTS (
    SELECT FROM legal_hold_fact AS l
    WHERE l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'
);

-- Every record with its class, the day on which its time began to run, and the day on which the relationship with
-- its owner ended. Its own day is null while it is still worked on, or counts: a rating that holds, a party of
-- somebody who is a customer. A record is named by its event, or by the place of its row where none told of it.
CREATE VIEW kept_record AS
WITH closed AS NOT MATERIALIZED (
    SELECT c.shard, c.case_id, c.opened_seq, c.owner,
           CASE WHEN c.status = 'closed' AND NOT c.is_due
               THEN (SELECT max(f.recorded_at) FROM case_fact AS f
                     WHERE f.shard = c.shard AND f.case_id = c.case_id) END AS closed_at,
           CASE
               WHEN (
                   SELECT bool_or(a.rule = 'SAN-1') FROM alert_triage AS t
                   JOIN alert AS a ON a.shard = t.shard AND a.seq = t.alert_seq
                   WHERE t.shard = c.shard AND t.case_id = c.case_id
               ) THEN 'sanctions'
               WHEN c.filing IS NOT NULL THEN 'filing'
               ELSE 'aml'
           END AS record_class
    FROM case_file AS c
)
SELECT k.shard, k.kind, k.seq, k.record_id, k.owner, k.record_class,
       CASE
           WHEN NOT k.is_standing THEN (k.since AT TIME ZONE 'UTC')::date
           WHEN r.ended IS NOT NULL THEN greatest((k.since AT TIME ZONE 'UTC')::date, r.ended)
       END AS since, r.ended
FROM (
    SELECT c.shard, 'case' AS kind, c.opened_seq AS seq, c.case_id::text AS record_id, c.owner, c.record_class,
           c.closed_at AS since, false AS is_standing
    FROM closed AS c
    UNION ALL
    SELECT a.shard, 'alert' AS kind, a.seq, a.shard || '-' || a.seq AS record_id, a.owner,
           coalesce(
               c.record_class, CASE WHEN a.rule = 'SAN-1' THEN 'sanctions' ELSE 'aml' END
           ) AS record_class,
           CASE WHEN t.case_id IS NULL THEN t.recorded_at ELSE c.closed_at END AS since, false AS is_standing
    FROM alert AS a
    LEFT JOIN alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
    LEFT JOIN closed AS c ON c.shard = t.shard AND c.case_id = t.case_id
    UNION ALL
    SELECT s.shard, 'snoozed_alert' AS kind, s.seq, s.shard || '-' || s.seq AS record_id, s.owner,
           'aml' AS record_class, s.recorded_at AS since, false AS is_standing
    FROM snoozed_alert AS s
    UNION ALL
    SELECT h.shard, 'hold' AS kind, h.seq, h.instruction_id::text AS record_id, h.owner,
           CASE WHEN h.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END AS record_class,
           d.recorded_at AS since, false AS is_standing
    FROM hold AS h
    LEFT JOIN decision AS d ON d.shard = h.shard AND d.seq = h.decided_seq
    UNION ALL
    SELECT d.shard, 'decision' AS kind, d.seq, d.instruction_id::text AS record_id, d.owner,
           CASE WHEN d.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END AS record_class,
           d.recorded_at AS since, false AS is_standing
    FROM decision AS d
    UNION ALL
    SELECT r.shard, 'rating' AS kind, r.seq, r.shard || '-' || r.seq AS record_id, r.owner,
           'aml' AS record_class,
           coalesce(s.recorded_at, r.recorded_at) AS since, s.version IS NULL AS is_standing
    FROM customer_rating AS r
    LEFT JOIN customer_rating AS s ON s.shard = r.shard AND s.owner = r.owner AND s.version = r.version + 1
    UNION ALL
    SELECT p.shard, 'rating_proposal' AS kind, p.seq, p.rating_id::text AS record_id, p.owner,
           'aml' AS record_class,
           coalesce(s.recorded_at, p.recorded_at) AS since, s.version IS NULL AS is_standing
    FROM rating_proposal AS p
    LEFT JOIN customer_rating AS s ON s.shard = p.shard AND s.owner = p.owner AND s.version = p.version + 1
    UNION ALL
    SELECT w.shard, 'whitelisting' AS kind, w.seq, w.whitelisting_id::text AS record_id, w.owner,
           'sanctions' AS record_class,
           coalesce(o.recorded_at, w.until::timestamp AT TIME ZONE 'UTC') AS since, false AS is_standing
    FROM whitelisting AS w
    LEFT JOIN outbox AS o ON o.shard = w.shard AND o.seq = w.revoked_seq
    UNION ALL
    SELECT f.shard, CASE WHEN f.what = 'proposed' THEN 'snooze' ELSE 'snooze_change' END AS kind, f.seq,
           f.snooze_id::text AS record_id, f.owner, 'aml' AS record_class,
           coalesce(e.recorded_at, f.until::timestamp AT TIME ZONE 'UTC') AS since, false AS is_standing
    FROM snooze_fact AS f
    LEFT JOIN snooze_fact AS e ON e.shard = f.shard AND e.snooze_id = f.snooze_id AND e.what = 'ended'
    UNION ALL
    SELECT p.shard, 'legal_hold' AS kind, p.seq, p.legal_hold_id::text AS record_id, p.owner,
           'aml' AS record_class, l.recorded_at AS since, false AS is_standing
    FROM legal_hold_fact AS p
    LEFT JOIN legal_hold_fact AS l
        ON l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'
    WHERE p.what = 'placed'
    UNION ALL
    SELECT a.shard, 'answer' AS kind, a.seq, a.act_id::text AS record_id,
           -- Otherwise it is of another collation than the owners of all other records, and no index fits any.
           convert_from(o.key, 'UTF8') COLLATE "default" AS owner,
           CASE
               WHEN a.act IN (
                   'release_hold', 'refuse_hold', 'propose_whitelisting', 'approve_whitelisting',
                   'revoke_whitelisting'
               ) THEN 'sanctions'
               ELSE 'aml'
           END AS record_class,
           a.recorded_at AS since, false AS is_standing
    FROM act_answer AS a
    JOIN outbox AS o ON o.shard = a.shard AND o.seq = a.seq
    WHERE NOT a.done AND o.key <> convert_to('house', 'UTF8')
    UNION ALL
    SELECT p.shard, 'party' AS kind, p.number AS seq, p.shard || '-' || p.number AS record_id, p.owner,
           'aml' AS record_class,
           p.recorded_at AS since, true AS is_standing
    FROM party AS p
    UNION ALL
    SELECT f.shard, 'shadow_finding' AS kind, f.place AS seq, f.shard || '-' || f.place AS record_id, f.owner,
           CASE WHEN f.rule = 'SAN-1' THEN 'sanctions' ELSE 'aml' END AS record_class,
           (
               SELECT greatest(c.recorded_at, f.recorded_at) FROM rule_change AS c
               WHERE c.shard = f.shard AND c.proposal_id = f.proposal_id AND c.before = 'shadow'
           ) AS since, false AS is_standing
    FROM shadow_finding AS f
    UNION ALL
    SELECT f.shard, 'tier_shadow_finding' AS kind, f.place AS seq, f.shard || '-' || f.place AS record_id,
           f.owner, 'aml' AS record_class,
           (
               SELECT c.recorded_at FROM rule_change AS c
               WHERE c.shard = f.shard AND c.proposal_id = f.proposal_id AND c.before = 'shadow'
           ) AS since, false AS is_standing
    FROM tier_shadow_finding AS f
) AS k
-- By its key, also while nobody has analyzed the table.
LEFT JOIN LATERAL (
    SELECT e.ended FROM relationship AS e WHERE e.shard = k.shard AND e.owner = k.owner OFFSET 0
) AS r ON true;

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

GRANT SELECT ON account_fact, relationship, legal_hold_fact, legally_held, kept_record
    TO compliance_service, backoffice_readonly;
GRANT INSERT ON account_fact, legal_hold_fact TO compliance_service;
