-- What a fresh database has in the schema transactions; the logins exist.
-- Made by `backoffice docs --tables` from the migrations. Do not edit: change them and run it again.

CREATE SCHEMA transactions;
SET search_path = transactions;

CREATE TYPE event_kind AS ENUM (
    'TransactionPosted',
    'TransactionPending',
    'TransactionScheduled',
    'TransactionCancelled',
    'TransactionVoided',
    'PendingCleared',
    'InstructionApplied',
    'InstructionRejected',
    'DuplicateReceived',
    'RecordUnreadable',
    'OwnerParked',
    'RecordDiscarded',
    'DecisionWithoutEffect',
    'BusinessDayOpened',
    'ActDone',
    'DryRunJudged',
    'CreditSwept',
    'AccountClosed',
    'ObligationBooked',
    'PendingReopened',
    'PeriodClosed',
    'RiskClassChanged'
);

CREATE TYPE source_topic AS ENUM (
    'transactions.instructions.v1',
    'transactions.acts.v1',
    'compliance.decisions.v1'
);

SET check_function_bodies = false;

CREATE OR REPLACE FUNCTION transactions.make_parts(beyond bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'transactions', 'pg_temp'
AS $function$
DECLARE
    width CONSTANT bigint := 4194304;
    number int;
    reached bigint;
    whole text;
BEGIN
    SELECT coalesce(max(last_seq), 0) INTO reached FROM journal_part;
    IF reached <= beyond THEN
        PERFORM pg_advisory_xact_lock(1885434484);
    END IF;
    LOOP
        SELECT coalesce(max(part) + 1, 0), coalesce(max(last_seq), 0) INTO number, reached FROM journal_part;
        EXIT WHEN reached > beyond;
        FOREACH whole IN ARRAY ARRAY['journal_row', 'movement_of_several'] LOOP
            EXECUTE format('CREATE TABLE %1$I (LIKE %2$I INCLUDING ALL)', whole || '_' || number, whole);
            EXECUTE format('ALTER TABLE %2$I ATTACH PARTITION %1$I FOR VALUES FROM (%3$s) TO (%4$s)',
                           whole || '_' || number, whole, reached + 1, reached + width + 1);
            EXECUTE format('GRANT SELECT ON %I TO transactions_service, backoffice_readonly',
                           whole || '_' || number);
        END LOOP;
        INSERT INTO journal_part VALUES (number, reached + 1, reached + width);
    END LOOP;
    RETURN reached;
END
$function$;
REVOKE ALL ON FUNCTION make_parts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_parts(bigint) TO transactions_service;

CREATE TABLE migration (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_pkey PRIMARY KEY (name)
);
GRANT SELECT ON migration TO backoffice_readonly;
GRANT SELECT ON migration TO transactions_service;

CREATE TABLE topology (
    only_row boolean DEFAULT true NOT NULL,
    partitions integer NOT NULL,
    CONSTRAINT topology_pkey PRIMARY KEY (only_row),
    CONSTRAINT topology_only_row_check CHECK (only_row),
    CONSTRAINT topology_partitions_check CHECK (partitions >= 1 AND partitions <= 10000)
);
GRANT SELECT ON topology TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON topology TO transactions_service;

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
GRANT INSERT, SELECT, UPDATE ON shard TO transactions_service;

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
GRANT INSERT, SELECT, UPDATE ON "position" TO transactions_service;

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
GRANT INSERT, SELECT, UPDATE ON sent TO transactions_service;

CREATE TABLE source_mark (
    topic text NOT NULL,
    partition integer NOT NULL,
    source_shard integer NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT source_mark_pkey PRIMARY KEY (topic, partition, source_shard)
) WITH (fillfactor=50);
GRANT SELECT ON source_mark TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON source_mark TO transactions_service;

CREATE TABLE attempt (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    shard integer NOT NULL,
    count integer NOT NULL,
    CONSTRAINT attempt_pkey PRIMARY KEY (topic, partition, "offset")
);
GRANT SELECT ON attempt TO backoffice_readonly;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempt TO transactions_service;

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
GRANT INSERT, SELECT ON dead_letter TO transactions_service;

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
GRANT INSERT, SELECT, UPDATE ON parked TO transactions_service;

CREATE TABLE act (
    act_id uuid NOT NULL,
    shard integer NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT act_pkey PRIMARY KEY (shard, act_id)
);
GRANT SELECT ON act TO backoffice_readonly;
GRANT INSERT, SELECT ON act TO transactions_service;

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
GRANT INSERT, SELECT ON passed_over TO transactions_service;

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
GRANT INSERT, SELECT ON outbox TO transactions_service;

CREATE TABLE asset (
    asset_id integer NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    scale integer NOT NULL,
    name text NOT NULL,
    CONSTRAINT asset_pkey PRIMARY KEY (asset_id),
    CONSTRAINT asset_code_key UNIQUE (code),
    CONSTRAINT asset_kind_check CHECK (kind = ANY (ARRAY['currency'::text, 'security'::text, 'none'::text])),
    CONSTRAINT asset_scale_check CHECK (scale >= 0 AND scale <= 18)
);
GRANT SELECT ON asset TO backoffice_readonly;
GRANT SELECT ON asset TO transactions_service;

CREATE TABLE instrument (
    asset_id integer NOT NULL,
    currency_id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    CONSTRAINT instrument_pkey PRIMARY KEY (asset_id),
    CONSTRAINT instrument_check CHECK (valid_until > valid_from),
    CONSTRAINT instrument_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES asset(asset_id),
    CONSTRAINT instrument_currency_id_fkey FOREIGN KEY (currency_id) REFERENCES asset(asset_id)
);
COMMENT ON COLUMN instrument.currency_id IS 'the currency it is traded in';
GRANT SELECT ON instrument TO backoffice_readonly;
GRANT SELECT ON instrument TO transactions_service;

CREATE TABLE entity (
    entity_id integer NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    first_booking_date date NOT NULL,
    CONSTRAINT entity_pkey PRIMARY KEY (entity_id),
    CONSTRAINT entity_code_key UNIQUE (code)
);
GRANT SELECT ON entity TO backoffice_readonly;
GRANT SELECT ON entity TO transactions_service;

CREATE TABLE account_class (
    class text NOT NULL,
    name text NOT NULL,
    holder text NOT NULL,
    statement text NOT NULL,
    parent text,
    valid_from date NOT NULL,
    valid_until date,
    CONSTRAINT account_class_pkey PRIMARY KEY (class),
    CONSTRAINT account_class_holder_check CHECK (holder = ANY (ARRAY['customer'::text, 'house'::text])),
    CONSTRAINT account_class_statement_check CHECK (statement = ANY (ARRAY['asset'::text, 'liability'::text, 'income'::text, 'expense'::text, 'memorandum'::text])),
    CONSTRAINT account_class_parent_fkey FOREIGN KEY (parent) REFERENCES account_class(class)
);
GRANT SELECT ON account_class TO backoffice_readonly;
GRANT SELECT ON account_class TO transactions_service;

CREATE TABLE account (
    account_id bigint NOT NULL,
    code text NOT NULL,
    container text,
    entity_id integer NOT NULL,
    owner text NOT NULL,
    shard integer NOT NULL,
    asset_id integer NOT NULL,
    class text NOT NULL,
    limit_minor bigint,
    opened_seq bigint NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (account_id),
    CONSTRAINT account_code_key UNIQUE (code),
    CONSTRAINT account_limit_minor_check CHECK (limit_minor >= 0),
    CONSTRAINT account_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES asset(asset_id),
    CONSTRAINT account_class_fkey FOREIGN KEY (class) REFERENCES account_class(class),
    CONSTRAINT account_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
CREATE INDEX account_owner ON account USING btree (owner);
COMMENT ON COLUMN account.limit_minor IS 'as it was opened; limits set since are in account_limit';
GRANT SELECT ON account TO backoffice_readonly;
GRANT INSERT, SELECT ON account TO transactions_service;

CREATE TABLE posting_rule (
    entity_id integer NOT NULL,
    instruction_type text NOT NULL,
    condition text DEFAULT ''::text NOT NULL,
    house_class text NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    CONSTRAINT posting_rule_pkey PRIMARY KEY (entity_id, instruction_type, condition, valid_from),
    CONSTRAINT posting_rule_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id),
    CONSTRAINT posting_rule_house_class_fkey FOREIGN KEY (house_class) REFERENCES account_class(class)
);
GRANT SELECT ON posting_rule TO backoffice_readonly;
GRANT SELECT ON posting_rule TO transactions_service;

CREATE TABLE screening_policy (
    entity_id integer NOT NULL,
    instruction_type text NOT NULL,
    asset_id integer NOT NULL,
    amount_from bigint NOT NULL,
    risk_classes text[] DEFAULT '{}'::text[] NOT NULL,
    countries text[] DEFAULT '{}'::text[] NOT NULL,
    channels text[] DEFAULT '{}'::text[] NOT NULL,
    deadline_hours integer,
    told text DEFAULT 'compliance'::text NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    CONSTRAINT screening_policy_pkey PRIMARY KEY (entity_id, instruction_type, asset_id, risk_classes, countries, channels, valid_from),
    CONSTRAINT screening_policy_amount_from_check CHECK (amount_from >= 0),
    CONSTRAINT screening_policy_deadline_hours_check CHECK (deadline_hours > 0),
    CONSTRAINT screening_policy_risk_classes_check CHECK (risk_classes <@ ARRAY['low'::text, 'medium'::text, 'high'::text]),
    CONSTRAINT screening_policy_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES asset(asset_id),
    CONSTRAINT screening_policy_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
COMMENT ON COLUMN screening_policy.risk_classes IS 'of the customer, as compliance has rated them';
COMMENT ON COLUMN screening_policy.countries IS 'ISO 3166-1 alpha-2, of the bank that is to be paid';
COMMENT ON COLUMN screening_policy.deadline_hours IS 'within which a hold is to be decided; null for the rule''s own';
COMMENT ON COLUMN screening_policy.told IS 'whom a hold is brought to';
GRANT SELECT ON screening_policy TO backoffice_readonly;
GRANT SELECT ON screening_policy TO transactions_service;

CREATE TABLE risk_class (
    shard integer NOT NULL,
    owner text NOT NULL,
    seq bigint NOT NULL,
    risk_class text NOT NULL,
    CONSTRAINT risk_class_pkey PRIMARY KEY (shard, owner, seq),
    CONSTRAINT risk_class_risk_class_check CHECK (risk_class = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text]))
);
GRANT SELECT ON risk_class TO backoffice_readonly;
GRANT INSERT, SELECT ON risk_class TO transactions_service;

CREATE TABLE trade_policy (
    entity_id integer NOT NULL,
    policy text NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    CONSTRAINT trade_policy_pkey PRIMARY KEY (entity_id, valid_from),
    CONSTRAINT trade_policy_check CHECK (valid_until > valid_from),
    CONSTRAINT trade_policy_policy_check CHECK (policy = ANY (ARRAY['trade_date'::text, 'settlement_date'::text])),
    CONSTRAINT trade_policy_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
GRANT SELECT ON trade_policy TO backoffice_readonly;
GRANT SELECT ON trade_policy TO transactions_service;

CREATE TABLE journal_row (
    seq bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    "offset" bigint,
    debit_account bigint,
    credit_account bigint,
    amount bigint,
    debit_balance_after bigint,
    credit_balance_after bigint,
    about_seq bigint,
    instruction_id uuid,
    shard integer NOT NULL,
    epoch integer NOT NULL,
    kind event_kind NOT NULL,
    booking_date date,
    asset_id integer,
    value_date date,
    partition integer,
    topic source_topic,
    content bytea,
    copies text,
    instruction_type text,
    movement_kind text,
    owner text,
    reason text,
    traceparent text,
    detail json,
    seen json,
    CONSTRAINT journal_row_pkey PRIMARY KEY (shard, seq) WITH (fillfactor=100),
    CONSTRAINT journal_row_amount_check CHECK (amount > 0),
    CONSTRAINT journal_row_check CHECK (debit_account <> credit_account),
    CONSTRAINT journal_row_check1 CHECK (num_nonnulls(debit_account, credit_account, amount, debit_balance_after, credit_balance_after, asset_id) = ANY (ARRAY[0, 6]))
) PARTITION BY RANGE (seq);
CREATE INDEX journal_about ON journal_row USING btree (shard, about_seq) WHERE about_seq IS NOT NULL;
CREATE INDEX journal_aside ON journal_row USING btree (instruction_id) WHERE (kind = ANY (ARRAY['OwnerParked'::event_kind, 'RecordDiscarded'::event_kind, 'DecisionWithoutEffect'::event_kind, 'DryRunJudged'::event_kind])) OR (reason = ANY (ARRAY['wrong_key'::text, 'wrong_partition'::text]));
CREATE INDEX journal_dated_back ON journal_row USING btree (shard, booking_date, seq) WHERE instruction_type = ANY (ARRAY['adjustment'::text, 'opening_balance'::text]);
COMMENT ON COLUMN journal_row.amount IS 'of the one movement, where the event has one; several are in movement_of_several';
COMMENT ON COLUMN journal_row.debit_balance_after IS 'posted credits - posted debits of this shard''s row of the account, after the movement';
COMMENT ON COLUMN journal_row.value_date IS 'beside a movement: null for the booking date';
COMMENT ON COLUMN journal_row.partition IS 'beside an offset: null for the shard';
COMMENT ON COLUMN journal_row.topic IS 'beside an offset: null for transactions.instructions.v1';
COMMENT ON COLUMN journal_row.content IS 'what was asked, whole; or, behind a byte below 32 that names the type, what of it the row does not say';
COMMENT ON COLUMN journal_row.copies IS 'secondaries: partition, how far back the one before it is, partition, … by spaces';
COMMENT ON COLUMN journal_row.instruction_type IS 'null where the content names it';
COMMENT ON COLUMN journal_row.movement_kind IS 'beside a movement: null for principal';
COMMENT ON COLUMN journal_row.owner IS 'beside a movement: null for the customer debited, else the one credited';
COMMENT ON COLUMN journal_row.detail IS 'what the event says beyond columns and movements';
COMMENT ON COLUMN journal_row.seen IS 'what the decision took from outside the shard: {"absent": [code], "taken": [code], "frozen": {code: direction}, "credits": {account_id: minor}, "ahead": {account_id: {value date: minor of these credits}}}';
GRANT SELECT ON journal_row TO backoffice_readonly;
GRANT INSERT, SELECT ON journal_row TO transactions_service;

CREATE VIEW journal AS
 SELECT shard,
    seq,
    about_seq,
    recorded_at,
    epoch,
    "offset",
    instruction_id,
    booking_date,
        CASE
            WHEN debit_account IS NULL THEN value_date
            ELSE COALESCE(value_date, booking_date)
        END AS value_date,
    kind,
        CASE
            WHEN "offset" IS NOT NULL THEN COALESCE(partition, shard)
            ELSE NULL::integer
        END AS partition,
        CASE
            WHEN "offset" IS NOT NULL THEN COALESCE(topic, 'transactions.instructions.v1'::source_topic)
            ELSE NULL::source_topic
        END AS topic,
        CASE substr(content, 1, 1)
            WHEN '\x01'::bytea THEN 'deposit'::text
            WHEN '\x02'::bytea THEN 'withdrawal'::text
            WHEN '\x03'::bytea THEN 'transfer'::text
            WHEN '\x04'::bytea THEN 'fee'::text
            WHEN '\x05'::bytea THEN 'interest'::text
            WHEN '\x06'::bytea THEN 'interest'::text
            WHEN '\x07'::bytea THEN 'interest'::text
            ELSE instruction_type
        END AS instruction_type,
        CASE
            WHEN owner IS NULL AND debit_account IS NOT NULL THEN ( SELECT
                    CASE
                        WHEN debit.owner <> 'house'::text THEN debit.owner
                        ELSE credit.owner
                    END AS owner
               FROM account debit,
                account credit
              WHERE debit.account_id = journal_row.debit_account AND credit.account_id = journal_row.credit_account)
            ELSE owner
        END AS owner,
    reason,
    detail,
        CASE
            WHEN content >= '\x01'::bytea AND content < '\x20'::bytea THEN ( SELECT convert_to(concat('{"type":"',
                    CASE get_byte(journal_row.content, 0)
                        WHEN 1 THEN 'deposit'::text
                        WHEN 2 THEN 'withdrawal'::text
                        WHEN 3 THEN 'transfer'::text
                        WHEN 4 THEN 'fee'::text
                        ELSE 'interest'::text
                    END, '","instruction_id":"', journal_row.instruction_id, '","owner":"', COALESCE(journal_row.owner, home.owner), replace(replace(convert_from(substr(journal_row.content, 2), 'UTF8'::name), ''::text, '","occurred_at":"'::text), ''::text, '","business_reference":"'::text),
                    CASE get_byte(journal_row.content, 0)
                        WHEN 3 THEN concat(',"debit_account":"', debit.code, '","credit_account":"', credit.code)
                        ELSE concat(',"account":"', home.code)
                    END, '","amount":"',
                    CASE
                        WHEN asset.scale = 0 THEN journal_row.amount::text
                        ELSE concat("left"(spelt.digits, - asset.scale), '.', "right"(spelt.digits, asset.scale))
                    END, '","asset":"', asset.code,
                    CASE get_byte(journal_row.content, 0)
                        WHEN 6 THEN '","direction":"credit'::text
                        WHEN 7 THEN '","direction":"debit'::text
                        ELSE NULL::text
                    END, '"}'), 'UTF8'::name) AS convert_to
               FROM account debit,
                account credit,
                asset,
                account home,
                LATERAL lpad(journal_row.amount::text, GREATEST(length(journal_row.amount::text), asset.scale + 1), '0'::text) spelt(digits)
              WHERE debit.account_id = journal_row.debit_account AND credit.account_id = journal_row.credit_account AND asset.asset_id = journal_row.asset_id AND home.account_id =
                    CASE
                        WHEN debit.owner <> 'house'::text THEN journal_row.debit_account
                        ELSE journal_row.credit_account
                    END)
            ELSE content
        END AS content,
    seen,
    ( SELECT array_agg(
                CASE
                    WHEN (each.place % 2::bigint) = 1 THEN each.number
                    ELSE journal_row.seq - each.number
                END ORDER BY each.place) AS array_agg
           FROM unnest(string_to_array(journal_row.copies, ' '::text)::bigint[]) WITH ORDINALITY each(number, place)) AS copies,
    traceparent,
    debit_account,
    credit_account,
    amount,
    debit_balance_after,
    credit_balance_after,
    asset_id,
        CASE
            WHEN debit_account IS NOT NULL THEN COALESCE(movement_kind, 'principal'::text)
            ELSE NULL::text
        END AS movement_kind,
    owner AS kept_owner,
    content AS kept_content
   FROM journal_row;
COMMENT ON VIEW journal IS 'every event, with all that its row says by not saying it; kept_… is as the row has it';
GRANT SELECT ON journal TO backoffice_readonly;
GRANT SELECT ON journal TO transactions_service;

CREATE TABLE movement_of_several (
    shard integer NOT NULL,
    leg integer NOT NULL,
    seq bigint NOT NULL,
    debit_account bigint NOT NULL,
    credit_account bigint NOT NULL,
    amount bigint NOT NULL,
    debit_balance_after bigint NOT NULL,
    credit_balance_after bigint NOT NULL,
    asset_id integer NOT NULL,
    kind text NOT NULL,
    CONSTRAINT movement_of_several_pkey PRIMARY KEY (shard, seq, leg),
    CONSTRAINT movement_of_several_amount_check CHECK (amount > 0),
    CONSTRAINT movement_of_several_check CHECK (debit_account <> credit_account)
) PARTITION BY RANGE (seq);
GRANT SELECT ON movement_of_several TO backoffice_readonly;
GRANT INSERT, SELECT ON movement_of_several TO transactions_service;

CREATE TABLE journal_part (
    part integer NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT journal_part_pkey PRIMARY KEY (part)
);
GRANT SELECT ON journal_part TO backoffice_readonly;
GRANT SELECT ON journal_part TO transactions_service;

CREATE TABLE detached_outcome (
    seq bigint NOT NULL,
    instruction_id uuid NOT NULL,
    shard integer NOT NULL,
    kind event_kind NOT NULL,
    content_hash bytea NOT NULL,
    reason text,
    CONSTRAINT detached_outcome_pkey PRIMARY KEY (shard, seq, instruction_id)
);
GRANT SELECT ON detached_outcome TO backoffice_readonly;
GRANT SELECT ON detached_outcome TO transactions_service;

CREATE TABLE journal_row_0 PARTITION OF journal_row FOR VALUES FROM ('1') TO ('4194305');
COMMENT ON COLUMN journal_row_0.amount IS 'of the one movement, where the event has one; several are in movement_of_several';
COMMENT ON COLUMN journal_row_0.debit_balance_after IS 'posted credits - posted debits of this shard''s row of the account, after the movement';
COMMENT ON COLUMN journal_row_0.value_date IS 'beside a movement: null for the booking date';
COMMENT ON COLUMN journal_row_0.partition IS 'beside an offset: null for the shard';
COMMENT ON COLUMN journal_row_0.topic IS 'beside an offset: null for transactions.instructions.v1';
COMMENT ON COLUMN journal_row_0.content IS 'what was asked, whole; or, behind a byte below 32 that names the type, what of it the row does not say';
COMMENT ON COLUMN journal_row_0.copies IS 'secondaries: partition, how far back the one before it is, partition, … by spaces';
COMMENT ON COLUMN journal_row_0.instruction_type IS 'null where the content names it';
COMMENT ON COLUMN journal_row_0.movement_kind IS 'beside a movement: null for principal';
COMMENT ON COLUMN journal_row_0.owner IS 'beside a movement: null for the customer debited, else the one credited';
COMMENT ON COLUMN journal_row_0.detail IS 'what the event says beyond columns and movements';
COMMENT ON COLUMN journal_row_0.seen IS 'what the decision took from outside the shard: {"absent": [code], "taken": [code], "frozen": {code: direction}, "credits": {account_id: minor}, "ahead": {account_id: {value date: minor of these credits}}}';
GRANT SELECT ON journal_row_0 TO backoffice_readonly;
GRANT SELECT ON journal_row_0 TO transactions_service;

CREATE TABLE movement_of_several_0 PARTITION OF movement_of_several FOR VALUES FROM ('1') TO ('4194305');
GRANT SELECT ON movement_of_several_0 TO backoffice_readonly;
GRANT SELECT ON movement_of_several_0 TO transactions_service;

CREATE TABLE journal_row_1 PARTITION OF journal_row FOR VALUES FROM ('4194305') TO ('8388609');
COMMENT ON COLUMN journal_row_1.amount IS 'of the one movement, where the event has one; several are in movement_of_several';
COMMENT ON COLUMN journal_row_1.debit_balance_after IS 'posted credits - posted debits of this shard''s row of the account, after the movement';
COMMENT ON COLUMN journal_row_1.value_date IS 'beside a movement: null for the booking date';
COMMENT ON COLUMN journal_row_1.partition IS 'beside an offset: null for the shard';
COMMENT ON COLUMN journal_row_1.topic IS 'beside an offset: null for transactions.instructions.v1';
COMMENT ON COLUMN journal_row_1.content IS 'what was asked, whole; or, behind a byte below 32 that names the type, what of it the row does not say';
COMMENT ON COLUMN journal_row_1.copies IS 'secondaries: partition, how far back the one before it is, partition, … by spaces';
COMMENT ON COLUMN journal_row_1.instruction_type IS 'null where the content names it';
COMMENT ON COLUMN journal_row_1.movement_kind IS 'beside a movement: null for principal';
COMMENT ON COLUMN journal_row_1.owner IS 'beside a movement: null for the customer debited, else the one credited';
COMMENT ON COLUMN journal_row_1.detail IS 'what the event says beyond columns and movements';
COMMENT ON COLUMN journal_row_1.seen IS 'what the decision took from outside the shard: {"absent": [code], "taken": [code], "frozen": {code: direction}, "credits": {account_id: minor}, "ahead": {account_id: {value date: minor of these credits}}}';
GRANT SELECT ON journal_row_1 TO backoffice_readonly;
GRANT SELECT ON journal_row_1 TO transactions_service;

CREATE TABLE movement_of_several_1 PARTITION OF movement_of_several FOR VALUES FROM ('4194305') TO ('8388609');
GRANT SELECT ON movement_of_several_1 TO backoffice_readonly;
GRANT SELECT ON movement_of_several_1 TO transactions_service;

CREATE VIEW movement AS
 SELECT journal_row.shard,
    0 AS leg,
    journal_row.seq,
    journal_row.debit_account,
    journal_row.credit_account,
    journal_row.amount,
    journal_row.debit_balance_after,
    journal_row.credit_balance_after,
    journal_row.asset_id,
    COALESCE(journal_row.movement_kind, 'principal'::text) AS kind
   FROM journal_row
  WHERE journal_row.debit_account IS NOT NULL
UNION ALL
 SELECT movement_of_several.shard,
    movement_of_several.leg,
    movement_of_several.seq,
    movement_of_several.debit_account,
    movement_of_several.credit_account,
    movement_of_several.amount,
    movement_of_several.debit_balance_after,
    movement_of_several.credit_balance_after,
    movement_of_several.asset_id,
    movement_of_several.kind
   FROM movement_of_several;
COMMENT ON VIEW movement IS 'every movement of every event, wherever it is kept';
GRANT SELECT ON movement TO backoffice_readonly;
GRANT SELECT ON movement TO transactions_service;

CREATE TABLE instruction_key (
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    shard integer NOT NULL,
    CONSTRAINT instruction_key_pkey PRIMARY KEY (instruction_id, shard)
);
GRANT SELECT ON instruction_key TO backoffice_readonly;
GRANT INSERT, SELECT ON instruction_key TO transactions_service;

CREATE TABLE balance (
    account_id bigint NOT NULL,
    debits_posted bigint NOT NULL,
    credits_posted bigint NOT NULL,
    debits_pending bigint NOT NULL,
    credits_pending bigint NOT NULL,
    shard integer NOT NULL,
    CONSTRAINT balance_pkey PRIMARY KEY (account_id, shard),
    CONSTRAINT balance_credits_pending_check CHECK (credits_pending >= 0),
    CONSTRAINT balance_credits_posted_check CHECK (credits_posted >= 0),
    CONSTRAINT balance_debits_pending_check CHECK (debits_pending >= 0),
    CONSTRAINT balance_debits_posted_check CHECK (debits_posted >= 0)
) WITH (fillfactor=60);
GRANT SELECT ON balance TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE ON balance TO transactions_service;

CREATE TABLE day_balance (
    account_id bigint NOT NULL,
    value_date date NOT NULL,
    posted_on date NOT NULL,
    debits bigint NOT NULL,
    credits bigint NOT NULL,
    shard integer NOT NULL,
    CONSTRAINT day_balance_pkey PRIMARY KEY (account_id, value_date, posted_on, shard),
    CONSTRAINT day_balance_check CHECK (posted_on <> value_date),
    CONSTRAINT day_balance_credits_check CHECK (credits >= 0),
    CONSTRAINT day_balance_debits_check CHECK (debits >= 0)
);
COMMENT ON COLUMN day_balance.posted_on IS 'the entity''s business day that was open there';
COMMENT ON COLUMN day_balance.shard IS 'the shard that posted it';
GRANT SELECT ON day_balance TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (debits, credits) ON day_balance TO transactions_service;

CREATE TABLE day_opening (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    debits bigint NOT NULL,
    credits bigint NOT NULL,
    shard integer NOT NULL,
    CONSTRAINT day_opening_pkey PRIMARY KEY (account_id, shard, seq),
    CONSTRAINT day_opening_credits_check CHECK (credits >= 0),
    CONSTRAINT day_opening_debits_check CHECK (debits >= 0)
);
COMMENT ON COLUMN day_opening.seq IS 'the event that opened the day, of whichever entity';
GRANT SELECT ON day_opening TO backoffice_readonly;
GRANT INSERT, SELECT ON day_opening TO transactions_service;

CREATE TABLE pending (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    instruction_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    screening boolean NOT NULL,
    cleared_seq bigint,
    settled_minor bigint DEFAULT 0 NOT NULL,
    resolved_seq bigint,
    CONSTRAINT pending_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT pending_check CHECK (screening OR cleared_seq IS NULL),
    CONSTRAINT pending_settled_minor_check CHECK (settled_minor >= 0)
);
CREATE INDEX pending_open ON pending USING btree (shard, instruction_id) WHERE resolved_seq IS NULL;
COMMENT ON COLUMN pending.screening IS 'whether it had to be cleared by compliance before it could be posted';
COMMENT ON COLUMN pending.settled_minor IS 'what parts of it have been posted so far, and not undone';
GRANT SELECT ON pending TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (cleared_seq, settled_minor, resolved_seq) ON pending TO transactions_service;

CREATE TABLE scheduled (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    entity_id integer NOT NULL,
    execute_on date NOT NULL,
    ended_seq bigint,
    CONSTRAINT scheduled_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT scheduled_check CHECK (ended_seq > seq),
    CONSTRAINT scheduled_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
CREATE INDEX scheduled_waiting ON scheduled USING btree (shard, seq) WHERE ended_seq IS NULL;
COMMENT ON COLUMN scheduled.ended_seq IS 'what executed it on its day, refused it then, or cancelled it before';
GRANT SELECT ON scheduled TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (ended_seq) ON scheduled TO transactions_service;

CREATE TABLE account_freeze (
    account_id bigint NOT NULL,
    freeze_id text NOT NULL,
    direction text NOT NULL,
    amount_minor bigint,
    authority text NOT NULL,
    seq bigint NOT NULL,
    lifted_seq bigint,
    CONSTRAINT account_freeze_pkey PRIMARY KEY (account_id, freeze_id),
    CONSTRAINT account_freeze_amount_minor_check CHECK (amount_minor > 0),
    CONSTRAINT account_freeze_check CHECK (amount_minor IS NULL OR direction = 'debit'::text),
    CONSTRAINT account_freeze_direction_check CHECK (direction = ANY (ARRAY['debit'::text, 'credit'::text, 'both'::text])),
    CONSTRAINT account_freeze_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(account_id)
);
CREATE INDEX freeze_standing ON account_freeze USING btree (account_id, direction) WHERE lifted_seq IS NULL AND amount_minor IS NULL;
COMMENT ON COLUMN account_freeze.amount_minor IS 'how much of what is available is kept; null where all is stopped';
GRANT SELECT ON account_freeze TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (lifted_seq) ON account_freeze TO transactions_service;

CREATE TABLE account_closing (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    closed_seq bigint,
    reopened_seq bigint,
    CONSTRAINT account_closing_pkey PRIMARY KEY (account_id, seq),
    CONSTRAINT account_closing_check CHECK (closed_seq > seq),
    CONSTRAINT account_closing_check1 CHECK (reopened_seq > seq AND reopened_seq > closed_seq),
    CONSTRAINT account_closing_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(account_id)
);
CREATE UNIQUE INDEX closing_standing ON account_closing USING btree (account_id) WHERE reopened_seq IS NULL;
COMMENT ON COLUMN account_closing.seq IS 'of the home shard, as all of them: where it began';
GRANT SELECT ON account_closing TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (closed_seq, reopened_seq) ON account_closing TO transactions_service;

CREATE TABLE reversed (
    original_shard integer NOT NULL,
    original_seq bigint NOT NULL,
    leg integer NOT NULL,
    part integer NOT NULL,
    amount bigint NOT NULL,
    left_minor bigint NOT NULL,
    shard integer NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT reversed_pkey PRIMARY KEY (original_shard, original_seq, leg, part),
    CONSTRAINT reversed_amount_check CHECK (amount > 0),
    CONSTRAINT reversed_left_minor_check CHECK (left_minor >= 0),
    CONSTRAINT reversed_part_check CHECK (part > 0)
);
COMMENT ON COLUMN reversed.leg IS 'the movement''s place in the original';
COMMENT ON COLUMN reversed.part IS 'how many times the movement has been used, with this one';
COMMENT ON COLUMN reversed.left_minor IS 'of the movement''s amount, after this';
COMMENT ON COLUMN reversed.shard IS 'the home of what undid it or came back, with its seq there';
GRANT SELECT ON reversed TO backoffice_readonly;
GRANT INSERT, SELECT ON reversed TO transactions_service;

CREATE TABLE account_limit (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    limit_minor bigint,
    cap_minor bigint,
    valid_from date NOT NULL,
    valid_until date,
    authority text NOT NULL,
    CONSTRAINT account_limit_pkey PRIMARY KEY (account_id, seq),
    CONSTRAINT account_limit_cap_minor_check CHECK (cap_minor >= 0),
    CONSTRAINT account_limit_check CHECK (valid_until > valid_from),
    CONSTRAINT account_limit_limit_minor_check CHECK (limit_minor >= 0),
    CONSTRAINT account_limit_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(account_id)
);
COMMENT ON COLUMN account_limit.seq IS 'of the home shard: where it was set';
COMMENT ON COLUMN account_limit.cap_minor IS 'the most that one request may take';
GRANT SELECT ON account_limit TO backoffice_readonly;
GRANT INSERT, SELECT ON account_limit TO transactions_service;

CREATE TABLE business_day (
    shard integer NOT NULL,
    entity_id integer NOT NULL,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT business_day_pkey PRIMARY KEY (shard, entity_id, booking_date),
    CONSTRAINT business_day_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
GRANT SELECT ON business_day TO backoffice_readonly;
GRANT INSERT, SELECT ON business_day TO transactions_service;

CREATE TABLE accrual (
    account text NOT NULL,
    series text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL,
    posted_minor bigint NOT NULL,
    seq bigint NOT NULL,
    shard integer NOT NULL,
    CONSTRAINT accrual_pkey PRIMARY KEY (account, series, asset, direction, shard),
    CONSTRAINT accrual_direction_check CHECK (direction = ANY (ARRAY['credit'::text, 'debit'::text])),
    CONSTRAINT accrual_posted_minor_check CHECK (posted_minor >= 0)
);
COMMENT ON COLUMN accrual.account IS 'as it was named, whether there is one or not';
COMMENT ON COLUMN accrual.seq IS 'what it was posted by last';
GRANT SELECT ON accrual TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (posted_minor, seq) ON accrual TO transactions_service;

CREATE TABLE carried_over (
    shard integer NOT NULL,
    account_id bigint NOT NULL,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT carried_over_pkey PRIMARY KEY (shard, seq),
    CONSTRAINT carried_over_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(account_id)
);
GRANT SELECT ON carried_over TO backoffice_readonly;
GRANT INSERT, SELECT ON carried_over TO transactions_service;

CREATE TABLE period (
    shard integer NOT NULL,
    entity_id integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    state text NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT period_pkey PRIMARY KEY (shard, entity_id, last_day, state),
    CONSTRAINT period_check CHECK (last_day >= first_day),
    CONSTRAINT period_state_check CHECK (state = ANY (ARRAY['soft_closed'::text, 'closed'::text])),
    CONSTRAINT period_entity_id_fkey FOREIGN KEY (entity_id) REFERENCES entity(entity_id)
);
COMMENT ON COLUMN period.last_day IS 'included, as first_day is';
COMMENT ON COLUMN period.seq IS 'what the shard booked into it stands before; but for adjustments, while it is soft-closed';
GRANT SELECT ON period TO backoffice_readonly;
GRANT INSERT, SELECT ON period TO transactions_service;

CREATE TABLE seal (
    shard integer NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    previous_hash bytea NOT NULL,
    root bytea NOT NULL,
    hash bytea NOT NULL,
    head bytea NOT NULL,
    CONSTRAINT seal_pkey PRIMARY KEY (shard, last_seq)
);
COMMENT ON COLUMN seal.head IS 'hash of the event last_seq: where the chain of events can be taken up';
GRANT SELECT ON seal TO backoffice_readonly;
GRANT INSERT, SELECT ON seal TO transactions_service;

CREATE TABLE seal_head (
    shard integer NOT NULL,
    seq bigint NOT NULL,
    head bytea NOT NULL,
    open_nodes bytea NOT NULL,
    seal_hash bytea NOT NULL,
    CONSTRAINT seal_head_pkey PRIMARY KEY (shard)
) WITH (fillfactor=50);
COMMENT ON COLUMN seal_head.open_nodes IS 'roots of the complete subtrees of the tree still open, the largest first, 32 bytes each';
COMMENT ON COLUMN seal_head.seal_hash IS 'of the last seal';
GRANT SELECT ON seal_head TO backoffice_readonly;
GRANT INSERT, SELECT, UPDATE (seq, head, open_nodes, seal_hash) ON seal_head TO transactions_service;

CREATE TABLE party_key (
    shard integer NOT NULL,
    owner text NOT NULL,
    wrapped bytea NOT NULL,
    first_seq bigint NOT NULL,
    CONSTRAINT party_key_pkey PRIMARY KEY (shard, owner)
);
CREATE INDEX party_key_first ON party_key USING btree (shard, first_seq);
COMMENT ON COLUMN party_key.wrapped IS 'the key, under the master key that the services are given';
COMMENT ON COLUMN party_key.first_seq IS 'the event that it was published before';
GRANT DELETE, INSERT, SELECT ON party_key TO transactions_service;

GRANT USAGE ON SCHEMA transactions TO backoffice_readonly;
GRANT USAGE ON SCHEMA transactions TO transactions_service;
