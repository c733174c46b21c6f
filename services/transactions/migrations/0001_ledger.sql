-- The double-entry ledger. Appended rows are never changed; moving rows (balance, day_balance, pending, scheduled,
-- account_freeze, account_closing) can always be rebuilt from them.

CREATE TYPE event_kind AS ENUM (
    'TransactionPosted', 'TransactionPending', 'TransactionScheduled', 'TransactionCancelled',
    'TransactionVoided', 'PendingCleared', 'InstructionApplied',
    'InstructionRejected', 'DuplicateReceived', 'RecordUnreadable', 'OwnerParked', 'RecordDiscarded',
    'DecisionWithoutEffect', 'BusinessDayOpened', 'ActDone', 'DryRunJudged',
    'CreditSwept', 'AccountClosed', 'ObligationBooked', 'PendingReopened', 'PeriodClosed', 'RiskClassChanged'
);

-- Four bytes in each journal row instead of the name.
CREATE TYPE source_topic AS ENUM (
    'transactions.instructions.v1', 'transactions.acts.v1', 'compliance.decisions.v1'
);

CREATE TABLE asset (
    asset_id int PRIMARY KEY,
    code text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('currency', 'security', 'none')),
    scale int NOT NULL CHECK (scale BETWEEN 0 AND 18),
    name text NOT NULL
);

-- What a security is beyond an asset: its code is the ISIN (ISO 6166).
CREATE TABLE instrument (
    asset_id int PRIMARY KEY REFERENCES asset,
    currency_id int NOT NULL REFERENCES asset,
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from)
);
COMMENT ON COLUMN instrument.currency_id IS 'the currency it is traded in';

CREATE TABLE entity (
    entity_id int PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    first_booking_date date NOT NULL
);

-- The chart of accounts: every account class is a node of it.
CREATE TABLE account_class (
    class text PRIMARY KEY,
    name text NOT NULL,
    holder text NOT NULL CHECK (holder IN ('customer', 'house')),
    statement text NOT NULL CHECK (statement IN ('asset', 'liability', 'income', 'expense', 'memorandum')),
    parent text REFERENCES account_class,
    valid_from date NOT NULL,
    valid_until date
);

-- account_id = home shard * 2^40 + n; the house's own accounts are numbered from 2^39, so that the chart
-- can grow while a shard's writer numbers its customers' accounts.
CREATE TABLE account (
    account_id bigint PRIMARY KEY,
    code text NOT NULL UNIQUE,
    container text,
    entity_id int NOT NULL REFERENCES entity,
    owner text NOT NULL,
    shard int NOT NULL,
    asset_id int NOT NULL REFERENCES asset,
    class text NOT NULL REFERENCES account_class,
    limit_minor bigint CHECK (limit_minor >= 0),
    opened_seq bigint NOT NULL
);
COMMENT ON COLUMN account.limit_minor IS 'as it was opened; limits set since are in account_limit';
CREATE INDEX account_owner ON account (owner);

-- Which house account stands against the customer's, by entity and instruction type.
CREATE TABLE posting_rule (
    entity_id int NOT NULL REFERENCES entity,
    instruction_type text NOT NULL,
    condition text NOT NULL DEFAULT '',
    house_class text NOT NULL REFERENCES account_class,
    valid_from date NOT NULL,
    valid_until date,
    PRIMARY KEY (entity_id, instruction_type, condition, valid_from)
);

-- Which requests are screened before they are posted; all others after. A row asks for it where all its
-- conditions are met, and an empty one always is.
CREATE TABLE screening_policy (
    entity_id int NOT NULL REFERENCES entity,
    instruction_type text NOT NULL,
    asset_id int NOT NULL REFERENCES asset,
    amount_from bigint NOT NULL CHECK (amount_from >= 0),
    risk_classes text[] NOT NULL DEFAULT '{}' CHECK (risk_classes <@ ARRAY['low', 'medium', 'high']),
    countries text[] NOT NULL DEFAULT '{}',
    channels text[] NOT NULL DEFAULT '{}',
    deadline_hours int CHECK (deadline_hours > 0),
    told text NOT NULL DEFAULT 'compliance',
    valid_from date NOT NULL,
    valid_until date,
    PRIMARY KEY (entity_id, instruction_type, asset_id, risk_classes, countries, channels, valid_from)
);
COMMENT ON COLUMN screening_policy.risk_classes IS 'of the customer, as compliance has rated them';
COMMENT ON COLUMN screening_policy.countries IS 'ISO 3166-1 alpha-2, of the bank that is to be paid';
COMMENT ON COLUMN screening_policy.deadline_hours IS 'within which a hold is to be decided; null for the rule''s own';
COMMENT ON COLUMN screening_policy.told IS 'whom a hold is brought to';

-- Customers as compliance has rated them: from seq on, in the order of the home shard's journal.
CREATE TABLE risk_class (
    shard int NOT NULL,
    owner text NOT NULL,
    seq bigint NOT NULL,
    risk_class text NOT NULL CHECK (risk_class IN ('low', 'medium', 'high')),
    PRIMARY KEY (shard, owner, seq)
);

-- When what is owed for a trade comes into an entity's books; where nothing is said, as it is settled.
CREATE TABLE trade_policy (
    entity_id int NOT NULL REFERENCES entity,
    policy text NOT NULL CHECK (policy IN ('trade_date', 'settlement_date')),
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    PRIMARY KEY (entity_id, valid_from)
);

-- What the journal's rows keep: nothing that they say already, columns in the order that leaves no gaps. It is
-- read by the view journal; only the writer, and what checks the seals, use the rows themselves.
CREATE TABLE journal_row (
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    "offset" bigint,
    debit_account bigint,
    credit_account bigint,
    amount bigint CHECK (amount > 0),
    debit_balance_after bigint,
    credit_balance_after bigint,
    about_seq bigint,
    instruction_id uuid,
    shard int NOT NULL,
    epoch int NOT NULL,
    kind event_kind NOT NULL,
    booking_date date,
    asset_id int,
    value_date date,
    partition int,
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
    PRIMARY KEY (shard, seq) WITH (fillfactor = 100),
    CHECK (debit_account <> credit_account),
    CHECK (num_nonnulls(debit_account, credit_account, amount, debit_balance_after, credit_balance_after,
                        asset_id) IN (0, 6))
) PARTITION BY RANGE (seq);
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
-- What follows up a first outcome, and what names an instruction without being its outcome: few rows, so
-- that an instruction can be traced without an index over the whole journal.
CREATE INDEX journal_about ON journal_row (shard, about_seq) WHERE about_seq IS NOT NULL;
CREATE INDEX journal_aside ON journal_row (instruction_id)
    WHERE kind IN ('OwnerParked', 'RecordDiscarded', 'DecisionWithoutEffect', 'DryRunJudged')
    OR reason IN ('wrong_key', 'wrong_partition');
-- What may be booked on another day than the open one, so that a search by booking date finds it.
CREATE INDEX journal_dated_back ON journal_row (shard, booking_date, seq)
    WHERE instruction_type IN ('adjustment', 'opening_balance');

CREATE VIEW journal AS
SELECT
    shard, seq, about_seq, recorded_at, epoch, "offset", instruction_id, booking_date,
    CASE WHEN debit_account IS NULL THEN value_date ELSE coalesce(value_date, booking_date) END AS value_date,
    kind,
    CASE WHEN "offset" IS NOT NULL THEN coalesce(partition, shard) END AS partition,
    CASE WHEN "offset" IS NOT NULL
         THEN coalesce(topic, 'transactions.instructions.v1'::source_topic) END AS topic,
    CASE substr(content, 1, 1)
        WHEN '\x01' THEN 'deposit'
        WHEN '\x02' THEN 'withdrawal'
        WHEN '\x03' THEN 'transfer'
        WHEN '\x04' THEN 'fee'
        WHEN '\x05' THEN 'interest'
        WHEN '\x06' THEN 'interest'
        WHEN '\x07' THEN 'interest'
        ELSE instruction_type END AS instruction_type,
    CASE WHEN owner IS NULL AND debit_account IS NOT NULL THEN (
        SELECT CASE WHEN debit.owner <> 'house' THEN debit.owner ELSE credit.owner END
        FROM account AS debit, account AS credit
        WHERE debit.account_id = debit_account AND credit.account_id = credit_account
    ) ELSE owner END AS owner,
    reason, detail,
    CASE WHEN content >= '\x01' AND content < '\x20' THEN (
        SELECT convert_to(concat(
            '{"type":"',
            CASE get_byte(content, 0) WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'transfer'
                                      WHEN 4 THEN 'fee' ELSE 'interest' END,
            '","instruction_id":"', instruction_id,
            '","owner":"', coalesce(journal_row.owner, home.owner),
            replace(replace(convert_from(substr(content, 2), 'UTF8'), E'\x0e', '","occurred_at":"'),
                    E'\x0f', '","business_reference":"'),
            CASE get_byte(content, 0)
                WHEN 3 THEN concat(',"debit_account":"', debit.code, '","credit_account":"', credit.code)
                ELSE concat(',"account":"', home.code) END,
            '","amount":"',
            CASE WHEN scale = 0 THEN amount::text
                 ELSE concat(left(spelt.digits, -scale), '.', right(spelt.digits, scale)) END,
            '","asset":"', asset.code,
            CASE get_byte(content, 0) WHEN 6 THEN '","direction":"credit' WHEN 7 THEN '","direction":"debit' END,
            '"}'), 'UTF8')
        FROM account AS debit, account AS credit, asset, account AS home,
            lpad(amount::text, greatest(length(amount::text), asset.scale + 1), '0') AS spelt (digits)
        WHERE debit.account_id = debit_account AND credit.account_id = credit_account
          AND asset.asset_id = journal_row.asset_id
          AND home.account_id = CASE WHEN debit.owner <> 'house' THEN debit_account ELSE credit_account END
    ) ELSE content END AS content,
    seen,
    (SELECT array_agg(CASE WHEN place % 2 = 1 THEN number ELSE seq - number END ORDER BY place)
     FROM unnest(string_to_array(copies, ' ')::bigint[]) WITH ORDINALITY AS each (number, place)) AS copies,
    traceparent, debit_account, credit_account, amount, debit_balance_after, credit_balance_after, asset_id,
    CASE WHEN debit_account IS NOT NULL THEN coalesce(movement_kind, 'principal') END AS movement_kind,
    owner AS kept_owner,
    content AS kept_content
FROM journal_row;
COMMENT ON VIEW journal IS 'every event, with all that its row says by not saying it; kept_… is as the row has it';

-- Nearly every transaction is one movement and has it in its journal row; those of more have them here.
CREATE TABLE movement_of_several (
    shard int NOT NULL,
    leg int NOT NULL,
    seq bigint NOT NULL,
    debit_account bigint NOT NULL,
    credit_account bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    debit_balance_after bigint NOT NULL,
    credit_balance_after bigint NOT NULL,
    asset_id int NOT NULL,
    kind text NOT NULL,
    CHECK (debit_account <> credit_account),
    PRIMARY KEY (shard, seq, leg)
) PARTITION BY RANGE (seq);

-- The parts of journal_row and movement_of_several: each holds 4,194,304 numbers of every shard, 4,096 seals.
CREATE TABLE journal_part (
    part int PRIMARY KEY,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL
);

-- What is needed of the first outcomes in parts that are detached: to know a repeat, and who closed an account.
CREATE TABLE detached_outcome (
    seq bigint NOT NULL,
    instruction_id uuid NOT NULL,
    shard int NOT NULL,
    kind event_kind NOT NULL,
    content_hash bytea NOT NULL,
    reason text,
    PRIMARY KEY (shard, seq, instruction_id) -- the ids of a group's members have its outcome
);

-- Makes parts until they reach beyond a number, and says how far they reach. The service, which may make no
-- tables, calls it ahead of time. A part is made by itself and then attached, which stops neither readers nor
-- writers; there is no default part, since what came into it could only be moved on under a lock.
CREATE FUNCTION make_parts(beyond bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = transactions, pg_temp
AS $$
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
$$;
REVOKE ALL ON FUNCTION make_parts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_parts(bigint) TO transactions_service;
SELECT make_parts(4194304);

CREATE VIEW movement AS
SELECT shard, 0 AS leg, seq, debit_account, credit_account, amount, debit_balance_after,
       credit_balance_after, asset_id, coalesce(movement_kind, 'principal') AS kind
FROM journal_row
WHERE debit_account IS NOT NULL
UNION ALL
SELECT shard, leg, seq, debit_account, credit_account, amount, debit_balance_after,
       credit_balance_after, asset_id, kind
FROM movement_of_several;
COMMENT ON VIEW movement IS 'every movement of every event, wherever it is kept';

CREATE TABLE instruction_key (
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    shard int NOT NULL,
    PRIMARY KEY (instruction_id, shard)
);

CREATE TABLE balance (
    account_id bigint NOT NULL,
    debits_posted bigint NOT NULL CHECK (debits_posted >= 0),
    credits_posted bigint NOT NULL CHECK (credits_posted >= 0),
    debits_pending bigint NOT NULL CHECK (debits_pending >= 0),
    credits_pending bigint NOT NULL CHECK (credits_pending >= 0),
    shard int NOT NULL,
    PRIMARY KEY (account_id, shard)
) WITH (fillfactor = 60);

-- Of customers' accounts, what is posted with its value on another day than the one that was open: if on a later
-- one, it is not available until then. All else counts from the day on which it was posted.
CREATE TABLE day_balance (
    account_id bigint NOT NULL,
    value_date date NOT NULL,
    posted_on date NOT NULL CHECK (posted_on <> value_date),
    debits bigint NOT NULL CHECK (debits >= 0),
    credits bigint NOT NULL CHECK (credits >= 0),
    shard int NOT NULL,
    PRIMARY KEY (account_id, value_date, posted_on, shard)
);
COMMENT ON COLUMN day_balance.shard IS 'the shard that posted it';
COMMENT ON COLUMN day_balance.posted_on IS 'the entity''s business day that was open there';

-- What a shard's row of an account held when a business day was opened, of those that have changed before the
-- next one was: so what it held at the end of any day is the first row since, or else the balance.
CREATE TABLE day_opening (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    debits bigint NOT NULL CHECK (debits >= 0),
    credits bigint NOT NULL CHECK (credits >= 0),
    shard int NOT NULL,
    PRIMARY KEY (account_id, shard, seq)
);
COMMENT ON COLUMN day_opening.seq IS 'the event that opened the day, of whichever entity';

CREATE TABLE pending (
    shard int NOT NULL,
    seq bigint NOT NULL,
    instruction_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    screening boolean NOT NULL,
    cleared_seq bigint CHECK (screening OR cleared_seq IS NULL),
    settled_minor bigint NOT NULL DEFAULT 0 CHECK (settled_minor >= 0),
    resolved_seq bigint,
    PRIMARY KEY (shard, seq)
);
COMMENT ON COLUMN pending.screening IS 'whether it had to be cleared by compliance before it could be posted';
COMMENT ON COLUMN pending.settled_minor IS 'what parts of it have been posted so far, and not undone';
CREATE INDEX pending_open ON pending (shard, instruction_id) WHERE resolved_seq IS NULL;

-- Requests that wait for their day; what they ask is in the journal.
CREATE TABLE scheduled (
    shard int NOT NULL,
    seq bigint NOT NULL,
    entity_id int NOT NULL REFERENCES entity,
    execute_on date NOT NULL,
    ended_seq bigint CHECK (ended_seq > seq),
    PRIMARY KEY (shard, seq)
);
COMMENT ON COLUMN scheduled.ended_seq IS 'what executed it on its day, refused it then, or cancelled it before';
CREATE INDEX scheduled_waiting ON scheduled (shard, seq) WHERE ended_seq IS NULL;

-- (`freeze` by itself is a reserved word.)
CREATE TABLE account_freeze (
    account_id bigint NOT NULL REFERENCES account,
    freeze_id text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('debit', 'credit', 'both')),
    amount_minor bigint CHECK (amount_minor > 0),
    authority text NOT NULL,
    seq bigint NOT NULL,
    lifted_seq bigint,
    PRIMARY KEY (account_id, freeze_id),
    CHECK (amount_minor IS NULL OR direction = 'debit')
);
COMMENT ON COLUMN account_freeze.amount_minor IS 'how much of what is available is kept; null where all is stopped';
-- Every batch asks whether the foreign accounts it credits are frozen.
CREATE INDEX freeze_standing ON account_freeze (account_id, direction)
    WHERE lifted_seq IS NULL AND amount_minor IS NULL;

-- An account is closing until closed_seq, then closed, and open again from reopened_seq on.
CREATE TABLE account_closing (
    account_id bigint NOT NULL REFERENCES account,
    seq bigint NOT NULL,
    closed_seq bigint CHECK (closed_seq > seq),
    reopened_seq bigint CHECK (reopened_seq > seq AND reopened_seq > closed_seq),
    PRIMARY KEY (account_id, seq)
);
COMMENT ON COLUMN account_closing.seq IS 'of the home shard, as all of them: where it began';
-- Every batch asks whether the foreign accounts it credits are shut; no account is so twice at a time.
CREATE UNIQUE INDEX closing_standing ON account_closing (account_id) WHERE reopened_seq IS NULL;

-- What was undone, or came back in parts. A movement has one home at which it may: no two shards ever write
-- the same key, and what undoes it is its first part as what comes back is, so they exclude each other.
CREATE TABLE reversed (
    original_shard int NOT NULL,
    original_seq bigint NOT NULL,
    leg int NOT NULL,
    part int NOT NULL CHECK (part > 0),
    amount bigint NOT NULL CHECK (amount > 0),
    left_minor bigint NOT NULL CHECK (left_minor >= 0),
    shard int NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (original_shard, original_seq, leg, part)
);
COMMENT ON COLUMN reversed.leg IS 'the movement''s place in the original';
COMMENT ON COLUMN reversed.part IS 'how many times the movement has been used, with this one';
COMMENT ON COLUMN reversed.left_minor IS 'of the movement''s amount, after this';
COMMENT ON COLUMN reversed.shard IS 'the home of what undid it or came back, with its seq there';

-- Of those that hold on a booking date the last one set counts; where none does, account.limit_minor.
CREATE TABLE account_limit (
    account_id bigint NOT NULL REFERENCES account,
    seq bigint NOT NULL,
    limit_minor bigint CHECK (limit_minor >= 0),
    cap_minor bigint CHECK (cap_minor >= 0),
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    authority text NOT NULL,
    PRIMARY KEY (account_id, seq)
);
COMMENT ON COLUMN account_limit.seq IS 'of the home shard: where it was set';
COMMENT ON COLUMN account_limit.cap_minor IS 'the most that one request may take';

CREATE TABLE business_day (
    shard int NOT NULL,
    entity_id int NOT NULL REFERENCES entity,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (shard, entity_id, booking_date)
);

-- How much was posted of what accrues: all that has accrued, rounded, is posted less this. In another asset
-- or direction it is another series.
CREATE TABLE accrual (
    account text NOT NULL,
    series text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('credit', 'debit')),
    posted_minor bigint NOT NULL CHECK (posted_minor >= 0),
    seq bigint NOT NULL,
    shard int NOT NULL,
    PRIMARY KEY (account, series, asset, direction, shard)
);
COMMENT ON COLUMN accrual.account IS 'as it was named, whether there is one or not';
COMMENT ON COLUMN accrual.seq IS 'what it was posted by last';

-- Opening balances that were booked on the account that they named.
CREATE TABLE carried_over (
    shard int NOT NULL,
    account_id bigint NOT NULL REFERENCES account,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (shard, seq)
);

-- A period of an entity's books is soft-closed, then closed, or closed at once: a row a step.
CREATE TABLE period (
    shard int NOT NULL,
    entity_id int NOT NULL REFERENCES entity,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    state text NOT NULL CHECK (state IN ('soft_closed', 'closed')),
    seq bigint NOT NULL,
    PRIMARY KEY (shard, entity_id, last_day, state)
);
COMMENT ON COLUMN period.last_day IS 'included, as first_day is';
COMMENT ON COLUMN period.seq IS 'what the shard booked into it stands before; but for adjustments, while it is soft-closed';

-- Over every 1,024 events of a shard: the root of the Merkle tree of their hashes, chained to the seal before.
CREATE TABLE seal (
    shard int NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    previous_hash bytea NOT NULL,
    root bytea NOT NULL,
    hash bytea NOT NULL,
    head bytea NOT NULL,
    PRIMARY KEY (shard, last_seq)
);
COMMENT ON COLUMN seal.head IS 'hash of the event last_seq: where the chain of events can be taken up';

-- Where each shard's chain stands: moves with every batch, and can be made again from journal and seals.
CREATE TABLE seal_head (
    shard int PRIMARY KEY,
    seq bigint NOT NULL,
    head bytea NOT NULL,
    open_nodes bytea NOT NULL,
    seal_hash bytea NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN seal_head.open_nodes IS 'roots of the complete subtrees of the tree still open, the largest first, 32 bytes each';
COMMENT ON COLUMN seal_head.seal_hash IS 'of the last seal';

-- Under an owner's key is sealed what is personal in journal.content and in events. Erasing the owner deletes
-- the row, and so all that is sealed under it, wherever it stands; nothing else is ever deleted.
CREATE TABLE party_key (
    shard int NOT NULL,
    owner text NOT NULL,
    wrapped bytea NOT NULL,
    first_seq bigint NOT NULL,
    PRIMARY KEY (shard, owner)
);
COMMENT ON COLUMN party_key.wrapped IS 'the key, under the master key that the services are given';
COMMENT ON COLUMN party_key.first_seq IS 'the event that it was published before';
CREATE INDEX party_key_first ON party_key (shard, first_seq);

GRANT SELECT ON ALL TABLES IN SCHEMA transactions TO transactions_service, backoffice_readonly;
REVOKE SELECT ON party_key FROM backoffice_readonly;
GRANT INSERT, DELETE ON party_key TO transactions_service;
GRANT INSERT ON seal, seal_head TO transactions_service;
GRANT UPDATE (seq, head, open_nodes, seal_hash) ON seal_head TO transactions_service;
GRANT INSERT ON account, journal_row, movement_of_several, instruction_key, balance, pending, scheduled,
    account_freeze, account_closing, account_limit, business_day, period, carried_over, reversed, risk_class
    TO transactions_service;
GRANT INSERT ON day_balance, day_opening, accrual TO transactions_service;
GRANT UPDATE ON balance TO transactions_service;
GRANT UPDATE (debits, credits) ON day_balance TO transactions_service;
GRANT UPDATE (posted_minor, seq) ON accrual TO transactions_service;
GRANT UPDATE (cleared_seq, settled_minor, resolved_seq) ON pending TO transactions_service;
GRANT UPDATE (ended_seq) ON scheduled TO transactions_service;
GRANT UPDATE (lifted_seq) ON account_freeze TO transactions_service;
GRANT UPDATE (closed_seq, reopened_seq) ON account_closing TO transactions_service;
