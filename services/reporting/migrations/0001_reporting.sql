-- What reporting counts. Every row has one writer: the process that works its shard. Codes are kept as
-- they are on the wire, without numbers of our own, so that a rebuild gives the same tables whatever the
-- order in which the shards were read. Text is compared by code point, the same in every database.

-- What is known of an account, as its shard's events said it; one row a shard, since no two may write one.
CREATE TABLE account (
    shard int NOT NULL,
    scale smallint NOT NULL,
    account text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, shard)
);

-- bigint is enough: the ledger refuses an instruction that would take a shard's lifetime counter of an
-- account past 64 bits, and a day's sums are a part of that counter.
CREATE TABLE account_day (
    debits bigint NOT NULL CHECK (debits >= 0),
    credits bigint NOT NULL CHECK (credits >= 0),
    debits_pending bigint NOT NULL,
    credits_pending bigint NOT NULL,
    shard int NOT NULL,
    booking_date date NOT NULL,
    entries int NOT NULL CHECK (entries >= 0),
    account text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, booking_date, shard)
) WITH (fillfactor = 70);
CREATE INDEX account_day_booking_date ON account_day USING brin (booking_date) WITH (pages_per_range = 16);
COMMENT ON TABLE account_day IS 'posted movements by account and booking date; counted on primary copies';
COMMENT ON COLUMN account_day.shard IS 'the shard whose writer made the events';
COMMENT ON COLUMN account_day.debits_pending IS 'reserved less settled and freed on the day; summed up to a day: what was pending';

-- numeric: sums over several accounts may pass 64 bits.
CREATE TABLE owner_day (
    shard int NOT NULL,
    booking_date date NOT NULL,
    entries int NOT NULL CHECK (entries >= 0),
    owner text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    debits numeric(38, 0) NOT NULL CHECK (debits >= 0),
    credits numeric(38, 0) NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (owner, asset, booking_date, shard)
) WITH (fillfactor = 70);
COMMENT ON TABLE owner_day IS 'posted legs by owner, each once, in the owner''s home partition; the house has none';

CREATE TABLE activity (
    shard int NOT NULL,
    day date NOT NULL,
    scale smallint NOT NULL,
    later boolean NOT NULL,
    entity text COLLATE "C" NOT NULL,
    instruction_type text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    amount numeric(38, 0) NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (day, shard, entity, instruction_type, asset, channel, outcome, reason, later)
) WITH (fillfactor = 50);
COMMENT ON TABLE activity IS 'every event that gives a record its fate, counted once';
COMMENT ON COLUMN activity.day IS 'the booking date; for what books nothing the business day its shard stood at';
COMMENT ON COLUMN activity.later IS 'whether it follows up an earlier outcome of the same record (a pending one posted or voided, a parked one discarded)';
COMMENT ON COLUMN activity.count IS 'transactions count once, at the asset of their first movement';

CREATE TABLE compliance_day (
    shard int NOT NULL,
    day date NOT NULL,
    event text COLLATE "C" NOT NULL CHECK (event IN ('decision', 'alert', 'hold', 'overdue')),
    outcome text COLLATE "C" NOT NULL,
    rule text COLLATE "C" NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, shard, event, outcome, rule)
) WITH (fillfactor = 50);
COMMENT ON COLUMN compliance_day.rule IS 'empty: the events themselves, each once; else those of them in which this rule was found';

-- How many events of each kind were taken: what the aggregates are held against.
CREATE TABLE taken (
    shard int NOT NULL,
    day date NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    topic text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    PRIMARY KEY (day, shard, topic, kind)
) WITH (fillfactor = 50);

-- Where each shard stands: the booking date of its last event that had one.
CREATE TABLE business_day (
    shard int PRIMARY KEY,
    booking_date date NOT NULL
) WITH (fillfactor = 50);

-- Periods that the ledger's shards have closed, softly or for good: a row a step.
CREATE TABLE period (
    shard int NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    seq bigint NOT NULL,
    entity text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    PRIMARY KEY (entity, last_day, shard, state)
);
COMMENT ON COLUMN period.seq IS 'the ledger''s event that closed it in the shard';

-- One row a posted movement, with both its accounts: what statements list. Appended, never changed. That no
-- movement is here twice is held by the runtime's fence and marks, and checked by every statement against
-- account_day; a unique index would add 65 bytes to 142, and a third to the time of appending.
CREATE TABLE entry (
    seq bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    recorded_at timestamptz NOT NULL,
    shard int NOT NULL,
    booking_date date NOT NULL,
    value_date date NOT NULL,
    leg smallint NOT NULL,
    debit_account text COLLATE "C" NOT NULL,
    credit_account text COLLATE "C" NOT NULL,
    instruction_type text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL
);
CREATE INDEX entry_debit ON entry (debit_account, booking_date);
CREATE INDEX entry_credit ON entry (credit_account, booking_date);
COMMENT ON COLUMN entry.reference IS 'the upstream''s business reference; empty for none';

-- What the house keeps for somebody, item by item: a row for each movement that put something into suspense, the
-- return account or blocked funds, or took something from there without naming an item. Appended, never changed.
CREATE TABLE item (
    seq bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount <> 0),
    shard int NOT NULL,
    booking_date date NOT NULL,
    leg smallint NOT NULL,
    account text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, seq, leg)
);
COMMENT ON COLUMN item.amount IS 'kept for somebody; below zero where it is owed to the house';
COMMENT ON COLUMN item.owner IS 'whose instruction or account it came of: who uses it up';

CREATE TABLE item_use (
    item_seq bigint NOT NULL,
    seq bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount <> 0),
    item_shard int NOT NULL,
    shard int NOT NULL,
    booking_date date NOT NULL,
    item_leg smallint NOT NULL,
    leg smallint NOT NULL,
    PRIMARY KEY (item_shard, item_seq, item_leg, shard, seq, leg)
);
COMMENT ON TABLE item_use IS 'what was taken of items: allocated, written off, undone';
COMMENT ON COLUMN item_use.amount IS 'of the item''s sign';

-- Reports made, and those refused because they did not reconcile. Appended, never changed. json, not jsonb:
-- totals and comparisons keep the order they were made in.
CREATE TABLE report_run (
    run_id uuid NOT NULL,
    shard int NOT NULL,
    seq bigint NOT NULL,
    report text COLLATE "C" NOT NULL,
    booking_date date NOT NULL,
    parameters json NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    known_at timestamptz NOT NULL,
    vector json NOT NULL,
    rows int NOT NULL CHECK (rows >= 0),
    totals json NOT NULL,
    reconciled boolean NOT NULL,
    reconciles_with json NOT NULL,
    sha256 text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (run_id, shard)
);
CREATE INDEX report_run_known_at ON report_run (known_at);
COMMENT ON COLUMN report_run.run_id IS 'the id of the act that asked for it';
COMMENT ON COLUMN report_run.vector IS 'shard to the ledger''s seq that had been taken';
COMMENT ON COLUMN report_run.body IS 'the rows as canonical CSV; sha256 is taken over it';

GRANT SELECT ON account, account_day, owner_day, activity, compliance_day, taken, business_day, period, entry, report_run,
    item, item_use
    TO reporting_service, backoffice_readonly;
GRANT INSERT, UPDATE ON account_day, owner_day, activity, compliance_day, taken, business_day TO reporting_service;
GRANT INSERT ON account, entry, period, item, item_use, report_run TO reporting_service;
