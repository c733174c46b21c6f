-- What a fresh database has in the schema reporting; the logins exist.
-- Made by `backoffice docs --tables` from the migrations. Do not edit: change them and run it again.

CREATE SCHEMA reporting;
SET search_path = reporting;

CREATE TABLE migration (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_pkey PRIMARY KEY (name)
);
GRANT SELECT ON migration TO backoffice_readonly;
GRANT SELECT ON migration TO reporting_service;

CREATE TABLE topology (
    only_row boolean DEFAULT true NOT NULL,
    partitions integer NOT NULL,
    CONSTRAINT topology_pkey PRIMARY KEY (only_row),
    CONSTRAINT topology_only_row_check CHECK (only_row),
    CONSTRAINT topology_partitions_check CHECK (partitions >= 1 AND partitions <= 10000)
);
GRANT SELECT ON topology TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON topology TO reporting_service;

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
GRANT INSERT, SELECT, UPDATE ON shard TO reporting_service;

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
GRANT INSERT, SELECT, UPDATE ON "position" TO reporting_service;

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
GRANT INSERT, SELECT, UPDATE ON sent TO reporting_service;

CREATE TABLE source_mark (
    topic text NOT NULL,
    partition integer NOT NULL,
    source_shard integer NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT source_mark_pkey PRIMARY KEY (topic, partition, source_shard)
) WITH (fillfactor=50);
GRANT SELECT ON source_mark TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON source_mark TO reporting_service;

CREATE TABLE attempt (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    shard integer NOT NULL,
    count integer NOT NULL,
    CONSTRAINT attempt_pkey PRIMARY KEY (topic, partition, "offset")
);
GRANT SELECT ON attempt TO backoffice_readonly;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempt TO reporting_service;

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
GRANT INSERT, SELECT ON dead_letter TO reporting_service;

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
GRANT INSERT, SELECT, UPDATE ON parked TO reporting_service;

CREATE TABLE act (
    act_id uuid NOT NULL,
    shard integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT act_pkey PRIMARY KEY (shard, act_id)
);
GRANT SELECT ON act TO backoffice_readonly;
GRANT INSERT, SELECT ON act TO reporting_service;

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
GRANT INSERT, SELECT ON passed_over TO reporting_service;

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
GRANT INSERT, SELECT ON outbox TO reporting_service;

CREATE TABLE account (
    shard integer NOT NULL,
    scale smallint NOT NULL,
    account text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (account, shard)
);
GRANT SELECT ON account TO backoffice_readonly;
GRANT INSERT, SELECT ON account TO reporting_service;

CREATE TABLE account_day (
    debits bigint NOT NULL,
    credits bigint NOT NULL,
    debits_pending bigint NOT NULL,
    credits_pending bigint NOT NULL,
    shard integer NOT NULL,
    booking_date date NOT NULL,
    entries integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    CONSTRAINT account_day_pkey PRIMARY KEY (account, booking_date, shard),
    CONSTRAINT account_day_credits_check CHECK (credits >= 0),
    CONSTRAINT account_day_debits_check CHECK (debits >= 0),
    CONSTRAINT account_day_entries_check CHECK (entries >= 0)
) WITH (fillfactor=70);
CREATE INDEX account_day_booking_date ON account_day USING brin (booking_date) WITH (pages_per_range='16');
COMMENT ON TABLE account_day IS 'posted movements by account and booking date; counted on primary copies';
COMMENT ON COLUMN account_day.debits_pending IS 'reserved less settled and freed on the day; summed up to a day: what was pending';
COMMENT ON COLUMN account_day.shard IS 'the shard whose writer made the events';
GRANT SELECT ON account_day TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON account_day TO reporting_service;

CREATE TABLE owner_day (
    shard integer NOT NULL,
    booking_date date NOT NULL,
    entries integer NOT NULL,
    owner text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    debits numeric(38,0) NOT NULL,
    credits numeric(38,0) NOT NULL,
    CONSTRAINT owner_day_pkey PRIMARY KEY (owner, asset, booking_date, shard),
    CONSTRAINT owner_day_credits_check CHECK (credits >= 0::numeric),
    CONSTRAINT owner_day_debits_check CHECK (debits >= 0::numeric),
    CONSTRAINT owner_day_entries_check CHECK (entries >= 0)
) WITH (fillfactor=70);
COMMENT ON TABLE owner_day IS 'posted legs by owner, each once, in the owner''s home partition; the house has none';
GRANT SELECT ON owner_day TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON owner_day TO reporting_service;

CREATE TABLE activity (
    shard integer NOT NULL,
    day date NOT NULL,
    scale smallint NOT NULL,
    later boolean NOT NULL,
    entity text COLLATE "C" NOT NULL,
    instruction_type text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    amount numeric(38,0) NOT NULL,
    CONSTRAINT activity_pkey PRIMARY KEY (day, shard, entity, instruction_type, asset, channel, outcome, reason, later),
    CONSTRAINT activity_amount_check CHECK (amount >= 0::numeric),
    CONSTRAINT activity_count_check CHECK (count >= 0)
) WITH (fillfactor=50);
COMMENT ON TABLE activity IS 'every event that gives a record its fate, counted once';
COMMENT ON COLUMN activity.day IS 'the booking date; for what books nothing the business day its shard stood at';
COMMENT ON COLUMN activity.later IS 'whether it follows up an earlier outcome of the same record (a pending one posted or voided, a parked one discarded)';
COMMENT ON COLUMN activity.count IS 'transactions count once, at the asset of their first movement';
GRANT SELECT ON activity TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON activity TO reporting_service;

CREATE TABLE compliance_day (
    shard integer NOT NULL,
    day date NOT NULL,
    event text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    rule text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT compliance_day_pkey PRIMARY KEY (day, shard, event, outcome, rule),
    CONSTRAINT compliance_day_count_check CHECK (count > 0),
    CONSTRAINT compliance_day_event_check CHECK (event = ANY (ARRAY['decision'::text, 'alert'::text, 'hold'::text, 'overdue'::text]))
) WITH (fillfactor=50);
COMMENT ON COLUMN compliance_day.rule IS 'empty: the events themselves, each once; else those of them in which this rule was found';
GRANT SELECT ON compliance_day TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON compliance_day TO reporting_service;

CREATE TABLE taken (
    shard integer NOT NULL,
    day date NOT NULL,
    count bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    CONSTRAINT taken_pkey PRIMARY KEY (day, shard, topic, kind),
    CONSTRAINT taken_count_check CHECK (count > 0)
) WITH (fillfactor=50);
GRANT SELECT ON taken TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON taken TO reporting_service;

CREATE TABLE business_day (
    shard integer NOT NULL,
    booking_date date NOT NULL,
    CONSTRAINT business_day_pkey PRIMARY KEY (shard)
) WITH (fillfactor=50);
GRANT SELECT ON business_day TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON business_day TO reporting_service;

CREATE TABLE period (
    shard integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    seq bigint NOT NULL,
    entity text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    CONSTRAINT period_pkey PRIMARY KEY (entity, last_day, shard, state)
);
COMMENT ON COLUMN period.seq IS 'the ledger''s event that closed it in the shard';
GRANT SELECT ON period TO backoffice_readonly;
GRANT INSERT, SELECT ON period TO reporting_service;

CREATE TABLE entry (
    seq bigint NOT NULL,
    amount bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    shard integer NOT NULL,
    booking_date date NOT NULL,
    value_date date NOT NULL,
    leg smallint NOT NULL,
    debit_account text COLLATE "C" NOT NULL,
    credit_account text COLLATE "C" NOT NULL,
    instruction_type text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    CONSTRAINT entry_amount_check CHECK (amount > 0)
);
CREATE INDEX entry_debit ON entry USING btree (debit_account, booking_date);
CREATE INDEX entry_credit ON entry USING btree (credit_account, booking_date);
COMMENT ON COLUMN entry.reference IS 'the upstream''s business reference; empty for none';
GRANT SELECT ON entry TO backoffice_readonly;
GRANT INSERT, SELECT ON entry TO reporting_service;

CREATE TABLE item (
    seq bigint NOT NULL,
    amount bigint NOT NULL,
    shard integer NOT NULL,
    booking_date date NOT NULL,
    leg smallint NOT NULL,
    account text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    CONSTRAINT item_pkey PRIMARY KEY (shard, seq, leg),
    CONSTRAINT item_amount_check CHECK (amount <> 0)
);
COMMENT ON COLUMN item.amount IS 'kept for somebody; below zero where it is owed to the house';
COMMENT ON COLUMN item.owner IS 'whose instruction or account it came of: who uses it up';
GRANT SELECT ON item TO backoffice_readonly;
GRANT INSERT, SELECT ON item TO reporting_service;

CREATE TABLE item_use (
    item_seq bigint NOT NULL,
    seq bigint NOT NULL,
    amount bigint NOT NULL,
    item_shard integer NOT NULL,
    shard integer NOT NULL,
    booking_date date NOT NULL,
    item_leg smallint NOT NULL,
    leg smallint NOT NULL,
    CONSTRAINT item_use_pkey PRIMARY KEY (item_shard, item_seq, item_leg, shard, seq, leg),
    CONSTRAINT item_use_amount_check CHECK (amount <> 0)
);
COMMENT ON TABLE item_use IS 'what was taken of items: allocated, written off, undone';
COMMENT ON COLUMN item_use.amount IS 'of the item''s sign';
GRANT SELECT ON item_use TO backoffice_readonly;
GRANT INSERT, SELECT ON item_use TO reporting_service;

CREATE TABLE report_run (
    run_id uuid NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    report text COLLATE "C" NOT NULL,
    booking_date date NOT NULL,
    parameters json NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    known_at timestamp with time zone NOT NULL,
    vector json NOT NULL,
    rows integer NOT NULL,
    totals json NOT NULL,
    reconciled boolean NOT NULL,
    reconciles_with json NOT NULL,
    sha256 text NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT report_run_pkey PRIMARY KEY (run_id, shard),
    CONSTRAINT report_run_rows_check CHECK (rows >= 0)
);
CREATE INDEX report_run_known_at ON report_run USING btree (known_at);
COMMENT ON COLUMN report_run.run_id IS 'the id of the act that asked for it';
COMMENT ON COLUMN report_run.vector IS 'shard to the ledger''s seq that had been taken';
COMMENT ON COLUMN report_run.body IS 'the rows as canonical CSV; sha256 is taken over it';
GRANT SELECT ON report_run TO backoffice_readonly;
GRANT INSERT, SELECT ON report_run TO reporting_service;

GRANT USAGE ON SCHEMA reporting TO backoffice_readonly;
GRANT USAGE ON SCHEMA reporting TO reporting_service;
