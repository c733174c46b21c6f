-- Removal of words from records past their day: by two people, and emptied by the database.

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
    stage text NOT NULL CHECK (stage IN ('event', 'party', 'shadow_finding', 'tier_shadow_finding')),
    done_through bigint NOT NULL,
    records int NOT NULL,
    is_finished boolean NOT NULL,
    PRIMARY KEY (shard, removal_id)
);
COMMENT ON COLUMN removal_progress.stage IS 'first what events name, then each kind of rows that none names';
COMMENT ON COLUMN removal_progress.done_through IS 'the last of the stage''s events, or rows, that it has looked at';

-- Records whose words are gone; each whose event had words with its body as it stays.
CREATE TABLE removed_record (
    shard int NOT NULL,
    kind text NOT NULL,
    removed_seq bigint NOT NULL,
    body bytea,
    removal_id uuid NOT NULL,
    removal_is text NOT NULL GENERATED ALWAYS AS ('approved') STORED,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, kind, removed_seq),
    CONSTRAINT what_is_removed_was_approved FOREIGN KEY (shard, removal_id, removal_is)
    REFERENCES removal_fact (shard, removal_id, what),
    CONSTRAINT removed_record_is_of_a_kind CHECK (
        (
            kind IN ('alert', 'snoozed_alert', 'hold', 'decision', 'rating', 'snooze_change')
            AND body IS NOT NULL AND seq > removed_seq
        )
        OR (
            kind IN ('case', 'rating_proposal', 'whitelisting', 'snooze', 'legal_hold', 'answer')
            AND body IS NULL AND seq > removed_seq
        )
        OR (kind IN ('party', 'shadow_finding', 'tier_shadow_finding') AND body IS NULL)
    )
);
-- Without the shard, lest a plan made over the empty table looks each record up in this, by its shard alone.
CREATE INDEX removed_record_by ON removed_record (seq);
CREATE INDEX removed_record_with_body ON removed_record (shard, removed_seq) WHERE body IS NOT NULL;
COMMENT ON COLUMN removed_record.removed_seq IS 'its event; of a party or a finding in shadow, the row''s place';
COMMENT ON COLUMN removed_record.seq IS 'the RecordsRemoved event, which names it with the SHA-256 of the body';

-- By which a step finds what it may empty. Writing waits while they are built.
-- squawk-ignore-file require-concurrent-index-creation
CREATE INDEX case_file_opened ON case_file (shard, opened_seq);
CREATE INDEX hold_seq ON hold (shard, seq);
CREATE INDEX tier_finding_raised ON tier_finding (shard, raised_seq) WHERE raised_seq IS NOT NULL;
CREATE INDEX act_answer_seq ON act_answer (shard, seq);
CREATE INDEX rating_proposal_seq ON rating_proposal (shard, seq);
CREATE INDEX whitelisting_seq ON whitelisting (shard, seq);
CREATE INDEX snooze_fact_seq ON snooze_fact (shard, seq);
CREATE INDEX legal_hold_fact_seq ON legal_hold_fact (shard, seq);
CREATE INDEX person_finding_raised ON person_finding (shard, raised_seq) WHERE raised_seq IS NOT NULL;

-- What stays of a finding.
CREATE FUNCTION without_words(finding jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT
AS $$
SELECT jsonb_build_object(
    'rule', finding -> 'rule', 'rule_version', finding -> 'rule_version', 'sentence', '(removed)', 'values', '{}'::jsonb
)
$$;

-- What stays of several.
CREATE FUNCTION all_without_words(findings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT
AS $$
SELECT coalesce(jsonb_agg(compliance.without_words(f.finding) ORDER BY f.number), '[]')
FROM jsonb_array_elements(findings) WITH ORDINALITY AS f (finding, number)
$$;

-- Records of some kinds after one of their places and up to another, each found by look-ups alone: whoever asks waits
-- inside the shard's one writer, and tables that nobody has analyzed yet mislead the planner.
CREATE FUNCTION kept_between(home int, kinds text [], low bigint, high bigint)
RETURNS TABLE (
    kind text, seq bigint, record_id text, owner text, record_class text, since date, ended date,
    is_held boolean, is_removed boolean
)
LANGUAGE plpgsql STABLE SET search_path = compliance, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_material = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT k.kind, k.seq, k.record_id, k.owner, k.record_class, k.since, k.ended,
        (SELECT h.owner FROM legally_held AS h WHERE h.shard = k.shard AND h.owner = k.owner LIMIT 1) IS NOT NULL,
        (SELECT y.seq FROM removed_record AS y
         WHERE y.shard = k.shard AND y.kind = k.kind AND y.removed_seq = k.seq) IS NOT NULL
    FROM kept_record AS k
    WHERE k.shard = home AND k.kind = ANY(kinds) AND k.seq > low AND k.seq <= high;
END
$$;

-- Empties what is put down as removed: the service may change nothing that it has written, and can only put down
-- what is to go. Refuses whatever a legal hold keeps and whatever is not due by the terms that two people saw.
CREATE FUNCTION empty_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = compliance, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
    kept text;
    early boolean;
    one record;
    about uuid;
    acts bigint [];
    number bigint;
    answered uuid [];
BEGIN
    -- Asked for once for each kind, and not once for each record that is to go.
    WITH known AS MATERIALIZED (
        SELECT b.shard, r.*
        FROM (
            SELECT o.shard, o.kind, min(o.removed_seq) - 1 AS low, max(o.removed_seq) AS high
            FROM gone AS o GROUP BY o.shard, o.kind
        ) AS b
        CROSS JOIN LATERAL kept_between(b.shard, ARRAY[b.kind], b.low, b.high) AS r
    )
    SELECT format('%s %s-%s', x.kind, x.shard, x.removed_seq), x.is_early INTO kept, early
    FROM (
        SELECT g.kind, g.shard, g.removed_seq, k.is_held,
            coalesce(
                due_on(
                    k.since, (f.terms ->> k.record_class)::int, k.owner, k.ended,
                    (f.terms ->> 'years_from_end')::int
                ) > f.through
                OR (f.customer <> '' AND f.customer <> k.owner), true
            ) AS is_early
        FROM gone AS g
        LEFT JOIN known AS k ON k.shard = g.shard AND k.kind = g.kind AND k.seq = g.removed_seq
        LEFT JOIN removal_fact AS f ON f.shard = g.shard AND f.removal_id = g.removal_id AND f.what = 'approved'
    ) AS x
    WHERE x.is_early OR x.is_held
    ORDER BY x.is_early DESC
    LIMIT 1;
    IF early THEN
        RAISE EXCEPTION 'not past its day: %', kept
        USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_removed_before_its_day';
    ELSIF kept IS NOT NULL THEN
        RAISE EXCEPTION 'under a legal hold: %', kept
        USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_is_removed_under_a_legal_hold';
    END IF;
    -- Row by row: each statement names one record, so that it is looked up whatever is known of the tables.
    FOR one IN SELECT g.shard, g.kind, g.removed_seq, g.body FROM gone AS g LOOP
        answered := '{}';
        IF one.body IS NOT NULL THEN
            UPDATE outbox AS o SET body = one.body WHERE o.shard = one.shard AND o.seq = one.removed_seq;
        END IF;
        CASE one.kind
            WHEN 'alert' THEN
                UPDATE alert AS a SET findings = all_without_words(a.findings)
                WHERE a.shard = one.shard AND a.seq = one.removed_seq;
                UPDATE tier_finding AS f SET finding = without_words(f.finding)
                WHERE f.shard = one.shard AND f.raised_seq = one.removed_seq;
                UPDATE person_finding AS f SET finding = without_words(f.finding)
                WHERE f.shard = one.shard AND f.raised_seq = one.removed_seq;
                UPDATE alert_triage AS t SET reason = '(removed)'
                WHERE t.shard = one.shard AND t.alert_seq = one.removed_seq
                RETURNING ARRAY[t.act_id] INTO answered;
            WHEN 'snoozed_alert' THEN
                UPDATE snoozed_alert AS s SET findings = all_without_words(s.findings)
                WHERE s.shard = one.shard AND s.seq = one.removed_seq;
            WHEN 'case' THEN
                about := (SELECT c.case_id FROM case_file AS c
                          WHERE c.shard = one.shard AND c.opened_seq = one.removed_seq);
                UPDATE case_fact AS f
                SET reason = '(removed)', link = CASE WHEN f.link_kind = 'document' THEN '(removed)' ELSE f.link END
                WHERE f.shard = one.shard AND f.case_id = about;
                answered := ARRAY(SELECT f.act_id FROM case_fact AS f WHERE f.shard = one.shard AND f.case_id = about);
            WHEN 'hold' THEN
                UPDATE hold AS h SET findings = all_without_words(h.findings)
                WHERE h.shard = one.shard AND h.seq = one.removed_seq
                RETURNING h.instruction_id INTO about;
                UPDATE hold_release AS r SET reason = '(removed)'
                WHERE r.shard = one.shard AND r.instruction_id = about
                RETURNING ARRAY[r.act_id] INTO answered;
            WHEN 'decision' THEN
                UPDATE decision AS d
                SET findings = all_without_words(d.findings),
                    reason = CASE WHEN d.reason IS NOT NULL THEN '(removed)' END
                WHERE d.shard = one.shard AND d.seq = one.removed_seq
                RETURNING ARRAY[d.act_id] INTO answered;
            WHEN 'rating' THEN
                UPDATE customer_rating AS r
                SET finding = without_words(r.finding), reason = CASE WHEN r.reason IS NOT NULL THEN '(removed)' END
                WHERE r.shard = one.shard AND r.seq = one.removed_seq
                RETURNING ARRAY[r.act_id] INTO answered;
            WHEN 'rating_proposal' THEN
                UPDATE rating_proposal AS p SET reason = '(removed)'
                WHERE p.shard = one.shard AND p.seq = one.removed_seq
                RETURNING ARRAY[p.rating_id] INTO answered;
            WHEN 'whitelisting' THEN
                UPDATE whitelisting AS w
                SET name = '(removed)', birth_date = NULL, country = NULL, reason = '(removed)',
                    approval_reason = CASE WHEN w.approval_reason IS NOT NULL THEN '(removed)' END,
                    revocation_reason = CASE WHEN w.revocation_reason IS NOT NULL THEN '(removed)' END
                WHERE w.shard = one.shard AND w.seq = one.removed_seq
                RETURNING ARRAY[w.seq, w.approved_seq, w.revoked_seq] INTO acts;
                FOREACH number IN ARRAY acts LOOP
                    UPDATE act_answer AS a SET reason = '(removed)', content_hash = ''
                    WHERE a.shard = one.shard AND a.seq = number;
                END LOOP;
            WHEN 'snooze', 'snooze_change' THEN
                UPDATE snooze_fact AS f SET reason = '(removed)'
                WHERE f.shard = one.shard AND f.seq = one.removed_seq
                RETURNING ARRAY[f.act_id] INTO answered;
            WHEN 'legal_hold' THEN
                about := (SELECT f.legal_hold_id FROM legal_hold_fact AS f
                          WHERE f.shard = one.shard AND f.seq = one.removed_seq);
                UPDATE legal_hold_fact AS f SET reason = '(removed)'
                WHERE f.shard = one.shard AND f.legal_hold_id = about;
                answered := ARRAY(SELECT f.act_id FROM legal_hold_fact AS f
                                  WHERE f.shard = one.shard AND f.legal_hold_id = about);
            WHEN 'answer' THEN
                answered := ARRAY(SELECT a.act_id FROM act_answer AS a
                                  WHERE a.shard = one.shard AND a.seq = one.removed_seq);
            WHEN 'party' THEN
                -- The digest is one of the name: who is told of again is another row.
                UPDATE party AS p
                SET name = '(removed)', birth_date = NULL, country = NULL, identifier = NULL,
                    digest = 'removed-' || p.number
                WHERE p.shard = one.shard AND p.number = one.removed_seq;
            WHEN 'shadow_finding' THEN
                UPDATE shadow_finding AS f SET findings = all_without_words(f.findings)
                WHERE f.shard = one.shard AND f.place = one.removed_seq;
            WHEN 'tier_shadow_finding' THEN
                UPDATE tier_shadow_finding AS f SET finding = without_words(f.finding)
                WHERE f.shard = one.shard AND f.place = one.removed_seq;
        END CASE;
        FOREACH about IN ARRAY coalesce(answered, '{}') LOOP
            -- The hash is of the reason, too; an act sent again now is one whose id was another's.
            UPDATE act_answer AS a SET reason = '(removed)', content_hash = ''
            WHERE a.shard = one.shard AND a.act_id = about;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION empty_removed() FROM PUBLIC;
-- A pair goes from proposed to approved to revoked, and each step stays as it was made; only its reasons may go,
-- where it is put down that they do.
CREATE FUNCTION require_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = compliance, pg_temp
AS $$
BEGIN
    IF NEW.status = OLD.status AND EXISTS (
        SELECT FROM removed_record AS y
        WHERE y.shard = NEW.shard AND y.kind = 'whitelisting' AND y.removed_seq = NEW.seq
    ) AND (NEW.approved_by, NEW.approved_seq, NEW.revoked_by, NEW.revoked_seq)
    IS NOT DISTINCT FROM (OLD.approved_by, OLD.approved_seq, OLD.revoked_by, OLD.revoked_seq)
    THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (('proposed', 'approved'), ('proposed', 'revoked'), ('approved', 'revoked'))
        OR (
            NEW.status = 'revoked'
            AND (NEW.approved_by, NEW.approved_seq, NEW.approval_reason)
                IS DISTINCT FROM (OLD.approved_by, OLD.approved_seq, OLD.approval_reason)
        )
    THEN
        RAISE EXCEPTION 'no step of a pair: % to %', OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER a_pair_goes_on_step_by_step
BEFORE UPDATE OF status, approved_by, approved_seq, approval_reason, revoked_by, revoked_seq, revocation_reason
ON whitelisting FOR EACH ROW EXECUTE FUNCTION require_step();

CREATE TRIGGER removed_record_empties AFTER INSERT ON removed_record
REFERENCING NEW TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION empty_removed();

GRANT SELECT ON removal_fact, removal_progress, removed_record TO compliance_service, backoffice_readonly;
GRANT INSERT ON removal_fact, removal_progress, removed_record TO compliance_service;
GRANT UPDATE (stage, done_through, records, is_finished) ON removal_progress TO compliance_service;
