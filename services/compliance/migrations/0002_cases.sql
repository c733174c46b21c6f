-- What officers make of alerts: triage, cases, and their history, which is facts added and never edited.

-- A case as its facts have left it: all that moves here can be derived from them.
CREATE TABLE case_file (
    shard int NOT NULL,
    case_id uuid NOT NULL,
    opened_seq bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    owner text NOT NULL,
    kind text NOT NULL CHECK (
        kind IN ('suspicion', 'unknown_suspect', 'review', 'continuing', 'cash_report', 'market_abuse')
    ),
    version int NOT NULL CHECK (version > 0),
    status text NOT NULL CHECK (status IN ('open', 'investigating', 'proposed', 'closed')),
    deadline timestamptz NOT NULL,
    officer text,
    disposition text CHECK (disposition IN ('false_positive', 'inconclusive', 'confirmed')),
    report boolean,
    proposal int,
    proposed_by text,
    overdue_seq bigint,
    filing int,
    filing_status text CHECK (filing_status IN ('filed', 'accepted', 'rejected')),
    is_due boolean NOT NULL GENERATED ALWAYS AS (
        status <> 'closed' OR (report AND (filing_status IS NULL OR filing_status = 'rejected'))
    ) STORED,
    PRIMARY KEY (shard, case_id),
    CONSTRAINT case_file_is_of_a_kind UNIQUE (shard, case_id, kind),
    CHECK (status = 'open' OR officer IS NOT NULL),
    CHECK ((status IN ('proposed', 'closed')) = (disposition IS NOT NULL)),
    CHECK ((disposition IS NULL) = (report IS NULL)),
    CHECK ((status = 'proposed') = (proposal IS NOT NULL) AND (proposal IS NULL) = (proposed_by IS NULL)),
    CHECK (NOT report OR disposition = 'confirmed'),
    CONSTRAINT case_file_filing_check CHECK ((filing IS NULL) = (filing_status IS NULL) AND (filing IS NULL OR report))
);
CREATE INDEX case_file_waiting ON case_file (shard, deadline) WHERE is_due;
CREATE INDEX case_file_first_due ON case_file (deadline, shard, opened_seq) WHERE is_due;
CREATE INDEX case_file_by_age ON case_file (opened_at, shard, opened_seq);
CREATE INDEX case_file_due_by_age ON case_file (opened_at, shard, opened_seq) WHERE is_due;
CREATE INDEX case_file_of_officer ON case_file (officer, opened_at, shard, opened_seq);
CREATE INDEX case_file_due_of_officer ON case_file (officer) WHERE is_due;
CREATE INDEX case_file_of_owner ON case_file (owner, opened_at, shard, opened_seq);
CREATE INDEX case_file_confirmed ON case_file (shard, owner) WHERE status = 'closed' AND disposition = 'confirmed';
COMMENT ON COLUMN case_file.case_id IS 'the act that opened it';
COMMENT ON COLUMN case_file.version IS 'of its last fact; an act on an older one is refused';
COMMENT ON COLUMN case_file.report IS 'whether a report is to be filed';
COMMENT ON COLUMN case_file.proposal IS 'the version of the decision that waits for a second person';
COMMENT ON COLUMN case_file.filing IS 'the version of the last filing of its report';
COMMENT ON COLUMN case_file.is_due IS 'not closed, or closed with a report that is not filed, or was rejected';

-- One row for each thing that was done to a case, numbered without gaps: two officers cannot write the same.
CREATE TABLE case_fact (
    shard int NOT NULL,
    case_id uuid NOT NULL,
    version int NOT NULL CHECK (version > 0),
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    what text NOT NULL CHECK (
        what IN (
            'opened', 'gathered', 'assigned', 'noted', 'linked', 'proposed', 'decided', 'approved', 'returned',
            'reopened', 'filed', 'acknowledged'
        )
    ),
    actor text NOT NULL,
    reason text NOT NULL,
    deadline timestamptz,
    officer text,
    disposition text,
    report boolean,
    link_kind text,
    link text,
    proposal int,
    proposed_by text,
    proposal_is text GENERATED ALWAYS AS (CASE WHEN proposal IS NOT NULL THEN 'proposed' END) STORED,
    form text,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    schema_sha256 text CHECK (schema_sha256 ~ '^[0-9a-f]{64}$'),
    filing int,
    answer text CHECK (answer IN ('accepted', 'rejected')),
    reference text,
    filing_is text GENERATED ALWAYS AS (CASE WHEN filing IS NOT NULL THEN 'filed' END) STORED,
    kind_is text GENERATED ALWAYS AS (CASE WHEN form = 'stor' THEN 'market_abuse' END) STORED,
    PRIMARY KEY (shard, case_id, version),
    CONSTRAINT case_fact_form_fits_the_kind
    FOREIGN KEY (shard, case_id, kind_is) REFERENCES case_file (shard, case_id, kind),
    CONSTRAINT case_fact_kind UNIQUE (shard, case_id, version, what),
    UNIQUE (shard, case_id, version, what, actor),
    UNIQUE (shard, act_id),
    FOREIGN KEY (shard, case_id) REFERENCES case_file,
    CONSTRAINT case_fact_names_its_proposal FOREIGN KEY (shard, case_id, proposal, proposal_is, proposed_by)
    REFERENCES case_fact (shard, case_id, version, what, actor),
    CONSTRAINT case_fact_answers_a_filing FOREIGN KEY (shard, case_id, filing, filing_is)
    REFERENCES case_fact (shard, case_id, version, what),
    CONSTRAINT closing_takes_two_people CHECK (
        (what IN ('approved', 'returned')) = (proposal IS NOT NULL)
        AND (proposal IS NULL) = (proposed_by IS NULL)
        AND (what <> 'approved' OR proposed_by <> actor)
    ),
    CONSTRAINT confirming_is_proposed_first CHECK (
        what <> 'decided' OR (disposition IN ('false_positive', 'inconclusive') AND NOT report)
    ),
    CONSTRAINT filing_is_validated CHECK (
        (what = 'filed') = (form IS NOT NULL)
        AND (form IS NULL) = (sha256 IS NULL) AND (form IS NULL) = (schema_sha256 IS NULL)
    ),
    CONSTRAINT an_answer_has_a_reference CHECK (
        (what = 'acknowledged') = (filing IS NOT NULL)
        AND (filing IS NULL) = (answer IS NULL) AND (filing IS NULL) = (reference IS NULL)
    ),
    CHECK ((what = 'opened') = (version = 1)),
    CHECK ((what IN ('opened', 'reopened')) = (deadline IS NOT NULL)),
    CHECK ((what = 'assigned') = (officer IS NOT NULL)),
    CHECK ((what IN ('proposed', 'decided')) = (disposition IS NOT NULL)),
    CHECK ((disposition IS NULL) = (report IS NULL)),
    CHECK ((what = 'linked') = (link_kind IS NOT NULL) AND (link_kind IS NULL) = (link IS NULL))
);
COMMENT ON COLUMN case_fact.kind_is IS 'the kind of case that the form filed is of; null where any may be';
COMMENT ON COLUMN case_fact.seq IS 'the ActDone event that answered the act';
COMMENT ON COLUMN case_fact.reason IS 'the act''s; of a note, the note';
COMMENT ON COLUMN case_fact.proposal IS 'the version of the proposal that is approved or returned';
COMMENT ON COLUMN case_fact.sha256 IS 'of the file that was filed';
COMMENT ON COLUMN case_fact.schema_sha256 IS 'of the schema that the file was found valid against';
COMMENT ON COLUMN case_fact.filing IS 'the version of the filing that the authority has answered';
COMMENT ON COLUMN case_fact.reference IS 'the authority''s own';

-- A case is closed as its last decision says, by two people where it is confirmed. Looked at when a batch is whole,
-- since the file of a new case stands before its facts.
CREATE FUNCTION require_closing() RETURNS trigger
LANGUAGE plpgsql SET search_path = compliance, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM case_file AS c
        LEFT JOIN LATERAL (
            SELECT f.what, f.proposal, f.disposition, f.report FROM case_fact AS f
            WHERE f.shard = c.shard AND f.case_id = c.case_id
                AND f.what IN ('proposed', 'decided', 'approved', 'returned', 'reopened')
            ORDER BY f.version DESC LIMIT 1
        ) AS l ON true
        LEFT JOIN case_fact AS p ON p.shard = c.shard AND p.case_id = c.case_id AND p.version = l.proposal
        WHERE c.shard = NEW.shard AND c.case_id = NEW.case_id AND c.status = 'closed'
            AND (
                coalesce(l.what NOT IN ('decided', 'approved'), true)
                OR (c.disposition, c.report)
                    IS DISTINCT FROM (coalesce(p.disposition, l.disposition), coalesce(p.report, l.report))
            )
    ) THEN
        RAISE EXCEPTION 'not so decided: %', NEW.case_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER a_case_is_closed_as_decided AFTER INSERT OR UPDATE ON case_file
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.status = 'closed') EXECUTE FUNCTION require_closing();

-- What is filed is a report that two people decided on.
CREATE FUNCTION require_report() RETURNS trigger
LANGUAGE plpgsql SET search_path = compliance, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM (
            SELECT f.what, f.proposal FROM case_fact AS f
            WHERE f.shard = NEW.shard AND f.case_id = NEW.case_id AND f.version < NEW.version
                AND f.what IN ('proposed', 'decided', 'approved', 'returned', 'reopened')
            ORDER BY f.version DESC LIMIT 1
        ) AS l
        JOIN case_fact AS p ON p.shard = NEW.shard AND p.case_id = NEW.case_id AND p.version = l.proposal
        WHERE l.what = 'approved' AND p.report
    ) THEN
        RAISE EXCEPTION 'no report is due: %', NEW.case_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER what_is_filed_was_decided AFTER INSERT ON case_fact
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.what = 'filed') EXECUTE FUNCTION require_report();

-- What became of an alert: taken into a case or dismissed, once.
CREATE TABLE alert_triage (
    shard int NOT NULL,
    alert_seq bigint NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    case_id uuid,
    case_version int,
    PRIMARY KEY (shard, alert_seq),
    FOREIGN KEY (shard, alert_seq) REFERENCES alert (shard, seq),
    FOREIGN KEY (shard, case_id, case_version) REFERENCES case_fact,
    CHECK ((case_id IS NULL) = (case_version IS NULL))
);
CREATE INDEX alert_triage_case ON alert_triage (shard, case_id);
COMMENT ON COLUMN alert_triage.case_id IS 'the case that took it; null where it was dismissed';

GRANT SELECT ON case_file, case_fact, alert_triage TO compliance_service, backoffice_readonly;
GRANT INSERT ON case_file, case_fact, alert_triage TO compliance_service;
GRANT UPDATE (
    version, status, deadline, officer, disposition, report, proposal, proposed_by, overdue_seq, filing, filing_status
) ON case_file TO compliance_service;
