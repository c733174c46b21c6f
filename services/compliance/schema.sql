-- What a fresh database has in the schema compliance; the logins exist.
-- Made by `backoffice docs --tables` from the migrations. Do not edit: change them and run it again.

CREATE SCHEMA compliance;
SET search_path = compliance;

CREATE TYPE risk_class AS ENUM (
    'low',
    'medium',
    'high'
);

SET check_function_bodies = false;

CREATE OR REPLACE FUNCTION compliance.require_hold()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'compliance', 'pg_temp'
AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM hold AS h
        WHERE h.shard = NEW.shard AND h.instruction_id = NEW.instruction_id AND h.findings = NEW.findings
    ) THEN
        RAISE EXCEPTION 'no hold for these reasons: %', NEW.instruction_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION compliance.require_decision()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'compliance', 'pg_temp'
AS $function$
BEGIN
    IF OLD.status <> 'held' OR NOT EXISTS (
        SELECT FROM decision AS d
        WHERE d.shard = NEW.shard AND d.seq = NEW.decided_seq AND d.instruction_id = NEW.instruction_id
            AND d.decision = NEW.status
    ) THEN
        RAISE EXCEPTION 'not so decided: %', NEW.instruction_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION compliance.require_closing()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'compliance', 'pg_temp'
AS $function$
BEGIN
    IF EXISTS (
        SELECT FROM case_file AS c
        LEFT JOIN LATERAL (
            SELECT f.what, f.proposal, f.disposition, f.report FROM case_fact AS f
            WHERE f.shard = c.shard AND f.case_id = c.case_id
                AND f.what IN ('proposed', 'decided', 'approved', 'returned', 'reopened')
            ORDER BY f.version DESC LIMIT 1
        ) AS l ON true
        LEFT JOIN case_fact AS p ON p.shard = c.shard AND p.case_id = c.case_id AND p.version = l.proposal
        WHERE c.shard = NEW.shard AND c.case_id = NEW.case_id AND c.status = 'closed'
            AND (
                coalesce(l.what NOT IN ('decided', 'approved'), true)
                OR (c.disposition, c.report)
                    IS DISTINCT FROM (coalesce(p.disposition, l.disposition), coalesce(p.report, l.report))
            )
    ) THEN
        RAISE EXCEPTION 'not so decided: %', NEW.case_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION compliance.require_report()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'compliance', 'pg_temp'
AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM (
            SELECT f.what, f.proposal FROM case_fact AS f
            WHERE f.shard = NEW.shard AND f.case_id = NEW.case_id AND f.version < NEW.version
                AND f.what IN ('proposed', 'decided', 'approved', 'returned', 'reopened')
            ORDER BY f.version DESC LIMIT 1
        ) AS l
        JOIN case_fact AS p ON p.shard = NEW.shard AND p.case_id = NEW.case_id AND p.version = l.proposal
        WHERE l.what = 'approved' AND p.report
    ) THEN
        RAISE EXCEPTION 'no report is due: %', NEW.case_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION compliance.relate()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'compliance', 'pg_temp'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$;
REVOKE ALL ON FUNCTION relate() FROM PUBLIC;

CREATE OR REPLACE FUNCTION compliance.due_on(since date, years integer, owner text, ended date, years_from_end integer)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE
AS $function$
SELECT CASE
    WHEN since IS NULL OR years IS NULL THEN NULL
    WHEN years_from_end IS NULL OR owner = 'house' THEN (since + make_interval(years => years))::date + 1
    WHEN ended IS NULL THEN NULL
    ELSE greatest(since + make_interval(years => years), ended + make_interval(years => years_from_end))::date + 1
END
$function$;

CREATE OR REPLACE FUNCTION compliance.without_words(finding jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
SELECT jsonb_build_object(
    'rule', finding -> 'rule', 'rule_version', finding -> 'rule_version', 'sentence', '(removed)', 'values', '{}'::jsonb
)
$function$;

CREATE OR REPLACE FUNCTION compliance.all_without_words(findings jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
SELECT coalesce(jsonb_agg(compliance.without_words(f.finding) ORDER BY f.number), '[]')
FROM jsonb_array_elements(findings) WITH ORDINALITY AS f (finding, number)
$function$;

CREATE OR REPLACE FUNCTION compliance.kept_between(home integer, kinds text[], low bigint, high bigint)
 RETURNS TABLE(kind text, seq bigint, record_id text, owner text, record_class text, since date, ended date, is_held boolean, is_removed boolean)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'compliance', 'pg_temp'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_material TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
BEGIN
    RETURN QUERY
    SELECT k.kind, k.seq, k.record_id, k.owner, k.record_class, k.since, k.ended,
        (SELECT h.owner FROM legally_held AS h WHERE h.shard = k.shard AND h.owner = k.owner LIMIT 1) IS NOT NULL,
        (SELECT y.seq FROM removed_record AS y
         WHERE y.shard = k.shard AND y.kind = k.kind AND y.removed_seq = k.seq) IS NOT NULL
    FROM kept_record AS k
    WHERE k.shard = home AND k.kind = ANY(kinds) AND k.seq > low AND k.seq <= high;
END
$function$;

CREATE OR REPLACE FUNCTION compliance.empty_removed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'compliance', 'pg_temp'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$;
REVOKE ALL ON FUNCTION empty_removed() FROM PUBLIC;

CREATE OR REPLACE FUNCTION compliance.require_step()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'compliance', 'pg_temp'
AS $function$
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
$function$;

CREATE TABLE migration (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_pkey PRIMARY KEY (name)
);
GRANT SELECT ON migration TO backoffice_readonly;
GRANT SELECT ON migration TO compliance_service;

CREATE TABLE topology (
    only_row boolean DEFAULT true NOT NULL,
    partitions integer NOT NULL,
    CONSTRAINT topology_pkey PRIMARY KEY (only_row),
    CONSTRAINT topology_only_row_check CHECK (only_row),
    CONSTRAINT topology_partitions_check CHECK (partitions >= 1 AND partitions <= 10000)
);
GRANT SELECT ON topology TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON topology TO compliance_service;

CREATE TABLE shard (
    shard integer NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    owner text,
    session integer,
    released boolean DEFAULT true NOT NULL,
    batch_no bigint DEFAULT 0 NOT NULL,
    claimed_batch_no bigint DEFAULT '-1'::integer NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    published_seq bigint DEFAULT 0 NOT NULL,
    last_recorded_at timestamp with time zone,
    last_progress_at timestamp with time zone,
    halted text,
    CONSTRAINT shard_pkey PRIMARY KEY (shard)
) WITH (fillfactor=50);
GRANT SELECT ON shard TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON shard TO compliance_service;

CREATE TABLE "position" (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    last_offset bigint,
    last_timestamp bigint,
    last_hash bytea,
    CONSTRAINT position_pkey PRIMARY KEY (topic, partition)
) WITH (fillfactor=50);
GRANT SELECT ON "position" TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON "position" TO compliance_service;

CREATE TABLE sent (
    shard integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    last_seq bigint NOT NULL,
    published_seq bigint DEFAULT 0 NOT NULL,
    published_offset bigint DEFAULT '-1'::integer NOT NULL,
    CONSTRAINT sent_pkey PRIMARY KEY (shard, topic, partition)
) WITH (fillfactor=50);
GRANT SELECT ON sent TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON sent TO compliance_service;

CREATE TABLE source_mark (
    topic text NOT NULL,
    partition integer NOT NULL,
    source_shard integer NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT source_mark_pkey PRIMARY KEY (topic, partition, source_shard)
) WITH (fillfactor=50);
GRANT SELECT ON source_mark TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON source_mark TO compliance_service;

CREATE TABLE attempt (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    shard integer NOT NULL,
    count integer NOT NULL,
    CONSTRAINT attempt_pkey PRIMARY KEY (topic, partition, "offset")
);
GRANT SELECT ON attempt TO backoffice_readonly;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempt TO compliance_service;

CREATE TABLE dead_letter (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    shard integer NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    error text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT dead_letter_pkey PRIMARY KEY (topic, partition, "offset")
);
GRANT SELECT ON dead_letter TO backoffice_readonly;
GRANT INSERT, SELECT ON dead_letter TO compliance_service;

CREATE TABLE parked (
    parked_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    shard integer NOT NULL,
    owner text NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea NOT NULL,
    headers jsonb,
    error text NOT NULL,
    behind boolean NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    resolution text,
    CONSTRAINT parked_pkey PRIMARY KEY (parked_id),
    CONSTRAINT parked_topic_partition_offset_key UNIQUE (topic, partition, "offset"),
    CONSTRAINT parked_resolution_check CHECK (resolution = ANY (ARRAY['replayed'::text, 'discarded'::text]))
);
CREATE INDEX parked_waiting ON parked USING btree (shard, owner, parked_id) WHERE resolved_at IS NULL;
GRANT SELECT ON parked TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON parked TO compliance_service;

CREATE TABLE act (
    act_id uuid NOT NULL,
    shard integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT act_pkey PRIMARY KEY (shard, act_id)
);
GRANT SELECT ON act TO backoffice_readonly;
GRANT INSERT, SELECT ON act TO compliance_service;

CREATE TABLE passed_over (
    topic text NOT NULL,
    partition integer NOT NULL,
    from_offset bigint NOT NULL,
    until_offset bigint NOT NULL,
    shard integer NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    approved_by text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT passed_over_pkey PRIMARY KEY (topic, partition, from_offset, act_id),
    CONSTRAINT passed_over_check CHECK (until_offset > from_offset),
    CONSTRAINT passed_over_check1 CHECK (approved_by <> actor)
);
GRANT SELECT ON passed_over TO backoffice_readonly;
GRANT INSERT, SELECT ON passed_over TO compliance_service;

CREATE TABLE outbox (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    epoch bigint NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    key bytea NOT NULL,
    body bytea NOT NULL,
    prev bigint NOT NULL,
    correlation_id text,
    traceparent text,
    CONSTRAINT outbox_pkey PRIMARY KEY (shard, seq)
);
GRANT SELECT ON outbox TO backoffice_readonly;
GRANT INSERT, SELECT ON outbox TO compliance_service;

CREATE TABLE rule_parameter (
    rule text NOT NULL,
    version integer NOT NULL,
    asset text NOT NULL,
    "values" jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    source text NOT NULL,
    segment text DEFAULT '*'::text NOT NULL,
    jurisdiction text DEFAULT '*'::text NOT NULL,
    CONSTRAINT rule_parameter_pkey PRIMARY KEY (rule, asset, segment, jurisdiction, version),
    CONSTRAINT rule_parameter_check CHECK (valid_until > valid_from),
    CONSTRAINT rule_parameter_version_check CHECK (version > 0)
);
COMMENT ON COLUMN rule_parameter.asset IS 'an asset''s code, or * for every asset without a row of its own';
COMMENT ON COLUMN rule_parameter."values" IS 'amounts as decimal strings of the asset';
COMMENT ON COLUMN rule_parameter.segment IS 'the kind of party it is for: person, organisation, or *';
COMMENT ON COLUMN rule_parameter.jurisdiction IS 'the customer''s country of residence, or *';
GRANT SELECT ON rule_parameter TO backoffice_readonly;
GRANT SELECT ON rule_parameter TO compliance_service;

CREATE TABLE list_version (
    list_code text NOT NULL,
    version text NOT NULL,
    parts integer NOT NULL,
    sha256 text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT list_version_pkey PRIMARY KEY (list_code, version),
    CONSTRAINT list_version_parts_check CHECK (parts > 0)
);
GRANT SELECT ON list_version TO backoffice_readonly;
GRANT INSERT, SELECT ON list_version TO compliance_service;

CREATE TABLE list_part (
    list_code text NOT NULL,
    version text NOT NULL,
    part integer NOT NULL,
    entries integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT list_part_pkey PRIMARY KEY (list_code, version, part),
    CONSTRAINT list_part_part_check CHECK (part > 0),
    CONSTRAINT list_part_list_code_version_fkey FOREIGN KEY (list_code, version) REFERENCES list_version(list_code, version)
);
GRANT SELECT ON list_part TO backoffice_readonly;
GRANT INSERT, SELECT ON list_part TO compliance_service;

CREATE TABLE list_entry (
    list_code text NOT NULL,
    version text NOT NULL,
    entry_id text NOT NULL,
    part integer NOT NULL,
    kind text NOT NULL,
    programmes text[] NOT NULL,
    birth_dates text[] NOT NULL,
    countries text[] NOT NULL,
    identifiers text[] NOT NULL,
    addresses text[] NOT NULL,
    remarks text NOT NULL,
    CONSTRAINT list_entry_pkey PRIMARY KEY (list_code, version, entry_id),
    CONSTRAINT list_entry_kind_check CHECK (kind = ANY (ARRAY['person'::text, 'organisation'::text, 'vessel'::text, 'aircraft'::text, 'unknown'::text])),
    CONSTRAINT list_entry_list_code_version_part_fkey FOREIGN KEY (list_code, version, part) REFERENCES list_part(list_code, version, part)
);
COMMENT ON COLUMN list_entry.birth_dates IS '1962-09-08, 1962-09, 1962 or a range of years, 1960/1965';
COMMENT ON COLUMN list_entry.countries IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN list_entry.identifiers IS 'kind:value, as the loader spells them';
GRANT SELECT ON list_entry TO backoffice_readonly;
GRANT INSERT, SELECT ON list_entry TO compliance_service;

CREATE TABLE list_name (
    list_code text NOT NULL,
    version text NOT NULL,
    entry_id text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    is_weak boolean NOT NULL,
    CONSTRAINT list_name_pkey PRIMARY KEY (list_code, version, entry_id, number),
    CONSTRAINT list_name_list_code_version_entry_id_fkey FOREIGN KEY (list_code, version, entry_id) REFERENCES list_entry(list_code, version, entry_id)
);
COMMENT ON COLUMN list_name.is_weak IS 'an alias too common to screen by: it confirms a match';
GRANT SELECT ON list_name TO backoffice_readonly;
GRANT INSERT, SELECT ON list_name TO compliance_service;

CREATE TABLE list_activation (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT list_activation_pkey PRIMARY KEY (shard, list_code, seq),
    CONSTRAINT list_activation_list_code_version_fkey FOREIGN KEY (list_code, version) REFERENCES list_version(list_code, version)
);
COMMENT ON COLUMN list_activation.seq IS 'the shard''s ListActivated event; 0 for the list a new database has';
GRANT SELECT ON list_activation TO backoffice_readonly;
GRANT INSERT, SELECT ON list_activation TO compliance_service;

CREATE TABLE list_refusal (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    list_code text NOT NULL,
    file text NOT NULL,
    line integer NOT NULL,
    why text NOT NULL,
    stays text,
    CONSTRAINT list_refusal_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT list_refusal_line_check CHECK (line >= 0)
);
COMMENT ON COLUMN list_refusal.seq IS 'the shard''s ListRefused event; mended by a later activation of the list';
COMMENT ON COLUMN list_refusal.line IS '0 where no line is to blame';
COMMENT ON COLUMN list_refusal.stays IS 'the version that this shard goes on to screen against; null for none';
GRANT SELECT ON list_refusal TO backoffice_readonly;
GRANT INSERT, SELECT ON list_refusal TO compliance_service;

CREATE TABLE party (
    shard integer NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    digest text NOT NULL,
    instruction_id uuid NOT NULL,
    field text NOT NULL,
    name text NOT NULL,
    kind text,
    birth_date text,
    country text,
    identifier text,
    CONSTRAINT party_pkey PRIMARY KEY (shard, owner, digest),
    CONSTRAINT party_shard_number_key UNIQUE (shard, number)
);
COMMENT ON COLUMN party.number IS 'rising in a shard, with gaps: how far screening again has come';
COMMENT ON COLUMN party.seq IS 'the ledger''s event of this shard that named them first';
COMMENT ON COLUMN party.digest IS 'of what can be screened, so that another name or birth date is another row';
GRANT SELECT ON party TO backoffice_readonly;
GRANT INSERT, SELECT ON party TO compliance_service;

CREATE TABLE rescreening (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    replaced text,
    business_date date NOT NULL,
    entries text[],
    through bigint NOT NULL,
    done_through bigint DEFAULT 0 NOT NULL,
    parties integer DEFAULT 0 NOT NULL,
    alerts integer DEFAULT 0 NOT NULL,
    finished_seq bigint,
    CONSTRAINT rescreening_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT rescreening_check CHECK (done_through <= through),
    CONSTRAINT rescreening_list_code_version_fkey FOREIGN KEY (list_code, version) REFERENCES list_version(list_code, version)
);
CREATE INDEX rescreening_open ON rescreening USING btree (shard, seq) WHERE finished_seq IS NULL;
COMMENT ON COLUMN rescreening.seq IS 'the shard''s ListActivated event';
COMMENT ON COLUMN rescreening.entries IS 'new and changed ones; null for all, where no version was active before';
COMMENT ON COLUMN rescreening.through IS 'the last party on record at the activation; later ones were screened against it';
GRANT SELECT ON rescreening TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (done_through, parties, alerts, finished_seq) ON rescreening TO compliance_service;

CREATE TABLE whitelisting (
    shard integer NOT NULL,
    whitelisting_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    list_code text NOT NULL,
    list_version text NOT NULL,
    entry_id text NOT NULL,
    entry_digest text NOT NULL,
    name text NOT NULL,
    kind text,
    birth_date text,
    country text,
    until date NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    status text DEFAULT 'proposed'::text NOT NULL,
    approved_by text,
    approved_seq bigint,
    approval_reason text,
    revoked_by text,
    revoked_seq bigint,
    revocation_reason text,
    CONSTRAINT whitelisting_pkey PRIMARY KEY (shard, whitelisting_id),
    CONSTRAINT whitelisting_check CHECK (status <> 'approved'::text OR approved_by IS NOT NULL),
    CONSTRAINT whitelisting_check1 CHECK ((status = 'revoked'::text) = (revoked_by IS NOT NULL)),
    CONSTRAINT whitelisting_check2 CHECK ((approved_by IS NULL) = (approved_seq IS NULL) AND (approved_by IS NULL) = (approval_reason IS NULL)),
    CONSTRAINT whitelisting_check3 CHECK ((revoked_by IS NULL) = (revoked_seq IS NULL) AND (revoked_by IS NULL) = (revocation_reason IS NULL)),
    CONSTRAINT whitelisting_status_check CHECK (status = ANY (ARRAY['proposed'::text, 'approved'::text, 'revoked'::text])),
    CONSTRAINT whitelisting_takes_two_people CHECK (approved_by <> proposed_by),
    CONSTRAINT whitelisting_list_code_list_version_entry_id_fkey FOREIGN KEY (list_code, list_version, entry_id) REFERENCES list_entry(list_code, version, entry_id)
);
CREATE INDEX whitelisting_seq ON whitelisting USING btree (shard, seq);
CREATE TRIGGER a_pair_goes_on_step_by_step BEFORE UPDATE OF status, approved_by, approved_seq, approval_reason, revoked_by, revoked_seq, revocation_reason ON whitelisting FOR EACH ROW EXECUTE FUNCTION require_step();
COMMENT ON COLUMN whitelisting.seq IS 'the ActDone event that answered the proposal; so are the other two';
COMMENT ON COLUMN whitelisting.entry_digest IS 'of what the entry said of who is meant; another one voids the pair';
COMMENT ON COLUMN whitelisting.until IS 'the first business day on which it no longer counts';
GRANT SELECT ON whitelisting TO backoffice_readonly;
GRANT INSERT (shard, whitelisting_id, seq, recorded_at, owner, list_code, list_version, entry_id, entry_digest, name, kind, birth_date, country, until, proposed_by, reason), SELECT, UPDATE (status, approved_by, approved_seq, approval_reason, revoked_by, revoked_seq, revocation_reason) ON whitelisting TO compliance_service;

CREATE TABLE cash_event (
    shard integer NOT NULL,
    source_shard integer NOT NULL,
    leg integer NOT NULL,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    amount bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL,
    phase text NOT NULL,
    scale integer NOT NULL,
    conductor text,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    CONSTRAINT cash_event_pkey PRIMARY KEY (shard, owner, source_shard, seq, asset, direction),
    CONSTRAINT cash_event_amount_check CHECK (amount > 0),
    CONSTRAINT cash_event_direction_check CHECK (direction = ANY (ARRAY['in'::text, 'out'::text])),
    CONSTRAINT cash_event_phase_check CHECK (phase = ANY (ARRAY['posted'::text, 'pending'::text, 'settled'::text]))
);
CREATE UNIQUE INDEX cash_event_number ON cash_event USING btree (shard, number);
CREATE INDEX cash_event_conductor ON cash_event USING btree (conductor, booking_date) WHERE conductor IS NOT NULL;
COMMENT ON COLUMN cash_event.seq IS 'the ledger''s event, in source_shard';
COMMENT ON COLUMN cash_event.scale IS 'decimals of the asset';
COMMENT ON COLUMN cash_event.conductor IS 'an opaque code of who brought or took it, where the instruction says so';
COMMENT ON COLUMN cash_event.number IS 'rising in a shard, with gaps: how far a run has read';
GRANT SELECT ON cash_event TO backoffice_readonly;
GRANT INSERT, SELECT ON cash_event TO compliance_service;

CREATE TABLE window_batch (
    shard integer NOT NULL,
    number bigint NOT NULL,
    count integer NOT NULL,
    entries bytea NOT NULL,
    CONSTRAINT window_batch_pkey PRIMARY KEY (shard, number),
    CONSTRAINT window_batch_count_check CHECK (count > 0),
    CONSTRAINT window_batch_number_check CHECK (number > 0)
);
COMMENT ON COLUMN window_batch.number IS 'without gaps in a shard';
COMMENT ON COLUMN window_batch.entries IS 'in their order; from the first on they make every window anew';
GRANT SELECT ON window_batch TO backoffice_readonly;
GRANT INSERT, SELECT ON window_batch TO compliance_service;

CREATE TABLE window_state (
    shard integer NOT NULL,
    owner text NOT NULL,
    asset text NOT NULL,
    form integer NOT NULL,
    through bigint NOT NULL,
    checksum bigint NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT window_state_pkey PRIMARY KEY (shard, owner, asset)
);
COMMENT ON COLUMN window_state.form IS 'of the state; one of another form is made anew from the entries';
COMMENT ON COLUMN window_state.through IS 'the last batch it holds';
COMMENT ON COLUMN window_state.checksum IS 'CRC-32 of the state';
GRANT SELECT ON window_state TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (form, through, checksum, state) ON window_state TO compliance_service;

CREATE TABLE window_checkpoint (
    shard integer NOT NULL,
    through bigint NOT NULL,
    CONSTRAINT window_checkpoint_pkey PRIMARY KEY (shard)
);
COMMENT ON COLUMN window_checkpoint.through IS 'up to this batch every window is stored';
GRANT SELECT ON window_checkpoint TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (through) ON window_checkpoint TO compliance_service;

CREATE TABLE hold (
    shard integer NOT NULL,
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    content_hash text NOT NULL,
    owner text NOT NULL,
    first_shard integer NOT NULL,
    first_seq bigint NOT NULL,
    asset text NOT NULL,
    amount text NOT NULL,
    deadline timestamp with time zone NOT NULL,
    findings jsonb NOT NULL,
    lists jsonb NOT NULL,
    status text DEFAULT 'held'::text NOT NULL,
    decided_seq bigint,
    overdue_seq bigint,
    told text,
    CONSTRAINT hold_pkey PRIMARY KEY (shard, instruction_id),
    CONSTRAINT hold_check CHECK ((status = 'held'::text) = (decided_seq IS NULL)),
    CONSTRAINT hold_status_check CHECK (status = ANY (ARRAY['held'::text, 'released'::text, 'refused'::text]))
);
CREATE INDEX hold_waiting ON hold USING btree (shard, deadline) WHERE status = 'held'::text;
CREATE INDEX hold_by_age ON hold USING btree (recorded_at, shard, seq);
CREATE INDEX hold_of_status ON hold USING btree (status, recorded_at, shard, seq);
CREATE INDEX hold_seq ON hold USING btree (shard, seq);
CREATE TRIGGER a_hold_ends_as_decided BEFORE UPDATE OF status, decided_seq ON hold FOR EACH ROW EXECUTE FUNCTION require_decision();
COMMENT ON COLUMN hold.amount IS 'decimal string, as told: the sum of what the owner is debited';
GRANT SELECT ON hold TO backoffice_readonly;
GRANT INSERT (shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard, first_seq, asset, amount, deadline, findings, lists, told), SELECT, UPDATE (status, decided_seq, overdue_seq) ON hold TO compliance_service;

CREATE TABLE hold_release (
    shard integer NOT NULL,
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT hold_release_pkey PRIMARY KEY (shard, instruction_id),
    CONSTRAINT hold_release_shard_instruction_id_proposed_by_key UNIQUE (shard, instruction_id, proposed_by),
    CONSTRAINT hold_release_shard_instruction_id_fkey FOREIGN KEY (shard, instruction_id) REFERENCES hold(shard, instruction_id)
);
COMMENT ON COLUMN hold_release.seq IS 'the ActDone event that answered the proposal';
GRANT SELECT ON hold_release TO backoffice_readonly;
GRANT INSERT, SELECT ON hold_release TO compliance_service;

CREATE TABLE hold_delisting (
    shard integer NOT NULL,
    instruction_id uuid NOT NULL,
    list_code text NOT NULL,
    entry_id text NOT NULL,
    version text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT hold_delisting_pkey PRIMARY KEY (shard, instruction_id, list_code, entry_id),
    CONSTRAINT hold_delisting_list_code_version_fkey FOREIGN KEY (list_code, version) REFERENCES list_version(list_code, version),
    CONSTRAINT hold_delisting_shard_instruction_id_fkey FOREIGN KEY (shard, instruction_id) REFERENCES hold(shard, instruction_id)
);
COMMENT ON COLUMN hold_delisting.version IS 'the first without the entry that was looked at';
COMMENT ON COLUMN hold_delisting.seq IS 'the HoldDelisted event';
GRANT SELECT ON hold_delisting TO backoffice_readonly;
GRANT INSERT, SELECT ON hold_delisting TO compliance_service;

CREATE TABLE decision (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    instruction_id uuid NOT NULL,
    content_hash text NOT NULL,
    owner text NOT NULL,
    first_shard integer NOT NULL,
    first_seq bigint NOT NULL,
    decision text NOT NULL,
    findings jsonb NOT NULL,
    lists jsonb NOT NULL,
    act_id uuid,
    actor text,
    reason text,
    proposed_by text,
    CONSTRAINT decision_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT decision_instruction_id_shard_key UNIQUE (instruction_id, shard),
    CONSTRAINT decision_check CHECK (proposed_by IS NULL OR decision = 'released'::text),
    CONSTRAINT decision_check1 CHECK ((decision = 'cleared'::text) = (act_id IS NULL)),
    CONSTRAINT decision_check2 CHECK ((act_id IS NULL) = (actor IS NULL) AND (act_id IS NULL) = (reason IS NULL)),
    CONSTRAINT decision_decision_check CHECK (decision = ANY (ARRAY['cleared'::text, 'released'::text, 'refused'::text])),
    CONSTRAINT releasing_a_listed_name_is_proposed_first CHECK (decision <> 'released'::text OR proposed_by IS NOT NULL OR NOT findings @> '[{"rule": "SAN-1"}]'::jsonb),
    CONSTRAINT releasing_takes_two_people CHECK (proposed_by <> actor),
    CONSTRAINT decision_names_its_proposal FOREIGN KEY (shard, instruction_id, proposed_by) REFERENCES hold_release(shard, instruction_id, proposed_by)
);
CREATE INDEX decision_of_people ON decision USING btree (shard, seq) WHERE decision <> 'cleared'::text;
CREATE INDEX decision_of_owner ON decision USING btree (shard, owner, seq);
CREATE TRIGGER a_decision_is_of_its_hold BEFORE INSERT ON decision FOR EACH ROW WHEN (new.decision <> 'cleared'::text) EXECUTE FUNCTION require_hold();
GRANT SELECT ON decision TO backoffice_readonly;
GRANT INSERT, SELECT ON decision TO compliance_service;

CREATE TABLE alert (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    findings jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    instruction_id uuid,
    CONSTRAINT alert_pkey PRIMARY KEY (shard, owner, rule, business_date, subject),
    CONSTRAINT alert_shard_seq_key UNIQUE (shard, seq)
);
CREATE INDEX alert_by_age ON alert USING btree (recorded_at, shard, seq);
CREATE INDEX alert_of_rule ON alert USING btree (rule, recorded_at, shard, seq);
CREATE INDEX alert_of_owner ON alert USING btree (shard, owner, business_date);
CREATE INDEX alert_about ON alert USING btree (shard, instruction_id) WHERE instruction_id IS NOT NULL;
GRANT SELECT ON alert TO backoffice_readonly;
GRANT INSERT, SELECT ON alert TO compliance_service;

CREATE TABLE act_answer (
    shard integer NOT NULL,
    act_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    content_hash bytea NOT NULL,
    done boolean NOT NULL,
    detail text NOT NULL,
    result jsonb NOT NULL,
    CONSTRAINT act_answer_pkey PRIMARY KEY (shard, act_id)
);
CREATE INDEX act_answer_seq ON act_answer USING btree (shard, seq);
GRANT SELECT ON act_answer TO backoffice_readonly;
GRANT INSERT, SELECT ON act_answer TO compliance_service;

CREATE TABLE case_file (
    shard integer NOT NULL,
    case_id uuid NOT NULL,
    opened_seq bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    deadline timestamp with time zone NOT NULL,
    officer text,
    disposition text,
    report boolean,
    proposal integer,
    proposed_by text,
    overdue_seq bigint,
    filing integer,
    filing_status text,
    is_due boolean GENERATED ALWAYS AS (status <> 'closed'::text OR report AND (filing_status IS NULL OR filing_status = 'rejected'::text)) STORED NOT NULL,
    CONSTRAINT case_file_pkey PRIMARY KEY (shard, case_id),
    CONSTRAINT case_file_is_of_a_kind UNIQUE (shard, case_id, kind),
    CONSTRAINT case_file_check CHECK (status = 'open'::text OR officer IS NOT NULL),
    CONSTRAINT case_file_check1 CHECK ((status = ANY (ARRAY['proposed'::text, 'closed'::text])) = (disposition IS NOT NULL)),
    CONSTRAINT case_file_check2 CHECK ((disposition IS NULL) = (report IS NULL)),
    CONSTRAINT case_file_check3 CHECK ((status = 'proposed'::text) = (proposal IS NOT NULL) AND (proposal IS NULL) = (proposed_by IS NULL)),
    CONSTRAINT case_file_check4 CHECK (NOT report OR disposition = 'confirmed'::text),
    CONSTRAINT case_file_disposition_check CHECK (disposition = ANY (ARRAY['false_positive'::text, 'inconclusive'::text, 'confirmed'::text])),
    CONSTRAINT case_file_filing_check CHECK ((filing IS NULL) = (filing_status IS NULL) AND (filing IS NULL OR report)),
    CONSTRAINT case_file_filing_status_check CHECK (filing_status = ANY (ARRAY['filed'::text, 'accepted'::text, 'rejected'::text])),
    CONSTRAINT case_file_kind_check CHECK (kind = ANY (ARRAY['suspicion'::text, 'unknown_suspect'::text, 'review'::text, 'continuing'::text, 'cash_report'::text, 'market_abuse'::text])),
    CONSTRAINT case_file_status_check CHECK (status = ANY (ARRAY['open'::text, 'investigating'::text, 'proposed'::text, 'closed'::text])),
    CONSTRAINT case_file_version_check CHECK (version > 0)
);
CREATE INDEX case_file_waiting ON case_file USING btree (shard, deadline) WHERE is_due;
CREATE INDEX case_file_first_due ON case_file USING btree (deadline, shard, opened_seq) WHERE is_due;
CREATE INDEX case_file_by_age ON case_file USING btree (opened_at, shard, opened_seq);
CREATE INDEX case_file_due_by_age ON case_file USING btree (opened_at, shard, opened_seq) WHERE is_due;
CREATE INDEX case_file_of_officer ON case_file USING btree (officer, opened_at, shard, opened_seq);
CREATE INDEX case_file_due_of_officer ON case_file USING btree (officer) WHERE is_due;
CREATE INDEX case_file_of_owner ON case_file USING btree (owner, opened_at, shard, opened_seq);
CREATE INDEX case_file_confirmed ON case_file USING btree (shard, owner) WHERE status = 'closed'::text AND disposition = 'confirmed'::text;
CREATE INDEX case_file_opened ON case_file USING btree (shard, opened_seq);
CREATE CONSTRAINT TRIGGER a_case_is_closed_as_decided AFTER INSERT OR UPDATE ON case_file DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.status = 'closed'::text) EXECUTE FUNCTION require_closing();
COMMENT ON COLUMN case_file.case_id IS 'the act that opened it';
COMMENT ON COLUMN case_file.version IS 'of its last fact; an act on an older one is refused';
COMMENT ON COLUMN case_file.report IS 'whether a report is to be filed';
COMMENT ON COLUMN case_file.proposal IS 'the version of the decision that waits for a second person';
COMMENT ON COLUMN case_file.filing IS 'the version of the last filing of its report';
COMMENT ON COLUMN case_file.is_due IS 'not closed, or closed with a report that is not filed, or was rejected';
GRANT SELECT ON case_file TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (version, status, deadline, officer, disposition, report, proposal, proposed_by, overdue_seq, filing, filing_status) ON case_file TO compliance_service;

CREATE TABLE case_fact (
    shard integer NOT NULL,
    case_id uuid NOT NULL,
    version integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    what text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    deadline timestamp with time zone,
    officer text,
    disposition text,
    report boolean,
    link_kind text,
    link text,
    proposal integer,
    proposed_by text,
    proposal_is text GENERATED ALWAYS AS (
CASE
    WHEN proposal IS NOT NULL THEN 'proposed'::text
    ELSE NULL::text
END) STORED,
    form text,
    sha256 text,
    schema_sha256 text,
    filing integer,
    answer text,
    reference text,
    filing_is text GENERATED ALWAYS AS (
CASE
    WHEN filing IS NOT NULL THEN 'filed'::text
    ELSE NULL::text
END) STORED,
    kind_is text GENERATED ALWAYS AS (
CASE
    WHEN form = 'stor'::text THEN 'market_abuse'::text
    ELSE NULL::text
END) STORED,
    CONSTRAINT case_fact_pkey PRIMARY KEY (shard, case_id, version),
    CONSTRAINT case_fact_kind UNIQUE (shard, case_id, version, what),
    CONSTRAINT case_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT case_fact_shard_case_id_version_what_actor_key UNIQUE (shard, case_id, version, what, actor),
    CONSTRAINT an_answer_has_a_reference CHECK ((what = 'acknowledged'::text) = (filing IS NOT NULL) AND (filing IS NULL) = (answer IS NULL) AND (filing IS NULL) = (reference IS NULL)),
    CONSTRAINT case_fact_answer_check CHECK (answer = ANY (ARRAY['accepted'::text, 'rejected'::text])),
    CONSTRAINT case_fact_check CHECK ((what = 'opened'::text) = (version = 1)),
    CONSTRAINT case_fact_check1 CHECK ((what = ANY (ARRAY['opened'::text, 'reopened'::text])) = (deadline IS NOT NULL)),
    CONSTRAINT case_fact_check2 CHECK ((what = 'assigned'::text) = (officer IS NOT NULL)),
    CONSTRAINT case_fact_check3 CHECK ((what = ANY (ARRAY['proposed'::text, 'decided'::text])) = (disposition IS NOT NULL)),
    CONSTRAINT case_fact_check4 CHECK ((disposition IS NULL) = (report IS NULL)),
    CONSTRAINT case_fact_check5 CHECK ((what = 'linked'::text) = (link_kind IS NOT NULL) AND (link_kind IS NULL) = (link IS NULL)),
    CONSTRAINT case_fact_schema_sha256_check CHECK (schema_sha256 ~ '^[0-9a-f]{64}$'::text),
    CONSTRAINT case_fact_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'::text),
    CONSTRAINT case_fact_version_check CHECK (version > 0),
    CONSTRAINT case_fact_what_check CHECK (what = ANY (ARRAY['opened'::text, 'gathered'::text, 'assigned'::text, 'noted'::text, 'linked'::text, 'proposed'::text, 'decided'::text, 'approved'::text, 'returned'::text, 'reopened'::text, 'filed'::text, 'acknowledged'::text])),
    CONSTRAINT closing_takes_two_people CHECK ((what = ANY (ARRAY['approved'::text, 'returned'::text])) = (proposal IS NOT NULL) AND (proposal IS NULL) = (proposed_by IS NULL) AND (what <> 'approved'::text OR proposed_by <> actor)),
    CONSTRAINT confirming_is_proposed_first CHECK (what <> 'decided'::text OR (disposition = ANY (ARRAY['false_positive'::text, 'inconclusive'::text])) AND NOT report),
    CONSTRAINT filing_is_validated CHECK ((what = 'filed'::text) = (form IS NOT NULL) AND (form IS NULL) = (sha256 IS NULL) AND (form IS NULL) = (schema_sha256 IS NULL)),
    CONSTRAINT case_fact_answers_a_filing FOREIGN KEY (shard, case_id, filing, filing_is) REFERENCES case_fact(shard, case_id, version, what),
    CONSTRAINT case_fact_form_fits_the_kind FOREIGN KEY (shard, case_id, kind_is) REFERENCES case_file(shard, case_id, kind),
    CONSTRAINT case_fact_names_its_proposal FOREIGN KEY (shard, case_id, proposal, proposal_is, proposed_by) REFERENCES case_fact(shard, case_id, version, what, actor),
    CONSTRAINT case_fact_shard_case_id_fkey FOREIGN KEY (shard, case_id) REFERENCES case_file(shard, case_id)
);
CREATE CONSTRAINT TRIGGER what_is_filed_was_decided AFTER INSERT ON case_fact DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.what = 'filed'::text) EXECUTE FUNCTION require_report();
COMMENT ON COLUMN case_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN case_fact.reason IS 'the act''s; of a note, the note';
COMMENT ON COLUMN case_fact.proposal IS 'the version of the proposal that is approved or returned';
COMMENT ON COLUMN case_fact.sha256 IS 'of the file that was filed';
COMMENT ON COLUMN case_fact.schema_sha256 IS 'of the schema that the file was found valid against';
COMMENT ON COLUMN case_fact.filing IS 'the version of the filing that the authority has answered';
COMMENT ON COLUMN case_fact.reference IS 'the authority''s own';
COMMENT ON COLUMN case_fact.kind_is IS 'the kind of case that the form filed is of; null where any may be';
GRANT SELECT ON case_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON case_fact TO compliance_service;

CREATE TABLE alert_triage (
    shard integer NOT NULL,
    alert_seq bigint NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    case_id uuid,
    case_version integer,
    CONSTRAINT alert_triage_pkey PRIMARY KEY (shard, alert_seq),
    CONSTRAINT alert_triage_check CHECK ((case_id IS NULL) = (case_version IS NULL)),
    CONSTRAINT alert_triage_shard_alert_seq_fkey FOREIGN KEY (shard, alert_seq) REFERENCES alert(shard, seq),
    CONSTRAINT alert_triage_shard_case_id_case_version_fkey FOREIGN KEY (shard, case_id, case_version) REFERENCES case_fact(shard, case_id, version)
);
CREATE INDEX alert_triage_case ON alert_triage USING btree (shard, case_id);
COMMENT ON COLUMN alert_triage.case_id IS 'the case that took it; null where it was dismissed';
GRANT SELECT ON alert_triage TO backoffice_readonly;
GRANT INSERT, SELECT ON alert_triage TO compliance_service;

CREATE TABLE event_chain (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT event_chain_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT event_chain_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT event_chain_seq_check CHECK (seq > 0)
);
COMMENT ON COLUMN event_chain.hash IS 'SHA-256, as services/compliance/domain/chain.py writes it down';
GRANT SELECT ON event_chain TO backoffice_readonly;
GRANT INSERT, SELECT ON event_chain TO compliance_service;

CREATE TABLE rule_proposal (
    proposal_id uuid NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    rule text NOT NULL,
    version integer NOT NULL,
    asset text NOT NULL,
    segment text NOT NULL,
    jurisdiction text NOT NULL,
    "values" jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT rule_proposal_pkey PRIMARY KEY (proposal_id),
    CONSTRAINT rule_proposal_proposal_id_proposed_by_key UNIQUE (proposal_id, proposed_by),
    CONSTRAINT rule_proposal_rule_version_key UNIQUE (rule, version),
    CONSTRAINT rule_proposal_check CHECK (valid_until > valid_from),
    CONSTRAINT rule_proposal_version_check CHECK (version > 1000)
);
COMMENT ON COLUMN rule_proposal.proposal_id IS 'the act that proposed it';
COMMENT ON COLUMN rule_proposal.seq IS 'the ActDone event of the house''s shard that answered it';
COMMENT ON COLUMN rule_proposal.version IS 'above 1000: those below come with the product';
COMMENT ON COLUMN rule_proposal."values" IS 'amounts as decimal strings of the asset; {} switches the rule off there';
GRANT SELECT ON rule_proposal TO backoffice_readonly;
GRANT INSERT, SELECT ON rule_proposal TO compliance_service;

CREATE TABLE rule_change (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    proposal_id uuid NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    journal_offset bigint NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    step_before text GENERATED ALWAYS AS (NULLIF(before, 'proposed'::text)) STORED,
    CONSTRAINT rule_change_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT rule_change_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT rule_change_shard_proposal_id_after_key UNIQUE (shard, proposal_id, after),
    CONSTRAINT rule_change_shard_proposal_id_before_key UNIQUE (shard, proposal_id, before),
    CONSTRAINT publishing_takes_two_people CHECK (actor <> proposed_by OR after = 'withdrawn'::text AND before <> 'live'::text),
    CONSTRAINT rule_change_after_check CHECK (after = ANY (ARRAY['shadow'::text, 'live'::text, 'withdrawn'::text])),
    CONSTRAINT rule_change_before_check CHECK (before = ANY (ARRAY['proposed'::text, 'shadow'::text, 'live'::text])),
    CONSTRAINT rule_change_goes_on CHECK (before <> after AND (before <> 'live'::text OR after = 'withdrawn'::text)),
    CONSTRAINT rule_change_journal_offset_check CHECK (journal_offset >= 0),
    CONSTRAINT rule_change_follows_the_one_before FOREIGN KEY (shard, proposal_id, step_before) REFERENCES rule_change(shard, proposal_id, after),
    CONSTRAINT rule_change_names_its_proposal FOREIGN KEY (proposal_id, proposed_by) REFERENCES rule_proposal(proposal_id, proposed_by)
);
COMMENT ON COLUMN rule_change.seq IS 'the shard''s ParametersChanged event';
COMMENT ON COLUMN rule_change.journal_offset IS 'the first record of the shard''s partition for which it is so';
GRANT SELECT ON rule_change TO backoffice_readonly;
GRANT INSERT, SELECT ON rule_change TO compliance_service;

CREATE TABLE shadow_finding (
    shard integer NOT NULL,
    proposal_id uuid NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    would_hold boolean NOT NULL,
    findings jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    CONSTRAINT shadow_finding_pkey PRIMARY KEY (shard, proposal_id, owner, business_date, subject, would_hold),
    CONSTRAINT shadow_finding_shard_place_key UNIQUE (shard, place),
    CONSTRAINT shadow_finding_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES rule_proposal(proposal_id)
);
COMMENT ON COLUMN shadow_finding.would_hold IS 'whether a waiting payment would have been held';
COMMENT ON COLUMN shadow_finding.place IS 'rising in a shard, with gaps: how far a removal has come';
GRANT SELECT ON shadow_finding TO backoffice_readonly;
GRANT INSERT, SELECT ON shadow_finding TO compliance_service;

CREATE TABLE tier_run (
    number bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    house_seq bigint NOT NULL,
    through bigint[] NOT NULL,
    entries bigint[] NOT NULL,
    ratings bigint[] NOT NULL,
    edges integer NOT NULL,
    alerts integer NOT NULL,
    cooling integer NOT NULL,
    over_budget integer NOT NULL,
    cut_short integer NOT NULL,
    CONSTRAINT tier_run_pkey PRIMARY KEY (number),
    CONSTRAINT tier_run_alerts_check CHECK (alerts >= 0),
    CONSTRAINT tier_run_check CHECK (cardinality(through) = cardinality(entries)),
    CONSTRAINT tier_run_cooling_check CHECK (cooling >= 0),
    CONSTRAINT tier_run_cut_short_check CHECK (cut_short >= 0),
    CONSTRAINT tier_run_edges_check CHECK (edges >= 0),
    CONSTRAINT tier_run_house_seq_check CHECK (house_seq >= 0),
    CONSTRAINT tier_run_number_check CHECK (number > 0),
    CONSTRAINT tier_run_over_budget_check CHECK (over_budget >= 0)
);
COMMENT ON COLUMN tier_run.number IS 'without gaps';
COMMENT ON COLUMN tier_run.house_seq IS 'the house''s shard''s last event before: what was live then judges';
COMMENT ON COLUMN tier_run.through IS 'by shard from 0 on, the last window_batch that it has read';
COMMENT ON COLUMN tier_run.entries IS 'by shard, how many entries windows had taken up to then, from the first on';
COMMENT ON COLUMN tier_run.ratings IS 'by shard, the CustomerRated event of the last rating that it knew';
COMMENT ON COLUMN tier_run.edges IS 'new ones that rules were asked about';
COMMENT ON COLUMN tier_run.cooling IS 'findings about parties that were told of lately, so that they are not kept';
COMMENT ON COLUMN tier_run.cut_short IS 'searches that would have followed too many edges';
GRANT SELECT ON tier_run TO backoffice_readonly;
GRANT INSERT, SELECT ON tier_run TO compliance_service;

CREATE TABLE tier_finding (
    run bigint NOT NULL,
    number integer NOT NULL,
    shard integer NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    outcome text NOT NULL,
    score bigint NOT NULL,
    parties bigint[] NOT NULL,
    finding jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    raised_seq bigint,
    CONSTRAINT tier_finding_pkey PRIMARY KEY (run, number),
    CONSTRAINT tier_finding_check CHECK (outcome = 'alert'::text OR raised_seq IS NULL),
    CONSTRAINT tier_finding_number_check CHECK (number > 0),
    CONSTRAINT tier_finding_outcome_check CHECK (outcome = ANY (ARRAY['alert'::text, 'over_budget'::text])),
    CONSTRAINT tier_finding_run_fkey FOREIGN KEY (run) REFERENCES tier_run(number)
);
CREATE UNIQUE INDEX tier_finding_once ON tier_finding USING btree (owner, rule, business_date) WHERE outcome = 'alert'::text;
CREATE INDEX tier_finding_waiting ON tier_finding USING btree (shard, run, number) WHERE outcome = 'alert'::text AND raised_seq IS NULL;
CREATE INDEX tier_finding_raised ON tier_finding USING btree (shard, raised_seq) WHERE raised_seq IS NOT NULL;
COMMENT ON COLUMN tier_finding.shard IS 'the home of the party';
COMMENT ON COLUMN tier_finding.outcome IS 'over_budget: the rule has as many alerts of that day as it may';
COMMENT ON COLUMN tier_finding.score IS 'in millionths: how telling it is';
COMMENT ON COLUMN tier_finding.parties IS 'the numbers of all that were part of it, as windows know counterparties';
COMMENT ON COLUMN tier_finding.raised_seq IS 'the home shard''s AlertRaised event';
GRANT SELECT ON tier_finding TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (raised_seq) ON tier_finding TO compliance_service;

CREATE TABLE rating_proposal (
    shard integer NOT NULL,
    rating_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    version integer NOT NULL,
    risk_class risk_class NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT rating_proposal_pkey PRIMARY KEY (shard, rating_id),
    CONSTRAINT rating_proposal_shard_rating_id_owner_version_risk_class_pr_key UNIQUE (shard, rating_id, owner, version, risk_class, proposed_by),
    CONSTRAINT rating_proposal_version_check CHECK (version > 0)
);
CREATE INDEX rating_proposal_seq ON rating_proposal USING btree (shard, seq);
COMMENT ON COLUMN rating_proposal.rating_id IS 'the act that proposed it';
COMMENT ON COLUMN rating_proposal.seq IS 'the ActDone event that answered it';
COMMENT ON COLUMN rating_proposal.version IS 'which it would be: on another rating since, it counts no more';
GRANT SELECT ON rating_proposal TO backoffice_readonly;
GRANT INSERT, SELECT ON rating_proposal TO compliance_service;

CREATE TABLE customer_rating (
    shard integer NOT NULL,
    owner text NOT NULL,
    version integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    risk_class risk_class NOT NULL,
    previous risk_class NOT NULL,
    previous_version integer GENERATED ALWAYS AS (NULLIF(version - 1, 0)) STORED,
    finding jsonb,
    about_shard integer,
    about_seq bigint,
    act_id uuid,
    actor text,
    reason text,
    rating_id uuid,
    proposed_by text,
    CONSTRAINT customer_rating_pkey PRIMARY KEY (shard, owner, version),
    CONSTRAINT customer_rating_shard_owner_version_risk_class_key UNIQUE (shard, owner, version, risk_class),
    CONSTRAINT customer_rating_shard_seq_key UNIQUE (shard, seq),
    CONSTRAINT customer_rating_check CHECK (version > 1 OR previous = 'medium'::risk_class),
    CONSTRAINT customer_rating_check1 CHECK (risk_class <> previous),
    CONSTRAINT customer_rating_check2 CHECK ((finding IS NULL) = (about_seq IS NULL) AND (about_seq IS NULL) = (about_shard IS NULL)),
    CONSTRAINT customer_rating_check3 CHECK ((finding IS NULL) = (act_id IS NOT NULL)),
    CONSTRAINT customer_rating_check4 CHECK ((act_id IS NULL) = (actor IS NULL) AND (act_id IS NULL) = (reason IS NULL)),
    CONSTRAINT customer_rating_check5 CHECK ((rating_id IS NULL) = (proposed_by IS NULL)),
    CONSTRAINT customer_rating_version_check CHECK (version > 0),
    CONSTRAINT lowering_takes_two_people CHECK (risk_class > previous OR finding IS NOT NULL AND version = 1 OR COALESCE(proposed_by <> actor, false)),
    CONSTRAINT rating_follows_the_one_before FOREIGN KEY (shard, owner, previous_version, previous) REFERENCES customer_rating(shard, owner, version, risk_class),
    CONSTRAINT rating_has_its_proposal FOREIGN KEY (shard, rating_id, owner, version, risk_class, proposed_by) REFERENCES rating_proposal(shard, rating_id, owner, version, risk_class, proposed_by)
);
COMMENT ON COLUMN customer_rating.seq IS 'the CustomerRated event';
COMMENT ON COLUMN customer_rating.finding IS 'of the data by which it was rated; null where people did it';
COMMENT ON COLUMN customer_rating.about_seq IS 'the ledger''s event on which the data were asked';
GRANT SELECT ON customer_rating TO backoffice_readonly;
GRANT INSERT, SELECT ON customer_rating TO compliance_service;

CREATE TABLE role_fact (
    shard integer NOT NULL,
    grant_id uuid NOT NULL,
    what text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    officer text NOT NULL,
    role text NOT NULL,
    since date NOT NULL,
    until date,
    proposed_by text NOT NULL,
    proposal_is text GENERATED ALWAYS AS ('proposed'::text) STORED NOT NULL,
    ends date GENERATED ALWAYS AS (COALESCE(until, 'infinity'::date)) STORED NOT NULL,
    CONSTRAINT role_fact_pkey PRIMARY KEY (shard, grant_id, what),
    CONSTRAINT role_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT role_fact_shard_grant_id_what_actor_officer_role_since_ends_key UNIQUE (shard, grant_id, what, actor, officer, role, since, ends),
    CONSTRAINT a_role_takes_two_people CHECK ((what <> 'proposed'::text OR actor = proposed_by) AND (what <> 'approved'::text OR actor <> proposed_by)),
    CONSTRAINT nobody_gives_themselves_a_role CHECK (what = 'revoked'::text OR actor <> officer),
    CONSTRAINT role_fact_check CHECK (until > since),
    CONSTRAINT role_fact_role_check CHECK (role = ANY (ARRAY['analyst'::text, 'investigator'::text, 'approver'::text, 'rule_author'::text, 'rule_publisher'::text, 'auditor'::text, 'administrator'::text])),
    CONSTRAINT role_fact_what_check CHECK (what = ANY (ARRAY['proposed'::text, 'approved'::text, 'revoked'::text])),
    CONSTRAINT role_fact_names_its_proposal FOREIGN KEY (shard, grant_id, proposal_is, proposed_by, officer, role, since, ends) REFERENCES role_fact(shard, grant_id, what, actor, officer, role, since, ends)
);
COMMENT ON TABLE role_fact IS 'the same in every shard, whose writer each judges by its own';
COMMENT ON COLUMN role_fact.grant_id IS 'the act that proposed it';
COMMENT ON COLUMN role_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN role_fact.until IS 'the first day on which it no longer counts; null for none';
GRANT SELECT ON role_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON role_fact TO compliance_service;

CREATE TABLE list_confirmation (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT list_confirmation_pkey PRIMARY KEY (shard, list_code, seq),
    CONSTRAINT list_confirmation_list_code_version_fkey FOREIGN KEY (list_code, version) REFERENCES list_version(list_code, version)
);
COMMENT ON COLUMN list_confirmation.seq IS 'the shard''s ListConfirmed event';
GRANT SELECT ON list_confirmation TO backoffice_readonly;
GRANT INSERT, SELECT ON list_confirmation TO compliance_service;

CREATE TABLE list_outdated (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    checked_seq bigint NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    days integer NOT NULL,
    days_max integer NOT NULL,
    CONSTRAINT list_outdated_pkey PRIMARY KEY (shard, list_code, checked_seq),
    CONSTRAINT list_outdated_check CHECK (days > days_max),
    CONSTRAINT list_outdated_days_max_check CHECK (days_max >= 0)
);
COMMENT ON COLUMN list_outdated.seq IS 'the shard''s ListOutdated event';
COMMENT ON COLUMN list_outdated.checked_seq IS 'the activation or confirmation that is too old; said once of each';
GRANT SELECT ON list_outdated TO backoffice_readonly;
GRANT INSERT, SELECT ON list_outdated TO compliance_service;

CREATE TABLE person_role (
    shard integer NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    seq bigint NOT NULL,
    place integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    since date,
    until date,
    CONSTRAINT person_role_pkey PRIMARY KEY (shard, seq, place),
    CONSTRAINT person_role_shard_number_key UNIQUE (shard, number),
    CONSTRAINT person_role_place_check CHECK (place >= 0)
);
CREATE INDEX person_role_of_owner ON person_role USING btree (shard, owner);
CREATE INDEX person_role_of_person ON person_role USING btree (person);
COMMENT ON COLUMN person_role.number IS 'rising in a shard, with gaps: how far a run has read';
COMMENT ON COLUMN person_role.seq IS 'the ledger''s event of this shard that told of it';
COMMENT ON COLUMN person_role.place IS 'in it: 0 is the party itself, its holders follow';
COMMENT ON COLUMN person_role.person IS 'an opaque code, the same with every customer';
COMMENT ON COLUMN person_role.since IS 'the first business day on which it counts; null for the customer''s first';
COMMENT ON COLUMN person_role.until IS 'the first on which it no longer counts; null for none';
GRANT SELECT ON person_role TO backoffice_readonly;
GRANT INSERT, SELECT ON person_role TO compliance_service;

CREATE TABLE uncoded_role (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    place integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    role text NOT NULL,
    since date,
    until date,
    CONSTRAINT uncoded_role_pkey PRIMARY KEY (shard, seq, place),
    CONSTRAINT uncoded_role_place_check CHECK (place > 0)
);
CREATE INDEX uncoded_role_of_owner ON uncoded_role USING btree (shard, owner);
COMMENT ON COLUMN uncoded_role.seq IS 'the ledger''s event of this shard that told of it';
COMMENT ON COLUMN uncoded_role.place IS 'of the holders in it, from 1 on';
GRANT SELECT ON uncoded_role TO backoffice_readonly;
GRANT INSERT, SELECT ON uncoded_role TO compliance_service;

CREATE TABLE person_run (
    number bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    house_seq bigint NOT NULL,
    cash_through bigint[] NOT NULL,
    cash bigint[] NOT NULL,
    roles_through bigint[] NOT NULL,
    roles bigint[] NOT NULL,
    persons integer NOT NULL,
    alerts integer NOT NULL,
    CONSTRAINT person_run_pkey PRIMARY KEY (number),
    CONSTRAINT person_run_alerts_check CHECK (alerts >= 0),
    CONSTRAINT person_run_check CHECK (cardinality(cash_through) = cardinality(cash)),
    CONSTRAINT person_run_check1 CHECK (cardinality(roles_through) = cardinality(roles)),
    CONSTRAINT person_run_check2 CHECK (cardinality(cash) = cardinality(roles)),
    CONSTRAINT person_run_house_seq_check CHECK (house_seq >= 0),
    CONSTRAINT person_run_number_check CHECK (number > 0),
    CONSTRAINT person_run_persons_check CHECK (persons >= 0)
);
COMMENT ON COLUMN person_run.number IS 'without gaps';
COMMENT ON COLUMN person_run.house_seq IS 'the house''s shard''s last event before: what was live then judges';
COMMENT ON COLUMN person_run.cash_through IS 'by shard from 0 on, the last cash_event that it has read';
COMMENT ON COLUMN person_run.cash IS 'by shard, how many of them there were up to then, from the first on';
COMMENT ON COLUMN person_run.roles_through IS 'by shard, the last person_role that it has read';
COMMENT ON COLUMN person_run.roles IS 'by shard, how many of them there were up to then';
COMMENT ON COLUMN person_run.persons IS 'asked about: those with cash of several customers, or brought for others';
GRANT SELECT ON person_run TO backoffice_readonly;
GRANT INSERT, SELECT ON person_run TO compliance_service;

CREATE TABLE person_finding (
    run bigint NOT NULL,
    number integer NOT NULL,
    rule text NOT NULL,
    person text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL,
    business_date date NOT NULL,
    shard integer NOT NULL,
    owner text NOT NULL,
    finding jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    raised_seq bigint,
    CONSTRAINT person_finding_pkey PRIMARY KEY (run, number),
    CONSTRAINT person_finding_once UNIQUE (person, rule, asset, direction, business_date),
    CONSTRAINT person_finding_direction_check CHECK (direction = ANY (ARRAY['in'::text, 'out'::text])),
    CONSTRAINT person_finding_number_check CHECK (number > 0),
    CONSTRAINT person_finding_run_fkey FOREIGN KEY (run) REFERENCES person_run(number)
);
CREATE INDEX person_finding_waiting ON person_finding USING btree (shard, run, number) WHERE raised_seq IS NULL;
CREATE INDEX person_finding_raised ON person_finding USING btree (shard, raised_seq) WHERE raised_seq IS NOT NULL;
COMMENT ON COLUMN person_finding.owner IS 'the customer whose cash completed it, by event time';
COMMENT ON COLUMN person_finding.raised_seq IS 'the home shard''s AlertRaised event';
GRANT SELECT ON person_finding TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (raised_seq) ON person_finding TO compliance_service;

CREATE TABLE tier_shadow_finding (
    run bigint NOT NULL,
    number integer NOT NULL,
    proposal_id uuid NOT NULL,
    shard integer NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    outcome text NOT NULL,
    score bigint NOT NULL,
    parties bigint[] NOT NULL,
    finding jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    CONSTRAINT tier_shadow_finding_pkey PRIMARY KEY (proposal_id, run, number),
    CONSTRAINT tier_shadow_finding_shard_place_key UNIQUE (shard, place),
    CONSTRAINT tier_shadow_finding_number_check CHECK (number > 0),
    CONSTRAINT tier_shadow_finding_outcome_check CHECK (outcome = ANY (ARRAY['alert'::text, 'over_budget'::text])),
    CONSTRAINT tier_shadow_finding_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES rule_proposal(proposal_id),
    CONSTRAINT tier_shadow_finding_run_fkey FOREIGN KEY (run) REFERENCES tier_run(number)
);
CREATE UNIQUE INDEX tier_shadow_finding_once ON tier_shadow_finding USING btree (proposal_id, owner, rule, business_date) WHERE outcome = 'alert'::text;
COMMENT ON COLUMN tier_shadow_finding.number IS 'in the order of the version''s own findings of the run';
COMMENT ON COLUMN tier_shadow_finding.outcome IS 'alert: what would be one, were the version live';
COMMENT ON COLUMN tier_shadow_finding.place IS 'rising in a shard, with gaps: how far a removal has come';
GRANT SELECT ON tier_shadow_finding TO backoffice_readonly;
GRANT INSERT, SELECT ON tier_shadow_finding TO compliance_service;

CREATE TABLE snooze_fact (
    shard integer NOT NULL,
    snooze_id uuid NOT NULL,
    what text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    until date NOT NULL,
    proposed_by text NOT NULL,
    journal_offset bigint,
    proposal_is text GENERATED ALWAYS AS ('proposed'::text) STORED NOT NULL,
    CONSTRAINT snooze_fact_pkey PRIMARY KEY (shard, snooze_id, what),
    CONSTRAINT snooze_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT snooze_fact_shard_snooze_id_what_actor_owner_rule_until_key UNIQUE (shard, snooze_id, what, actor, owner, rule, until),
    CONSTRAINT snooze_fact_shard_snooze_id_what_owner_rule_key UNIQUE (shard, snooze_id, what, owner, rule),
    CONSTRAINT a_snooze_takes_two_people CHECK ((what <> 'proposed'::text OR actor = proposed_by) AND (what <> 'approved'::text OR actor <> proposed_by)),
    CONSTRAINT names_are_never_snoozed CHECK (rule <> 'SAN-1'::text),
    CONSTRAINT snooze_fact_check CHECK ((what = 'proposed'::text) = (journal_offset IS NULL)),
    CONSTRAINT snooze_fact_journal_offset_check CHECK (journal_offset >= 0),
    CONSTRAINT snooze_fact_what_check CHECK (what = ANY (ARRAY['proposed'::text, 'approved'::text, 'ended'::text])),
    CONSTRAINT snooze_fact_names_its_proposal FOREIGN KEY (shard, snooze_id, proposal_is, proposed_by, owner, rule, until) REFERENCES snooze_fact(shard, snooze_id, what, actor, owner, rule, until)
);
CREATE INDEX snooze_fact_seq ON snooze_fact USING btree (shard, seq);
COMMENT ON COLUMN snooze_fact.snooze_id IS 'the act that proposed it';
COMMENT ON COLUMN snooze_fact.seq IS 'the SnoozeChanged event; of a proposal the ActDone that answered it';
COMMENT ON COLUMN snooze_fact.until IS 'the first business day of which the rule alerts again';
COMMENT ON COLUMN snooze_fact.journal_offset IS 'the first record of the shard''s partition for which it is so';
GRANT SELECT ON snooze_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON snooze_fact TO compliance_service;

CREATE TABLE snoozed_alert (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    snooze_id uuid NOT NULL,
    snooze_is text GENERATED ALWAYS AS ('approved'::text) STORED NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    findings jsonb NOT NULL,
    about_shard integer NOT NULL,
    about_seq bigint NOT NULL,
    instruction_id uuid,
    CONSTRAINT snoozed_alert_pkey PRIMARY KEY (shard, owner, rule, business_date, subject),
    CONSTRAINT snoozed_alert_shard_seq_key UNIQUE (shard, seq),
    CONSTRAINT what_is_snoozed_was_approved FOREIGN KEY (shard, snooze_id, snooze_is, owner, rule) REFERENCES snooze_fact(shard, snooze_id, what, owner, rule)
);
CREATE INDEX snoozed_alert_by ON snoozed_alert USING btree (shard, snooze_id);
CREATE INDEX snoozed_alert_by_age ON snoozed_alert USING btree (recorded_at, shard, seq);
COMMENT ON COLUMN snoozed_alert.seq IS 'the AlertSnoozed event';
GRANT SELECT ON snoozed_alert TO backoffice_readonly;
GRANT INSERT, SELECT ON snoozed_alert TO compliance_service;

CREATE TABLE account_fact (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    owner text NOT NULL,
    account text NOT NULL,
    what text NOT NULL,
    day date NOT NULL,
    CONSTRAINT account_fact_pkey PRIMARY KEY (shard, seq, account),
    CONSTRAINT account_fact_what_check CHECK (what = ANY (ARRAY['opened'::text, 'closed'::text, 'reopened'::text]))
);
CREATE INDEX account_fact_owner ON account_fact USING btree (shard, owner, account, seq);
CREATE TRIGGER account_fact_relates AFTER INSERT ON account_fact REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION relate();
COMMENT ON COLUMN account_fact.seq IS 'the ledger''s event of this shard that told it';
COMMENT ON COLUMN account_fact.day IS 'the booking date of a closing; else the UTC day on which it was told';
GRANT SELECT ON account_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON account_fact TO compliance_service;

CREATE TABLE relationship (
    shard integer NOT NULL,
    owner text NOT NULL,
    ended date,
    CONSTRAINT relationship_pkey PRIMARY KEY (shard, owner)
);
COMMENT ON COLUMN relationship.ended IS 'the last day on which an account was closed; null while one is open';
GRANT SELECT ON relationship TO backoffice_readonly;
GRANT SELECT ON relationship TO compliance_service;

CREATE TABLE legal_hold_fact (
    shard integer NOT NULL,
    legal_hold_id uuid NOT NULL,
    what text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    owner text NOT NULL,
    placed_by text NOT NULL,
    placing_is text GENERATED ALWAYS AS ('placed'::text) STORED NOT NULL,
    CONSTRAINT legal_hold_fact_pkey PRIMARY KEY (shard, legal_hold_id, what),
    CONSTRAINT legal_hold_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT legal_hold_fact_shard_legal_hold_id_what_actor_owner_key UNIQUE (shard, legal_hold_id, what, actor, owner),
    CONSTRAINT legal_hold_fact_what_check CHECK (what = ANY (ARRAY['placed'::text, 'lifted'::text])),
    CONSTRAINT lifting_takes_another_person CHECK ((what = 'placed'::text) = (actor = placed_by)),
    CONSTRAINT a_lifted_hold_was_placed FOREIGN KEY (shard, legal_hold_id, placing_is, placed_by, owner) REFERENCES legal_hold_fact(shard, legal_hold_id, what, actor, owner)
);
CREATE INDEX legal_hold_fact_owner ON legal_hold_fact USING btree (shard, owner);
CREATE INDEX legal_hold_fact_seq ON legal_hold_fact USING btree (shard, seq);
COMMENT ON COLUMN legal_hold_fact.legal_hold_id IS 'the act that placed it';
COMMENT ON COLUMN legal_hold_fact.seq IS 'the ActDone event that answered the act';
GRANT SELECT ON legal_hold_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON legal_hold_fact TO compliance_service;

CREATE VIEW legally_held AS
 SELECT shard,
    owner,
    legal_hold_id
   FROM legal_hold_fact p
  WHERE what = 'placed'::text AND NOT (EXISTS ( SELECT
           FROM legal_hold_fact l
          WHERE l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'::text));
GRANT SELECT ON legally_held TO backoffice_readonly;
GRANT SELECT ON legally_held TO compliance_service;

CREATE VIEW kept_record AS
 WITH closed AS NOT MATERIALIZED (
         SELECT c.shard,
            c.case_id,
            c.opened_seq,
            c.owner,
                CASE
                    WHEN c.status = 'closed'::text AND NOT c.is_due THEN ( SELECT max(f.recorded_at) AS max
                       FROM case_fact f
                      WHERE f.shard = c.shard AND f.case_id = c.case_id)
                    ELSE NULL::timestamp with time zone
                END AS closed_at,
                CASE
                    WHEN ( SELECT bool_or(a.rule = 'SAN-1'::text) AS bool_or
                       FROM alert_triage t
                         JOIN alert a ON a.shard = t.shard AND a.seq = t.alert_seq
                      WHERE t.shard = c.shard AND t.case_id = c.case_id) THEN 'sanctions'::text
                    WHEN c.filing IS NOT NULL THEN 'filing'::text
                    ELSE 'aml'::text
                END AS record_class
           FROM case_file c
        )
 SELECT k.shard,
    k.kind,
    k.seq,
    k.record_id,
    k.owner,
    k.record_class,
        CASE
            WHEN NOT k.is_standing THEN (k.since AT TIME ZONE 'UTC'::text)::date
            WHEN r.ended IS NOT NULL THEN GREATEST((k.since AT TIME ZONE 'UTC'::text)::date, r.ended)
            ELSE NULL::date
        END AS since,
    r.ended
   FROM ( SELECT c.shard,
            'case'::text AS kind,
            c.opened_seq AS seq,
            c.case_id::text AS record_id,
            c.owner,
            c.record_class,
            c.closed_at AS since,
            false AS is_standing
           FROM closed c
        UNION ALL
         SELECT a.shard,
            'alert'::text AS kind,
            a.seq,
            (a.shard || '-'::text) || a.seq AS record_id,
            a.owner,
            COALESCE(c.record_class,
                CASE
                    WHEN a.rule = 'SAN-1'::text THEN 'sanctions'::text
                    ELSE 'aml'::text
                END) AS record_class,
                CASE
                    WHEN t.case_id IS NULL THEN t.recorded_at
                    ELSE c.closed_at
                END AS since,
            false AS is_standing
           FROM alert a
             LEFT JOIN alert_triage t ON t.shard = a.shard AND t.alert_seq = a.seq
             LEFT JOIN closed c ON c.shard = t.shard AND c.case_id = t.case_id
        UNION ALL
         SELECT s.shard,
            'snoozed_alert'::text AS kind,
            s.seq,
            (s.shard || '-'::text) || s.seq AS record_id,
            s.owner,
            'aml'::text AS record_class,
            s.recorded_at AS since,
            false AS is_standing
           FROM snoozed_alert s
        UNION ALL
         SELECT h.shard,
            'hold'::text AS kind,
            h.seq,
            h.instruction_id::text AS record_id,
            h.owner,
                CASE
                    WHEN h.findings @> '[{"rule": "SAN-1"}]'::jsonb THEN 'sanctions'::text
                    ELSE 'aml'::text
                END AS record_class,
            d.recorded_at AS since,
            false AS is_standing
           FROM hold h
             LEFT JOIN decision d ON d.shard = h.shard AND d.seq = h.decided_seq
        UNION ALL
         SELECT d.shard,
            'decision'::text AS kind,
            d.seq,
            d.instruction_id::text AS record_id,
            d.owner,
                CASE
                    WHEN d.findings @> '[{"rule": "SAN-1"}]'::jsonb THEN 'sanctions'::text
                    ELSE 'aml'::text
                END AS record_class,
            d.recorded_at AS since,
            false AS is_standing
           FROM decision d
        UNION ALL
         SELECT r_1.shard,
            'rating'::text AS kind,
            r_1.seq,
            (r_1.shard || '-'::text) || r_1.seq AS record_id,
            r_1.owner,
            'aml'::text AS record_class,
            COALESCE(s.recorded_at, r_1.recorded_at) AS since,
            s.version IS NULL AS is_standing
           FROM customer_rating r_1
             LEFT JOIN customer_rating s ON s.shard = r_1.shard AND s.owner = r_1.owner AND s.version = (r_1.version + 1)
        UNION ALL
         SELECT p.shard,
            'rating_proposal'::text AS kind,
            p.seq,
            p.rating_id::text AS record_id,
            p.owner,
            'aml'::text AS record_class,
            COALESCE(s.recorded_at, p.recorded_at) AS since,
            s.version IS NULL AS is_standing
           FROM rating_proposal p
             LEFT JOIN customer_rating s ON s.shard = p.shard AND s.owner = p.owner AND s.version = (p.version + 1)
        UNION ALL
         SELECT w.shard,
            'whitelisting'::text AS kind,
            w.seq,
            w.whitelisting_id::text AS record_id,
            w.owner,
            'sanctions'::text AS record_class,
            COALESCE(o.recorded_at, (w.until::timestamp without time zone AT TIME ZONE 'UTC'::text)) AS since,
            false AS is_standing
           FROM whitelisting w
             LEFT JOIN outbox o ON o.shard = w.shard AND o.seq = w.revoked_seq
        UNION ALL
         SELECT f.shard,
                CASE
                    WHEN f.what = 'proposed'::text THEN 'snooze'::text
                    ELSE 'snooze_change'::text
                END AS kind,
            f.seq,
            f.snooze_id::text AS record_id,
            f.owner,
            'aml'::text AS record_class,
            COALESCE(e.recorded_at, (f.until::timestamp without time zone AT TIME ZONE 'UTC'::text)) AS since,
            false AS is_standing
           FROM snooze_fact f
             LEFT JOIN snooze_fact e ON e.shard = f.shard AND e.snooze_id = f.snooze_id AND e.what = 'ended'::text
        UNION ALL
         SELECT p.shard,
            'legal_hold'::text AS kind,
            p.seq,
            p.legal_hold_id::text AS record_id,
            p.owner,
            'aml'::text AS record_class,
            l.recorded_at AS since,
            false AS is_standing
           FROM legal_hold_fact p
             LEFT JOIN legal_hold_fact l ON l.shard = p.shard AND l.legal_hold_id = p.legal_hold_id AND l.what = 'lifted'::text
          WHERE p.what = 'placed'::text
        UNION ALL
         SELECT a.shard,
            'answer'::text AS kind,
            a.seq,
            a.act_id::text AS record_id,
            convert_from(o.key, 'UTF8'::name) COLLATE "default" AS owner,
                CASE
                    WHEN a.act = ANY (ARRAY['release_hold'::text, 'refuse_hold'::text, 'propose_whitelisting'::text, 'approve_whitelisting'::text, 'revoke_whitelisting'::text]) THEN 'sanctions'::text
                    ELSE 'aml'::text
                END AS record_class,
            a.recorded_at AS since,
            false AS is_standing
           FROM act_answer a
             JOIN outbox o ON o.shard = a.shard AND o.seq = a.seq
          WHERE NOT a.done AND o.key <> convert_to('house'::text, 'UTF8'::name)
        UNION ALL
         SELECT p.shard,
            'party'::text AS kind,
            p.number AS seq,
            (p.shard || '-'::text) || p.number AS record_id,
            p.owner,
            'aml'::text AS record_class,
            p.recorded_at AS since,
            true AS is_standing
           FROM party p
        UNION ALL
         SELECT f.shard,
            'shadow_finding'::text AS kind,
            f.place AS seq,
            (f.shard || '-'::text) || f.place AS record_id,
            f.owner,
                CASE
                    WHEN f.rule = 'SAN-1'::text THEN 'sanctions'::text
                    ELSE 'aml'::text
                END AS record_class,
            ( SELECT GREATEST(c.recorded_at, f.recorded_at) AS "greatest"
                   FROM rule_change c
                  WHERE c.shard = f.shard AND c.proposal_id = f.proposal_id AND c.before = 'shadow'::text) AS since,
            false AS is_standing
           FROM shadow_finding f
        UNION ALL
         SELECT f.shard,
            'tier_shadow_finding'::text AS kind,
            f.place AS seq,
            (f.shard || '-'::text) || f.place AS record_id,
            f.owner,
            'aml'::text AS record_class,
            ( SELECT c.recorded_at
                   FROM rule_change c
                  WHERE c.shard = f.shard AND c.proposal_id = f.proposal_id AND c.before = 'shadow'::text) AS since,
            false AS is_standing
           FROM tier_shadow_finding f) k
     LEFT JOIN LATERAL ( SELECT e.ended
           FROM relationship e
          WHERE e.shard = k.shard AND e.owner = k.owner
         OFFSET 0) r ON true;
GRANT SELECT ON kept_record TO backoffice_readonly;
GRANT SELECT ON kept_record TO compliance_service;

CREATE VIEW alert_standing AS
 SELECT shard,
    seq,
    owner,
    rule,
    business_date,
    instruction_id,
    COALESCE(( SELECT p.kind
           FROM party p
          WHERE p.shard = a.shard AND p.owner = a.owner AND p.field = 'party'::text AND p.kind IS NOT NULL
          ORDER BY p.number DESC
         LIMIT 1), ''::text) AS segment,
    (( SELECT t.seq
           FROM alert_triage t
          WHERE t.shard = a.shard AND t.alert_seq = a.seq)) IS NULL AS is_new,
    (( SELECT h.seq
           FROM hold h
          WHERE h.shard = a.shard AND h.instruction_id = a.instruction_id AND h.status = 'held'::text)) IS NOT NULL AS is_held,
    (( SELECT c.opened_seq
           FROM case_file c
          WHERE c.shard = a.shard AND c.owner = a.owner AND c.status = 'closed'::text AND c.disposition = 'confirmed'::text
         LIMIT 1)) IS NOT NULL AS was_confirmed
   FROM alert a;
GRANT SELECT ON alert_standing TO backoffice_readonly;
GRANT SELECT ON alert_standing TO compliance_service;

CREATE TABLE alert_place (
    shard integer NOT NULL,
    alert_seq bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    since date NOT NULL,
    is_new boolean NOT NULL,
    rank smallint NOT NULL,
    rule text NOT NULL,
    segment text NOT NULL,
    rules text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    placed_seq bigint NOT NULL,
    CONSTRAINT alert_place_pkey PRIMARY KEY (shard, alert_seq),
    CONSTRAINT alert_place_check CHECK (placed_seq >= alert_seq),
    CONSTRAINT alert_place_rank_check CHECK (rank = ANY (ARRAY[0, 1, 2])),
    CONSTRAINT alert_place_shard_alert_seq_fkey FOREIGN KEY (shard, alert_seq) REFERENCES alert(shard, seq)
);
CREATE INDEX alert_place_order ON alert_place USING btree (is_new, rank, rule, segment, rules, since, owner, shard, alert_seq) INCLUDE (placed_seq);
CREATE INDEX alert_place_placed ON alert_place USING btree (shard, placed_seq);
CREATE INDEX alert_place_new ON alert_place USING btree (recorded_at, shard, alert_seq) WHERE is_new;
CREATE INDEX alert_place_new_of_rule ON alert_place USING btree (rule, recorded_at, shard, alert_seq) WHERE is_new;
COMMENT ON COLUMN alert_place.since IS 'the first day of its lead';
COMMENT ON COLUMN alert_place.rank IS 'of its priority: 0 urgent, 1 high, 2 normal';
COMMENT ON COLUMN alert_place.rules IS 'of its lead, each once, sorted, with a blank between';
COMMENT ON COLUMN alert_place.recorded_at IS 'of the alert: new ones are listed by age, too';
COMMENT ON COLUMN alert_place.placed_seq IS 'the shard''s last event when it was placed there';
GRANT SELECT ON alert_place TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (since, is_new, rank, segment, rules, placed_seq) ON alert_place TO compliance_service;

CREATE TABLE alert_pile (
    shard integer NOT NULL,
    is_new boolean NOT NULL,
    rank smallint NOT NULL,
    rule text NOT NULL,
    segment text NOT NULL,
    rules text NOT NULL,
    alerts bigint NOT NULL,
    CONSTRAINT alert_pile_pkey PRIMARY KEY (rank, segment, rules, is_new, rule, shard),
    CONSTRAINT alert_pile_alerts_check CHECK (alerts > 0)
);
GRANT SELECT ON alert_pile TO backoffice_readonly;
GRANT DELETE, INSERT, SELECT, UPDATE (alerts) ON alert_pile TO compliance_service;

CREATE TABLE removal_fact (
    shard integer NOT NULL,
    removal_id uuid NOT NULL,
    what text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    through date NOT NULL,
    customer text NOT NULL,
    terms jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposal_is text GENERATED ALWAYS AS ('proposed'::text) STORED NOT NULL,
    CONSTRAINT removal_fact_pkey PRIMARY KEY (shard, removal_id, what),
    CONSTRAINT removal_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT removal_fact_shard_removal_id_what_actor_through_customer_t_key UNIQUE (shard, removal_id, what, actor, through, customer, terms),
    CONSTRAINT nothing_to_come_is_removed CHECK (through <= (recorded_at AT TIME ZONE 'UTC'::text)::date),
    CONSTRAINT removal_fact_what_check CHECK (what = ANY (ARRAY['proposed'::text, 'approved'::text])),
    CONSTRAINT removing_takes_two_people CHECK ((what = 'proposed'::text) = (actor = proposed_by)),
    CONSTRAINT removal_names_its_proposal FOREIGN KEY (shard, removal_id, proposal_is, proposed_by, through, customer, terms) REFERENCES removal_fact(shard, removal_id, what, actor, through, customer, terms)
);
COMMENT ON COLUMN removal_fact.removal_id IS 'the act that proposed it';
COMMENT ON COLUMN removal_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN removal_fact.customer IS 'empty for all';
COMMENT ON COLUMN removal_fact.terms IS 'years by class, and years_from_end';
GRANT SELECT ON removal_fact TO backoffice_readonly;
GRANT INSERT, SELECT ON removal_fact TO compliance_service;

CREATE TABLE removal_progress (
    shard integer NOT NULL,
    removal_id uuid NOT NULL,
    stage text NOT NULL,
    done_through bigint NOT NULL,
    records integer NOT NULL,
    is_finished boolean NOT NULL,
    CONSTRAINT removal_progress_pkey PRIMARY KEY (shard, removal_id),
    CONSTRAINT removal_progress_stage_check CHECK (stage = ANY (ARRAY['event'::text, 'party'::text, 'shadow_finding'::text, 'tier_shadow_finding'::text]))
);
COMMENT ON COLUMN removal_progress.stage IS 'first what events name, then each kind of rows that none names';
COMMENT ON COLUMN removal_progress.done_through IS 'the last of the stage''s events, or rows, that it has looked at';
GRANT SELECT ON removal_progress TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (stage, done_through, records, is_finished) ON removal_progress TO compliance_service;

CREATE TABLE removed_record (
    shard integer NOT NULL,
    kind text NOT NULL,
    removed_seq bigint NOT NULL,
    body bytea,
    removal_id uuid NOT NULL,
    removal_is text GENERATED ALWAYS AS ('approved'::text) STORED NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT removed_record_pkey PRIMARY KEY (shard, kind, removed_seq),
    CONSTRAINT removed_record_is_of_a_kind CHECK ((kind = ANY (ARRAY['alert'::text, 'snoozed_alert'::text, 'hold'::text, 'decision'::text, 'rating'::text, 'snooze_change'::text])) AND body IS NOT NULL AND seq > removed_seq OR (kind = ANY (ARRAY['case'::text, 'rating_proposal'::text, 'whitelisting'::text, 'snooze'::text, 'legal_hold'::text, 'answer'::text])) AND body IS NULL AND seq > removed_seq OR (kind = ANY (ARRAY['party'::text, 'shadow_finding'::text, 'tier_shadow_finding'::text])) AND body IS NULL),
    CONSTRAINT what_is_removed_was_approved FOREIGN KEY (shard, removal_id, removal_is) REFERENCES removal_fact(shard, removal_id, what)
);
CREATE INDEX removed_record_by ON removed_record USING btree (seq);
CREATE INDEX removed_record_with_body ON removed_record USING btree (shard, removed_seq) WHERE body IS NOT NULL;
CREATE TRIGGER removed_record_empties AFTER INSERT ON removed_record REFERENCING NEW TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION empty_removed();
COMMENT ON COLUMN removed_record.removed_seq IS 'its event; of a party or a finding in shadow, the row''s place';
COMMENT ON COLUMN removed_record.seq IS 'the RecordsRemoved event, which names it with the SHA-256 of the body';
GRANT SELECT ON removed_record TO backoffice_readonly;
GRANT INSERT, SELECT ON removed_record TO compliance_service;

GRANT USAGE ON SCHEMA compliance TO backoffice_readonly;
GRANT USAGE ON SCHEMA compliance TO compliance_service;
