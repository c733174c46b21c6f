-- Reports of cases: what was filed, and what the authority answered, as facts of the case.

ALTER TABLE case_fact
ADD COLUMN form text,
ADD COLUMN sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
ADD COLUMN schema_sha256 text CHECK (schema_sha256 ~ '^[0-9a-f]{64}$'),
ADD COLUMN filing int,
ADD COLUMN answer text CHECK (answer IN ('accepted', 'rejected')),
ADD COLUMN reference text,
ADD COLUMN filing_is text GENERATED ALWAYS AS (CASE WHEN filing IS NOT NULL THEN 'filed' END) STORED,
DROP CONSTRAINT case_fact_what_check,
ADD CONSTRAINT case_fact_what_check CHECK (
    what IN (
        'opened', 'gathered', 'assigned', 'noted', 'linked', 'proposed', 'decided', 'approved', 'returned',
        'reopened', 'filed', 'acknowledged'
    )
),
ADD CONSTRAINT case_fact_kind UNIQUE (shard, case_id, version, what),
ADD CONSTRAINT case_fact_answers_a_filing FOREIGN KEY (shard, case_id, filing, filing_is)
REFERENCES case_fact (shard, case_id, version, what),
ADD CONSTRAINT filing_is_validated CHECK (
    (what = 'filed') = (form IS NOT NULL)
    AND (form IS NULL) = (sha256 IS NULL) AND (form IS NULL) = (schema_sha256 IS NULL)
),
ADD CONSTRAINT an_answer_has_a_reference CHECK (
    (what = 'acknowledged') = (filing IS NOT NULL)
    AND (filing IS NULL) = (answer IS NULL) AND (filing IS NULL) = (reference IS NULL)
);
COMMENT ON COLUMN case_fact.sha256 IS 'of the file that was filed';
COMMENT ON COLUMN case_fact.schema_sha256 IS 'of the schema that the file was found valid against';
COMMENT ON COLUMN case_fact.filing IS 'the version of the filing that the authority has answered';
COMMENT ON COLUMN case_fact.reference IS 'the authority''s own';

ALTER TABLE case_file
ADD COLUMN filing int,
ADD COLUMN filing_status text CHECK (filing_status IN ('filed', 'accepted', 'rejected')),
ADD COLUMN is_due boolean NOT NULL GENERATED ALWAYS AS (
    status <> 'closed' OR (report AND (filing_status IS NULL OR filing_status = 'rejected'))
) STORED,
ADD CONSTRAINT case_file_filing_check CHECK ((filing IS NULL) = (filing_status IS NULL) AND (filing IS NULL OR report));
COMMENT ON COLUMN case_file.filing IS 'the version of the last filing of its report';
COMMENT ON COLUMN case_file.is_due IS 'not closed, or closed with a report that is not filed, or was rejected';

DROP INDEX case_file_waiting;
CREATE INDEX case_file_waiting ON case_file (shard, deadline) WHERE is_due;

GRANT UPDATE (filing, filing_status) ON case_file TO compliance_service;

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
    PRIMARY KEY (shard, grant_id, what),
    UNIQUE (shard, grant_id, what, actor, officer, role),
    UNIQUE (shard, act_id),
    CONSTRAINT role_fact_names_its_proposal FOREIGN KEY (shard, grant_id, proposal_is, proposed_by, officer, role)
    REFERENCES role_fact (shard, grant_id, what, actor, officer, role),
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
