-- Versions of rules' parameters that people propose and publish; facts, added and never edited.

-- A version as it is proposed: whole, with who wants it and why. It counts nowhere until it is published.
CREATE TABLE rule_proposal (
    proposal_id uuid PRIMARY KEY,
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    rule text NOT NULL,
    version int NOT NULL CHECK (version > 1000),
    asset text NOT NULL,
    segment text NOT NULL,
    jurisdiction text NOT NULL,
    "values" jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    proposed_by text NOT NULL,
    reason text NOT NULL,
    UNIQUE (rule, version),
    UNIQUE (proposal_id, proposed_by)
);
COMMENT ON COLUMN rule_proposal.proposal_id IS 'the act that proposed it';
COMMENT ON COLUMN rule_proposal.seq IS 'the ActDone event of the house''s shard that answered it';
COMMENT ON COLUMN rule_proposal.version IS 'above 1000: those below come with the product';
COMMENT ON COLUMN rule_proposal."values" IS 'amounts as decimal strings of the asset; {} switches the rule off there';

-- What became of it in each shard, step by step, and from which record of the journal on.
CREATE TABLE rule_change (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    proposal_id uuid NOT NULL,
    before text NOT NULL CHECK (before IN ('proposed', 'shadow', 'live')),
    after text NOT NULL CHECK (after IN ('shadow', 'live', 'withdrawn')),
    journal_offset bigint NOT NULL CHECK (journal_offset >= 0),
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    step_before text GENERATED ALWAYS AS (nullif(before, 'proposed')) STORED,
    PRIMARY KEY (shard, seq),
    UNIQUE (shard, proposal_id, before),
    UNIQUE (shard, proposal_id, after),
    UNIQUE (shard, act_id),
    CONSTRAINT rule_change_names_its_proposal FOREIGN KEY (proposal_id, proposed_by)
    REFERENCES rule_proposal (proposal_id, proposed_by),
    CONSTRAINT rule_change_follows_the_one_before FOREIGN KEY (shard, proposal_id, step_before)
    REFERENCES rule_change (shard, proposal_id, after),
    CONSTRAINT publishing_takes_two_people CHECK (
        actor <> proposed_by OR (after = 'withdrawn' AND before <> 'live')
    ),
    CONSTRAINT rule_change_goes_on CHECK (before <> after AND (before <> 'live' OR after = 'withdrawn'))
);
COMMENT ON COLUMN rule_change.seq IS 'the shard''s ParametersChanged event';
COMMENT ON COLUMN rule_change.journal_offset IS 'the first record of the shard''s partition for which it is so';

-- What versions in shadow would have found: the first of an owner, a rule and a business day, as alerts are.
CREATE TABLE shadow_finding (
    shard int NOT NULL,
    proposal_id uuid NOT NULL REFERENCES rule_proposal,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    would_hold boolean NOT NULL,
    findings jsonb NOT NULL,
    about_shard int NOT NULL,
    about_seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (shard, proposal_id, owner, business_date, subject, would_hold),
    UNIQUE (shard, place)
);
COMMENT ON COLUMN shadow_finding.would_hold IS 'whether a waiting payment would have been held';
COMMENT ON COLUMN shadow_finding.place IS 'rising in a shard, with gaps: how far a removal has come';

GRANT SELECT ON rule_proposal, rule_change, shadow_finding TO compliance_service, backoffice_readonly;
GRANT INSERT ON rule_proposal, rule_change, shadow_finding TO compliance_service;
