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

-- Legal holds that count now.
CREATE VIEW legally_held AS
SELECT p.shard, p.owner, p.legal_hold_id
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
    SELECT a.shard, 'alert' AS kind, a.seq, a.shard || '-' || a.seq AS record_id, a.owner,
           coalesce(
               c.record_class, CASE WHEN a.rule = 'SAN-1' THEN 'sanctions' ELSE 'aml' END
           ) AS record_class,
           CASE WHEN t.case_id IS NULL THEN t.recorded_at ELSE c.closed_at END AS since
    FROM alert AS a
    LEFT JOIN alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
    LEFT JOIN closed AS c ON c.shard = t.shard AND c.case_id = t.case_id
    UNION ALL
    SELECT s.shard, 'snoozed_alert' AS kind, s.seq, s.shard || '-' || s.seq AS record_id, s.owner,
           'aml' AS record_class, s.recorded_at AS since
    FROM snoozed_alert AS s
    UNION ALL
    SELECT h.shard, 'hold' AS kind, h.seq, h.instruction_id::text AS record_id, h.owner,
           CASE WHEN h.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END AS record_class,
           d.recorded_at AS since
    FROM hold AS h
    LEFT JOIN decision AS d ON d.shard = h.shard AND d.seq = h.decided_seq
    UNION ALL
    SELECT d.shard, 'decision' AS kind, d.seq, d.instruction_id::text AS record_id, d.owner,
           CASE WHEN d.findings @> '[{"rule": "SAN-1"}]' THEN 'sanctions' ELSE 'aml' END AS record_class,
           d.recorded_at AS since
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

-- What two people want removed, and by which years.
CREATE TABLE removal_fact (
    shard int NOT NULL,
    removal_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('proposed', 'approved')),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    through date NOT NULL,
    customer text NOT NULL,
    terms jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposal_is text NOT NULL GENERATED ALWAYS AS ('proposed') STORED,
    PRIMARY KEY (shard, removal_id, what),
    UNIQUE (shard, removal_id, what, actor, through, customer, terms),
    UNIQUE (shard, act_id),
    CONSTRAINT removal_names_its_proposal
    FOREIGN KEY (shard, removal_id, proposal_is, proposed_by, through, customer, terms)
    REFERENCES removal_fact (shard, removal_id, what, actor, through, customer, terms),
    CONSTRAINT removing_takes_two_people CHECK ((what = 'proposed') = (actor = proposed_by)),
    CONSTRAINT nothing_to_come_is_removed CHECK (through <= (recorded_at AT TIME ZONE 'UTC')::date)
);
COMMENT ON COLUMN removal_fact.removal_id IS 'the act that proposed it';
COMMENT ON COLUMN removal_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN removal_fact.customer IS 'empty for all';
COMMENT ON COLUMN removal_fact.terms IS 'years by class, and years_from_end';

-- How far it has come.
CREATE TABLE removal_progress (
    shard int NOT NULL,
    removal_id uuid NOT NULL,
    done_through bigint NOT NULL,
    records int NOT NULL,
    is_finished boolean NOT NULL,
    PRIMARY KEY (shard, removal_id)
);
COMMENT ON COLUMN removal_progress.done_through IS 'the last of the shard''s events that it has looked at';

-- Records whose words are gone, each with the body of its event as it stays.
CREATE TABLE removed_record (
    shard int NOT NULL,
    removed_seq bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('alert', 'snoozed_alert', 'case', 'hold', 'decision')),
    body bytea,
    removal_id uuid NOT NULL,
    removal_is text NOT NULL GENERATED ALWAYS AS ('approved') STORED,
    seq bigint NOT NULL CHECK (seq > removed_seq),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, removed_seq),
    CONSTRAINT what_is_removed_was_approved FOREIGN KEY (shard, removal_id, removal_is)
    REFERENCES removal_fact (shard, removal_id, what),
    CHECK ((kind = 'case') = (body IS NULL))
);
CREATE INDEX removed_record_by ON removed_record (shard, seq);
COMMENT ON COLUMN removed_record.seq IS 'the RecordsRemoved event, which names it with the SHA-256 of the body';

-- By which a step finds what it may empty. Writing waits while they are built.
-- squawk-ignore-file require-concurrent-index-creation
CREATE INDEX case_file_opened ON case_file (shard, opened_seq);
CREATE INDEX hold_seq ON hold (shard, seq);
CREATE INDEX tier_finding_raised ON tier_finding (shard, raised_seq) WHERE raised_seq IS NOT NULL;
CREATE INDEX person_finding_raised ON person_finding (shard, raised_seq) WHERE raised_seq IS NOT NULL;

CREATE FUNCTION without_words(findings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
SELECT coalesce(
    jsonb_agg(
        jsonb_build_object(
            'rule', f.finding -> 'rule', 'rule_version', f.finding -> 'rule_version',
            'sentence', '(removed)', 'values', '{}'::jsonb
        ) ORDER BY f.number
    ), '[]'
)
FROM jsonb_array_elements(findings) WITH ORDINALITY AS f (finding, number)
$$;

-- Empties what is put down as removed: the service may change nothing that it has written, and can only put down
-- what is to go. Refuses whatever a legal hold keeps and whatever is not due by the terms that two people saw.
CREATE FUNCTION empty_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = compliance, pg_temp
AS $$
DECLARE
    place int;
    low bigint;
    high bigint;
    kept text;
BEGIN
    SELECT min(g.shard), min(g.removed_seq), max(g.removed_seq) INTO place, low, high FROM gone AS g;
    SELECT format('%s %s-%s', g.kind, g.shard, g.removed_seq) INTO kept
    FROM gone AS g
    LEFT JOIN kept_record AS k ON k.shard = g.shard AND k.kind = g.kind AND k.seq = g.removed_seq
        AND k.shard = place AND k.seq >= low AND k.seq <= high
    LEFT JOIN relationship AS r ON r.shard = k.shard AND r.owner = k.owner
    LEFT JOIN removal_fact AS f ON f.shard = g.shard AND f.removal_id = g.removal_id AND f.what = 'approved'
    WHERE coalesce(
        due_on(k.since, (f.terms ->> k.record_class)::int, k.owner, r.ended, (f.terms ->> 'years_from_end')::int)
            > f.through
        OR (f.customer <> '' AND f.customer <> k.owner), true
    )
    LIMIT 1;
    IF kept IS NOT NULL THEN
        RAISE EXCEPTION 'not past its day: %', kept
        USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_removed_before_its_day';
    END IF;
    SELECT format('%s %s-%s', g.kind, g.shard, g.removed_seq) INTO kept
    FROM gone AS g
    JOIN kept_record AS k ON k.shard = g.shard AND k.kind = g.kind AND k.seq = g.removed_seq
        AND k.shard = place AND k.seq >= low AND k.seq <= high
    JOIN legally_held AS h ON h.shard = k.shard AND h.owner = k.owner
    LIMIT 1;
    IF kept IS NOT NULL THEN
        RAISE EXCEPTION 'under a legal hold: %', kept
        USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_removed_under_a_legal_hold';
    END IF;
    UPDATE outbox AS o SET body = g.body FROM gone AS g
    WHERE o.shard = g.shard AND o.seq = g.removed_seq AND g.body IS NOT NULL;
    UPDATE act_answer AS a SET reason = '(removed)'
    FROM (
        SELECT g.shard, t.act_id
        FROM gone AS g JOIN alert_triage AS t ON t.shard = g.shard AND t.alert_seq = g.removed_seq
        WHERE g.kind = 'alert'
        UNION
        SELECT g.shard, f.act_id
        FROM gone AS g
        JOIN case_file AS c ON c.shard = g.shard AND c.opened_seq = g.removed_seq
        JOIN case_fact AS f ON f.shard = c.shard AND f.case_id = c.case_id
        WHERE g.kind = 'case'
        UNION
        SELECT g.shard, d.act_id
        FROM gone AS g JOIN decision AS d ON d.shard = g.shard AND d.seq = g.removed_seq
        WHERE g.kind = 'decision'
        UNION
        SELECT g.shard, r.act_id
        FROM gone AS g
        JOIN hold AS h ON h.shard = g.shard AND h.seq = g.removed_seq
        JOIN hold_release AS r ON r.shard = h.shard AND r.instruction_id = h.instruction_id
        WHERE g.kind = 'hold'
    ) AS x
    WHERE a.shard = x.shard AND a.act_id = x.act_id;
    UPDATE alert AS a SET findings = without_words(a.findings) FROM gone AS g
    WHERE a.shard = g.shard AND a.seq = g.removed_seq AND g.kind = 'alert';
    UPDATE alert_triage AS t SET reason = '(removed)' FROM gone AS g
    WHERE t.shard = g.shard AND t.alert_seq = g.removed_seq AND g.kind = 'alert';
    UPDATE tier_finding AS f SET finding = without_words(jsonb_build_array(f.finding)) -> 0 FROM gone AS g
    WHERE f.shard = g.shard AND f.raised_seq = g.removed_seq;
    UPDATE person_finding AS f SET finding = without_words(jsonb_build_array(f.finding)) -> 0 FROM gone AS g
    WHERE f.shard = g.shard AND f.raised_seq = g.removed_seq;
    UPDATE snoozed_alert AS s SET findings = without_words(s.findings) FROM gone AS g
    WHERE s.shard = g.shard AND s.seq = g.removed_seq AND g.kind = 'snoozed_alert';
    UPDATE hold_release AS r SET reason = '(removed)' FROM gone AS g, hold AS h
    WHERE h.shard = g.shard AND h.seq = g.removed_seq AND g.kind = 'hold'
        AND r.shard = h.shard AND r.instruction_id = h.instruction_id;
    UPDATE hold AS h SET findings = without_words(h.findings) FROM gone AS g
    WHERE h.shard = g.shard AND h.seq = g.removed_seq AND g.kind = 'hold';
    UPDATE decision AS d
    SET findings = without_words(d.findings), reason = CASE WHEN d.reason IS NOT NULL THEN '(removed)' END
    FROM gone AS g
    WHERE d.shard = g.shard AND d.seq = g.removed_seq AND g.kind = 'decision';
    UPDATE case_fact AS f
    SET reason = '(removed)', link = CASE WHEN f.link_kind = 'document' THEN '(removed)' ELSE f.link END
    FROM gone AS g, case_file AS c
    WHERE c.shard = g.shard AND c.opened_seq = g.removed_seq AND g.kind = 'case'
        AND f.shard = c.shard AND f.case_id = c.case_id;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION empty_removed() FROM PUBLIC;
CREATE TRIGGER removed_record_empties AFTER INSERT ON removed_record
REFERENCING NEW TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION empty_removed();

GRANT SELECT ON account_fact, relationship, legal_hold_fact, legally_held, kept_record,
    removal_fact, removal_progress, removed_record TO compliance_service, backoffice_readonly;
GRANT INSERT ON account_fact, legal_hold_fact, removal_fact, removal_progress, removed_record TO compliance_service;
GRANT UPDATE (done_through, records, is_finished) ON removal_progress TO compliance_service;
