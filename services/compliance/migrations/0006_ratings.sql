-- How likely customers are to launder money: each rating a fact, on the one before. Who has none is of medium risk.
CREATE TYPE risk_class AS ENUM ('low', 'medium', 'high');

-- A lower class that one person has proposed; it counts when another approves it.
CREATE TABLE rating_proposal (
    shard int NOT NULL,
    rating_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    risk_class risk_class NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (shard, rating_id),
    UNIQUE (shard, rating_id, owner, version, risk_class, proposed_by)
);
COMMENT ON COLUMN rating_proposal.rating_id IS 'the act that proposed it';
COMMENT ON COLUMN rating_proposal.seq IS 'the ActDone event that answered it';
COMMENT ON COLUMN rating_proposal.version IS 'which it would be: on another rating since, it counts no more';

CREATE TABLE customer_rating (
    shard int NOT NULL,
    owner text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    risk_class risk_class NOT NULL,
    previous risk_class NOT NULL,
    previous_version int GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
    finding jsonb,
    about_shard int,
    about_seq bigint,
    act_id uuid,
    actor text,
    reason text,
    rating_id uuid,
    proposed_by text,
    PRIMARY KEY (shard, owner, version),
    UNIQUE (shard, owner, version, risk_class),
    UNIQUE (shard, seq),
    CONSTRAINT rating_follows_the_one_before FOREIGN KEY (shard, owner, previous_version, previous)
    REFERENCES customer_rating (shard, owner, version, risk_class),
    CONSTRAINT rating_has_its_proposal
    FOREIGN KEY (shard, rating_id, owner, version, risk_class, proposed_by)
    REFERENCES rating_proposal (shard, rating_id, owner, version, risk_class, proposed_by),
    CONSTRAINT lowering_takes_two_people CHECK (
        risk_class > previous OR (finding IS NOT NULL AND version = 1) OR coalesce(proposed_by <> actor, false)
    ),
    CHECK (version > 1 OR previous = 'medium'),
    CHECK (risk_class <> previous),
    CHECK ((finding IS NULL) = (about_seq IS NULL) AND (about_seq IS NULL) = (about_shard IS NULL)),
    CHECK ((finding IS NULL) = (act_id IS NOT NULL)),
    CHECK ((act_id IS NULL) = (actor IS NULL) AND (act_id IS NULL) = (reason IS NULL)),
    CHECK ((rating_id IS NULL) = (proposed_by IS NULL))
);
COMMENT ON COLUMN customer_rating.seq IS 'the CustomerRated event';
COMMENT ON COLUMN customer_rating.finding IS 'of the data by which it was rated; null where people did it';
COMMENT ON COLUMN customer_rating.about_seq IS 'the ledger''s event on which the data were asked';

-- Whom the ledger's policy names to be told of a hold.
ALTER TABLE hold ADD COLUMN told text;
GRANT INSERT (told) ON hold TO compliance_service;

GRANT SELECT ON rating_proposal, customer_rating TO compliance_service, backoffice_readonly;
GRANT INSERT ON rating_proposal, customer_rating TO compliance_service;
