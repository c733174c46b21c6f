-- What a fresh database has in the schema compliance; the logins exist.
-- Made by `backoffice docs --tables` from the migrations. Do not edit: change them and run it again.

CREATE SCHEMA compliance;
SET search_path = compliance;

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
COMMENT ON COLUMN whitelisting.seq IS 'the ActDone event that answered the proposal; so are the other two';
COMMENT ON COLUMN whitelisting.entry_digest IS 'of what the entry said of who is meant; another one voids the pair';
COMMENT ON COLUMN whitelisting.until IS 'the first business day on which it no longer counts';
GRANT SELECT ON whitelisting TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (status, approved_by, approved_seq, approval_reason, revoked_by, revoked_seq, revocation_reason) ON whitelisting TO compliance_service;

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
    CONSTRAINT cash_event_pkey PRIMARY KEY (shard, owner, source_shard, seq, asset, direction),
    CONSTRAINT cash_event_amount_check CHECK (amount > 0),
    CONSTRAINT cash_event_direction_check CHECK (direction = ANY (ARRAY['in'::text, 'out'::text])),
    CONSTRAINT cash_event_phase_check CHECK (phase = ANY (ARRAY['posted'::text, 'pending'::text, 'settled'::text]))
);
COMMENT ON COLUMN cash_event.seq IS 'the ledger''s event, in source_shard';
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
    CONSTRAINT hold_pkey PRIMARY KEY (shard, instruction_id),
    CONSTRAINT hold_check CHECK ((status = 'held'::text) = (decided_seq IS NULL)),
    CONSTRAINT hold_status_check CHECK (status = ANY (ARRAY['held'::text, 'released'::text, 'refused'::text]))
);
CREATE INDEX hold_waiting ON hold USING btree (shard, deadline) WHERE status = 'held'::text;
COMMENT ON COLUMN hold.amount IS 'decimal string, as told: the sum of what the owner is debited';
GRANT SELECT ON hold TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (status, decided_seq, overdue_seq) ON hold TO compliance_service;

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
    done boolean NOT NULL,
    detail text NOT NULL,
    result jsonb NOT NULL,
    CONSTRAINT act_answer_pkey PRIMARY KEY (shard, act_id)
);
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
    CONSTRAINT case_file_pkey PRIMARY KEY (shard, case_id),
    CONSTRAINT case_file_check CHECK (status = 'open'::text OR officer IS NOT NULL),
    CONSTRAINT case_file_check1 CHECK ((status = ANY (ARRAY['proposed'::text, 'closed'::text])) = (disposition IS NOT NULL)),
    CONSTRAINT case_file_check2 CHECK ((disposition IS NULL) = (report IS NULL)),
    CONSTRAINT case_file_check3 CHECK ((status = 'proposed'::text) = (proposal IS NOT NULL) AND (proposal IS NULL) = (proposed_by IS NULL)),
    CONSTRAINT case_file_check4 CHECK (NOT report OR disposition = 'confirmed'::text),
    CONSTRAINT case_file_disposition_check CHECK (disposition = ANY (ARRAY['false_positive'::text, 'inconclusive'::text, 'confirmed'::text])),
    CONSTRAINT case_file_kind_check CHECK (kind = ANY (ARRAY['suspicion'::text, 'unknown_suspect'::text, 'review'::text, 'continuing'::text, 'cash_report'::text])),
    CONSTRAINT case_file_status_check CHECK (status = ANY (ARRAY['open'::text, 'investigating'::text, 'proposed'::text, 'closed'::text])),
    CONSTRAINT case_file_version_check CHECK (version > 0)
);
CREATE INDEX case_file_waiting ON case_file USING btree (shard, deadline) WHERE status <> 'closed'::text;
COMMENT ON COLUMN case_file.case_id IS 'the act that opened it';
COMMENT ON COLUMN case_file.version IS 'of its last fact; an act on an older one is refused';
COMMENT ON COLUMN case_file.report IS 'whether a report is to be filed';
COMMENT ON COLUMN case_file.proposal IS 'the version of the decision that waits for a second person';
GRANT SELECT ON case_file TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (version, status, deadline, officer, disposition, report, proposal, proposed_by, overdue_seq) ON case_file TO compliance_service;

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
    CONSTRAINT case_fact_pkey PRIMARY KEY (shard, case_id, version),
    CONSTRAINT case_fact_shard_act_id_key UNIQUE (shard, act_id),
    CONSTRAINT case_fact_shard_case_id_version_what_actor_key UNIQUE (shard, case_id, version, what, actor),
    CONSTRAINT case_fact_check CHECK ((what = 'opened'::text) = (version = 1)),
    CONSTRAINT case_fact_check1 CHECK ((what = ANY (ARRAY['opened'::text, 'reopened'::text])) = (deadline IS NOT NULL)),
    CONSTRAINT case_fact_check2 CHECK ((what = 'assigned'::text) = (officer IS NOT NULL)),
    CONSTRAINT case_fact_check3 CHECK ((what = ANY (ARRAY['proposed'::text, 'decided'::text])) = (disposition IS NOT NULL)),
    CONSTRAINT case_fact_check4 CHECK ((disposition IS NULL) = (report IS NULL)),
    CONSTRAINT case_fact_check5 CHECK ((what = 'linked'::text) = (link_kind IS NOT NULL) AND (link_kind IS NULL) = (link IS NULL)),
    CONSTRAINT case_fact_version_check CHECK (version > 0),
    CONSTRAINT case_fact_what_check CHECK (what = ANY (ARRAY['opened'::text, 'gathered'::text, 'assigned'::text, 'noted'::text, 'linked'::text, 'proposed'::text, 'decided'::text, 'approved'::text, 'returned'::text, 'reopened'::text])),
    CONSTRAINT closing_takes_two_people CHECK ((what = ANY (ARRAY['approved'::text, 'returned'::text])) = (proposal IS NOT NULL) AND (proposal IS NULL) = (proposed_by IS NULL) AND (what <> 'approved'::text OR proposed_by <> actor)),
    CONSTRAINT confirming_is_proposed_first CHECK (what <> 'decided'::text OR (disposition = ANY (ARRAY['false_positive'::text, 'inconclusive'::text])) AND NOT report),
    CONSTRAINT case_fact_names_its_proposal FOREIGN KEY (shard, case_id, proposal, proposal_is, proposed_by) REFERENCES case_fact(shard, case_id, version, what, actor),
    CONSTRAINT case_fact_shard_case_id_fkey FOREIGN KEY (shard, case_id) REFERENCES case_file(shard, case_id)
);
COMMENT ON COLUMN case_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN case_fact.reason IS 'the act''s; of a note, the note';
COMMENT ON COLUMN case_fact.proposal IS 'the version of the proposal that is approved or returned';
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

GRANT USAGE ON SCHEMA compliance TO backoffice_readonly;
GRANT USAGE ON SCHEMA compliance TO compliance_service;
