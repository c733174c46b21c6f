-- Snoozes: a rule's alerts about a customer that two people have silenced for a time; facts, never edited.
CREATE TABLE snooze_fact (
    shard int NOT NULL,
    snooze_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('proposed', 'approved', 'ended')),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL CONSTRAINT names_are_never_snoozed CHECK (rule <> 'SAN-1'),
    until date NOT NULL,
    proposed_by text NOT NULL,
    journal_offset bigint CHECK (journal_offset >= 0),
    proposal_is text NOT NULL GENERATED ALWAYS AS ('proposed') STORED,
    PRIMARY KEY (shard, snooze_id, what),
    UNIQUE (shard, snooze_id, what, owner, rule),
    UNIQUE (shard, snooze_id, what, actor, owner, rule, until),
    UNIQUE (shard, act_id),
    CONSTRAINT snooze_fact_names_its_proposal
    FOREIGN KEY (shard, snooze_id, proposal_is, proposed_by, owner, rule, until)
    REFERENCES snooze_fact (shard, snooze_id, what, actor, owner, rule, until),
    CONSTRAINT a_snooze_takes_two_people CHECK (
        (what <> 'proposed' OR actor = proposed_by) AND (what <> 'approved' OR actor <> proposed_by)
    ),
    CHECK ((what = 'proposed') = (journal_offset IS NULL))
);
COMMENT ON COLUMN snooze_fact.snooze_id IS 'the act that proposed it';
COMMENT ON COLUMN snooze_fact.seq IS 'the SnoozeChanged event; of a proposal the ActDone that answered it';
COMMENT ON COLUMN snooze_fact.until IS 'the first business day of which the rule alerts again';
COMMENT ON COLUMN snooze_fact.journal_offset IS 'the first record of the shard''s partition for which it is so';

-- What would have been an alert, one where an alert would have been.
CREATE TABLE snoozed_alert (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    snooze_id uuid NOT NULL,
    snooze_is text NOT NULL GENERATED ALWAYS AS ('approved') STORED,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    findings jsonb NOT NULL,
    about_shard int NOT NULL,
    about_seq bigint NOT NULL,
    instruction_id uuid,
    PRIMARY KEY (shard, owner, rule, business_date, subject),
    UNIQUE (shard, seq),
    CONSTRAINT what_is_snoozed_was_approved FOREIGN KEY (shard, snooze_id, snooze_is, owner, rule)
    REFERENCES snooze_fact (shard, snooze_id, what, owner, rule)
);
CREATE INDEX snoozed_alert_by ON snoozed_alert (shard, snooze_id);
CREATE INDEX snoozed_alert_by_age ON snoozed_alert (recorded_at, shard, seq);
COMMENT ON COLUMN snoozed_alert.seq IS 'the AlertSnoozed event';

GRANT SELECT ON snooze_fact, snoozed_alert TO compliance_service, backoffice_readonly;
GRANT INSERT ON snooze_fact, snoozed_alert TO compliance_service;
