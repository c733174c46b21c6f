-- What the runtime keeps in each service's schema: who works a shard, where reading goes on,
-- what was sent, what could not be read and what waits. Applied once per service.

CREATE TABLE topology (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    partitions int NOT NULL CHECK (partitions BETWEEN 1 AND 10000)
);

-- The fence: nobody writes for a shard without matching (epoch, batch_no).
CREATE TABLE shard (
    shard int PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    owner text,
    session int,
    released boolean NOT NULL DEFAULT true,
    batch_no bigint NOT NULL DEFAULT 0,
    claimed_batch_no bigint NOT NULL DEFAULT -1,
    last_seq bigint NOT NULL DEFAULT 0,
    published_seq bigint NOT NULL DEFAULT 0,
    last_recorded_at timestamptz,
    last_progress_at timestamptz,
    halted text
) WITH (fillfactor = 50);

-- Where to read on, and that it is still the same topic.
CREATE TABLE position (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    last_offset bigint,
    last_timestamp bigint,
    last_hash bytea,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- The head of each chain a shard writes, and how far its copies are acknowledged.
CREATE TABLE sent (
    shard int NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    last_seq bigint NOT NULL,
    published_seq bigint NOT NULL DEFAULT 0,
    published_offset bigint NOT NULL DEFAULT -1,
    PRIMARY KEY (shard, topic, partition)
) WITH (fillfactor = 50);

-- What was taken from other services' shards.
CREATE TABLE source_mark (
    topic text NOT NULL,
    partition int NOT NULL,
    source_shard int NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (topic, partition, source_shard)
) WITH (fillfactor = 50);

-- Deaths inside handling: committed before a record is tried again.
CREATE TABLE attempt (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    shard int NOT NULL,
    count int NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);

-- Records nobody can read, as they came.
CREATE TABLE dead_letter (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    shard int NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    error text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);

-- Records that wait for an operator: the first whose handling failed, and later ones of its owner.
CREATE TABLE parked (
    parked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    shard int NOT NULL,
    owner text NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea NOT NULL,
    headers jsonb,
    error text NOT NULL,
    behind boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolution text CHECK (resolution IN ('replayed', 'discarded')),
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX parked_waiting ON parked (shard, owner, parked_id) WHERE resolved_at IS NULL;

-- Mending acts carried out (replay, discard, resume, pass over), so that one sent twice is done once.
CREATE TABLE act (
    act_id uuid NOT NULL,
    shard int NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, act_id)
);

-- Records that were gone before they were taken, and passed over by an act of two people.
CREATE TABLE passed_over (
    topic text NOT NULL,
    partition int NOT NULL,
    from_offset bigint NOT NULL,
    until_offset bigint NOT NULL CHECK (until_offset > from_offset),
    shard int NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    approved_by text NOT NULL CHECK (approved_by <> actor),
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, from_offset, act_id)
);

-- The journal of a service that keeps its events whole.
CREATE TABLE outbox (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    epoch bigint NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    key bytea NOT NULL,
    body bytea NOT NULL,
    prev bigint NOT NULL,
    correlation_id text,
    traceparent text,
    PRIMARY KEY (shard, seq)
);

DO $$
DECLARE
    service text := current_schema() || '_service';
BEGIN
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), service);
    EXECUTE format('GRANT INSERT, UPDATE ON topology, shard, position, sent, source_mark, parked TO %I', service);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON attempt TO %I', service);
    EXECUTE format('GRANT INSERT ON dead_letter, act, passed_over, outbox TO %I', service);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO backoffice_readonly', current_schema());
END $$;
