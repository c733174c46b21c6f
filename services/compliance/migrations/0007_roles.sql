-- Who may act in which role from when to when: proposed by one administrator, approved by another, or revoked.
CREATE TABLE role_fact (
    shard int NOT NULL,
    grant_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('proposed', 'approved', 'revoked')),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    officer text NOT NULL,
    role text NOT NULL CHECK (
        role IN (
            'analyst', 'investigator', 'approver', 'rule_author', 'rule_publisher', 'auditor', 'administrator'
        )
    ),
    since date NOT NULL,
    until date CHECK (until > since),
    proposed_by text NOT NULL,
    proposal_is text NOT NULL GENERATED ALWAYS AS ('proposed') STORED,
    ends date NOT NULL GENERATED ALWAYS AS (coalesce(until, 'infinity')) STORED,
    PRIMARY KEY (shard, grant_id, what),
    UNIQUE (shard, grant_id, what, actor, officer, role, since, ends),
    UNIQUE (shard, act_id),
    CONSTRAINT role_fact_names_its_proposal
    FOREIGN KEY (shard, grant_id, proposal_is, proposed_by, officer, role, since, ends)
    REFERENCES role_fact (shard, grant_id, what, actor, officer, role, since, ends),
    CONSTRAINT a_role_takes_two_people CHECK (
        (what <> 'proposed' OR actor = proposed_by) AND (what <> 'approved' OR actor <> proposed_by)
    ),
    CONSTRAINT nobody_gives_themselves_a_role CHECK (what = 'revoked' OR actor <> officer)
);
COMMENT ON TABLE role_fact IS 'the same in every shard, whose writer each judges by its own';
COMMENT ON COLUMN role_fact.grant_id IS 'the act that proposed it';
COMMENT ON COLUMN role_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN role_fact.until IS 'the first day on which it no longer counts; null for none';

GRANT SELECT ON role_fact TO compliance_service, backoffice_readonly;
GRANT INSERT ON role_fact TO compliance_service;
