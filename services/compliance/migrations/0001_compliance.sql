-- What compliance knows and has done. Appended rows are never changed; only the status of a hold and of a
-- whitelisted pair, and how far a screening has come, move.

-- Parameters of rules: data with a date and a source.
CREATE TABLE rule_parameter (
    rule text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    asset text NOT NULL,
    "values" jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    source text NOT NULL,
    segment text NOT NULL DEFAULT '*',
    jurisdiction text NOT NULL DEFAULT '*',
    PRIMARY KEY (rule, asset, segment, jurisdiction, version)
);
COMMENT ON COLUMN rule_parameter.asset IS 'an asset''s code, or * for every asset without a row of its own';
COMMENT ON COLUMN rule_parameter.segment IS 'the kind of party it is for: person, organisation, or *';
COMMENT ON COLUMN rule_parameter.jurisdiction IS 'the customer''s country of residence, or *';
COMMENT ON COLUMN rule_parameter."values" IS 'amounts as decimal strings of the asset';

-- A version of a watch list; complete when all its parts are there, and never changed then.
CREATE TABLE list_version (
    list_code text NOT NULL,
    version text NOT NULL,
    parts int NOT NULL CHECK (parts > 0),
    sha256 text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (list_code, version)
);

CREATE TABLE list_part (
    list_code text NOT NULL,
    version text NOT NULL,
    part int NOT NULL CHECK (part > 0),
    entries int NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (list_code, version, part),
    FOREIGN KEY (list_code, version) REFERENCES list_version
);

CREATE TABLE list_entry (
    list_code text NOT NULL,
    version text NOT NULL,
    entry_id text NOT NULL,
    part int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('person', 'organisation', 'vessel', 'aircraft', 'unknown')),
    programmes text[] NOT NULL,
    birth_dates text[] NOT NULL,
    countries text[] NOT NULL,
    identifiers text[] NOT NULL,
    addresses text[] NOT NULL,
    remarks text NOT NULL,
    PRIMARY KEY (list_code, version, entry_id),
    FOREIGN KEY (list_code, version, part) REFERENCES list_part
);
COMMENT ON COLUMN list_entry.birth_dates IS '1962-09-08, 1962-09, 1962 or a range of years, 1960/1965';
COMMENT ON COLUMN list_entry.countries IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN list_entry.identifiers IS 'kind:value, as the loader spells them';

CREATE TABLE list_name (
    list_code text NOT NULL,
    version text NOT NULL,
    entry_id text NOT NULL,
    number int NOT NULL,
    name text NOT NULL,
    is_weak boolean NOT NULL,
    PRIMARY KEY (list_code, version, entry_id, number),
    FOREIGN KEY (list_code, version, entry_id) REFERENCES list_entry
);
COMMENT ON COLUMN list_name.is_weak IS 'an alias too common to screen by: it confirms a match';

-- Which version a shard screens against: its last activation of each list.
CREATE TABLE list_activation (
    shard int NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, list_code, seq),
    FOREIGN KEY (list_code, version) REFERENCES list_version
);
COMMENT ON COLUMN list_activation.seq IS 'the shard''s ListActivated event; 0 for the list a new database has';

-- Files of lists that were refused whole; the version before stays in force.
CREATE TABLE list_refusal (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    list_code text NOT NULL,
    file text NOT NULL,
    line int NOT NULL CHECK (line >= 0),
    why text NOT NULL,
    stays text,
    PRIMARY KEY (shard, seq)
);
COMMENT ON COLUMN list_refusal.seq IS 'the shard''s ListRefused event; mended by a later activation of the list';
COMMENT ON COLUMN list_refusal.line IS '0 where no line is to blame';
COMMENT ON COLUMN list_refusal.stays IS 'the version that this shard goes on to screen against; null for none';

-- Parties on record: whom accounts were opened for, each once by owner and by what is known of them.
CREATE TABLE party (
    shard int NOT NULL,
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    digest text NOT NULL,
    instruction_id uuid NOT NULL,
    field text NOT NULL,
    name text NOT NULL,
    kind text,
    birth_date text,
    country text,
    identifier text,
    PRIMARY KEY (shard, owner, digest),
    UNIQUE (shard, number)
);
COMMENT ON COLUMN party.number IS 'rising in a shard, with gaps: how far screening again has come';
COMMENT ON COLUMN party.seq IS 'the ledger''s event of this shard that named them first';
COMMENT ON COLUMN party.digest IS 'of what can be screened, so that another name or birth date is another row';

-- Parties on record screened again against what a new version of a list has changed; one row an activation.
CREATE TABLE rescreening (
    shard int NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    replaced text,
    business_date date NOT NULL,
    entries text[],
    through bigint NOT NULL,
    done_through bigint NOT NULL DEFAULT 0,
    parties int NOT NULL DEFAULT 0,
    alerts int NOT NULL DEFAULT 0,
    finished_seq bigint,
    PRIMARY KEY (shard, seq),
    FOREIGN KEY (list_code, version) REFERENCES list_version,
    CHECK (done_through <= through)
);
CREATE INDEX rescreening_open ON rescreening (shard, seq) WHERE finished_seq IS NULL;
COMMENT ON COLUMN rescreening.seq IS 'the shard''s ListActivated event';
COMMENT ON COLUMN rescreening.entries IS 'new and changed ones; null for all, where no version was active before';
COMMENT ON COLUMN rescreening.through IS 'the last party on record at the activation; later ones were screened against it';

-- Pairs of a party and a listed entry that are known to be two: they neither hold nor alert while they count.
CREATE TABLE whitelisting (
    shard int NOT NULL,
    whitelisting_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    list_code text NOT NULL,
    list_version text NOT NULL,
    entry_id text NOT NULL,
    entry_digest text NOT NULL,
    name text NOT NULL,
    kind text,
    birth_date text,
    country text,
    until date NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    status text NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'approved', 'revoked')),
    approved_by text,
    approved_seq bigint,
    approval_reason text,
    revoked_by text,
    revoked_seq bigint,
    revocation_reason text,
    PRIMARY KEY (shard, whitelisting_id),
    FOREIGN KEY (list_code, list_version, entry_id) REFERENCES list_entry (list_code, version, entry_id),
    CONSTRAINT whitelisting_takes_two_people CHECK (approved_by <> proposed_by),
    CHECK (status <> 'approved' OR approved_by IS NOT NULL),
    CHECK ((status = 'revoked') = (revoked_by IS NOT NULL)),
    CHECK ((approved_by IS NULL) = (approved_seq IS NULL) AND (approved_by IS NULL) = (approval_reason IS NULL)),
    CHECK ((revoked_by IS NULL) = (revoked_seq IS NULL) AND (revoked_by IS NULL) = (revocation_reason IS NULL))
);
COMMENT ON COLUMN whitelisting.seq IS 'the ActDone event that answered the proposal; so are the other two';
COMMENT ON COLUMN whitelisting.entry_digest IS 'of what the entry said of who is meant; another one voids the pair';
COMMENT ON COLUMN whitelisting.until IS 'the first business day on which it no longer counts';

-- The window store: banknotes of an owner at home in the shard, each leg once.
CREATE TABLE cash_event (
    shard int NOT NULL,
    source_shard int NOT NULL,
    leg int NOT NULL,
    booking_date date NOT NULL,
    seq bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    occurred_at timestamptz NOT NULL,
    owner text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    phase text NOT NULL CHECK (phase IN ('posted', 'pending', 'settled')),
    scale int NOT NULL,
    conductor text,
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (shard, owner, source_shard, seq, asset, direction)
);
CREATE UNIQUE INDEX cash_event_number ON cash_event (shard, number);
CREATE INDEX cash_event_conductor ON cash_event (conductor, booking_date) WHERE conductor IS NOT NULL;
COMMENT ON COLUMN cash_event.seq IS 'the ledger''s event, in source_shard';
COMMENT ON COLUMN cash_event.scale IS 'decimals of the asset';
COMMENT ON COLUMN cash_event.conductor IS 'an opaque code of who brought or took it, where the instruction says so';
COMMENT ON COLUMN cash_event.number IS 'rising in a shard, with gaps: how far a run has read';

-- Windows over what moves: what each batch of a shard added, and, as of such a batch, the state of each window.
CREATE TABLE window_batch (
    shard int NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    count int NOT NULL CHECK (count > 0),
    entries bytea NOT NULL,
    PRIMARY KEY (shard, number)
);
COMMENT ON COLUMN window_batch.number IS 'without gaps in a shard';
COMMENT ON COLUMN window_batch.entries IS 'in their order; from the first on they make every window anew';

CREATE TABLE window_state (
    shard int NOT NULL,
    owner text NOT NULL,
    asset text NOT NULL,
    form int NOT NULL,
    through bigint NOT NULL,
    checksum bigint NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (shard, owner, asset)
);
COMMENT ON COLUMN window_state.form IS 'of the state; one of another form is made anew from the entries';
COMMENT ON COLUMN window_state.through IS 'the last batch it holds';
COMMENT ON COLUMN window_state.checksum IS 'CRC-32 of the state';

CREATE TABLE window_checkpoint (
    shard int PRIMARY KEY,
    through bigint NOT NULL
);
COMMENT ON COLUMN window_checkpoint.through IS 'up to this batch every window is stored';

CREATE TABLE hold (
    shard int NOT NULL,
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    content_hash text NOT NULL,
    owner text NOT NULL,
    first_shard int NOT NULL,
    first_seq bigint NOT NULL,
    asset text NOT NULL,
    amount text NOT NULL,
    deadline timestamptz NOT NULL,
    findings jsonb NOT NULL,
    lists jsonb NOT NULL,
    status text NOT NULL DEFAULT 'held' CHECK (status IN ('held', 'released', 'refused')),
    decided_seq bigint,
    overdue_seq bigint,
    PRIMARY KEY (shard, instruction_id),
    CHECK ((status = 'held') = (decided_seq IS NULL))
);
CREATE INDEX hold_waiting ON hold (shard, deadline) WHERE status = 'held';
CREATE INDEX hold_by_age ON hold (recorded_at, shard, seq);
CREATE INDEX hold_of_status ON hold (status, recorded_at, shard, seq);
COMMENT ON COLUMN hold.amount IS 'decimal string, as told: the sum of what the owner is debited';

-- Releases of payments with a listed name that one person has proposed; another decides.
CREATE TABLE hold_release (
    shard int NOT NULL,
    instruction_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act_id uuid NOT NULL,
    proposed_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (shard, instruction_id),
    UNIQUE (shard, instruction_id, proposed_by),
    FOREIGN KEY (shard, instruction_id) REFERENCES hold
);
COMMENT ON COLUMN hold_release.seq IS 'the ActDone event that answered the proposal';

-- Entries for which a payment was held that a later version of their list has not got; each told once.
CREATE TABLE hold_delisting (
    shard int NOT NULL,
    instruction_id uuid NOT NULL,
    list_code text NOT NULL,
    entry_id text NOT NULL,
    version text NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, instruction_id, list_code, entry_id),
    FOREIGN KEY (shard, instruction_id) REFERENCES hold,
    FOREIGN KEY (list_code, version) REFERENCES list_version
);
COMMENT ON COLUMN hold_delisting.version IS 'the first without the entry that was looked at';
COMMENT ON COLUMN hold_delisting.seq IS 'the HoldDelisted event';

-- What was answered, and why.
CREATE TABLE decision (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    instruction_id uuid NOT NULL,
    content_hash text NOT NULL,
    owner text NOT NULL,
    first_shard int NOT NULL,
    first_seq bigint NOT NULL,
    decision text NOT NULL CHECK (decision IN ('cleared', 'released', 'refused')),
    findings jsonb NOT NULL,
    lists jsonb NOT NULL,
    act_id uuid,
    actor text,
    reason text,
    proposed_by text,
    PRIMARY KEY (shard, seq),
    UNIQUE (instruction_id, shard),
    CONSTRAINT decision_names_its_proposal FOREIGN KEY (shard, instruction_id, proposed_by)
    REFERENCES hold_release (shard, instruction_id, proposed_by),
    CONSTRAINT releasing_takes_two_people CHECK (proposed_by <> actor),
    CONSTRAINT releasing_a_listed_name_is_proposed_first CHECK (
        decision <> 'released' OR proposed_by IS NOT NULL OR NOT findings @> '[{"rule": "SAN-1"}]'
    ),
    CHECK (proposed_by IS NULL OR decision = 'released'),
    CHECK ((decision = 'cleared') = (act_id IS NULL)),
    CHECK ((act_id IS NULL) = (actor IS NULL) AND (act_id IS NULL) = (reason IS NULL))
);
CREATE INDEX decision_of_people ON decision (shard, seq) WHERE decision <> 'cleared';
CREATE INDEX decision_of_owner ON decision (shard, owner, seq);

-- What people decide is of a hold, for its reasons: one that leaves out a listed name would take one person.
CREATE FUNCTION require_hold() RETURNS trigger
LANGUAGE plpgsql SET search_path = compliance, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM hold AS h
        WHERE h.shard = NEW.shard AND h.instruction_id = NEW.instruction_id AND h.findings = NEW.findings
    ) THEN
        RAISE EXCEPTION 'no hold for these reasons: %', NEW.instruction_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER a_decision_is_of_its_hold BEFORE INSERT ON decision
FOR EACH ROW WHEN (NEW.decision <> 'cleared') EXECUTE FUNCTION require_hold();

-- A hold ends by the decision on it, once.
CREATE FUNCTION require_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = compliance, pg_temp
AS $$
BEGIN
    IF OLD.status <> 'held' OR NOT EXISTS (
        SELECT FROM decision AS d
        WHERE d.shard = NEW.shard AND d.seq = NEW.decided_seq AND d.instruction_id = NEW.instruction_id
            AND d.decision = NEW.status
    ) THEN
        RAISE EXCEPTION 'not so decided: %', NEW.instruction_id
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER a_hold_ends_as_decided BEFORE UPDATE OF status, decided_seq ON hold
FOR EACH ROW EXECUTE FUNCTION require_decision();

-- At most one alert of an owner, a rule and a business day; of names, for each set of entries.
CREATE TABLE alert (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    subject text NOT NULL,
    findings jsonb NOT NULL,
    about_shard int NOT NULL,
    about_seq bigint NOT NULL,
    instruction_id uuid,
    PRIMARY KEY (shard, owner, rule, business_date, subject),
    UNIQUE (shard, seq)
);
CREATE INDEX alert_by_age ON alert (recorded_at, shard, seq);
CREATE INDEX alert_of_rule ON alert (rule, recorded_at, shard, seq);
CREATE INDEX alert_of_owner ON alert (shard, owner, business_date);
CREATE INDEX alert_about ON alert (shard, instruction_id) WHERE instruction_id IS NOT NULL;

-- How each act was answered, so that one sent twice is done once and answered twice.
CREATE TABLE act_answer (
    shard int NOT NULL,
    act_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    content_hash bytea NOT NULL,
    done boolean NOT NULL,
    detail text NOT NULL,
    result jsonb NOT NULL,
    PRIMARY KEY (shard, act_id)
);

GRANT SELECT ON rule_parameter, list_version, list_part, list_entry, list_name, list_activation, list_refusal,
    party, rescreening, whitelisting, cash_event, decision, hold, hold_release, hold_delisting, alert,
    act_answer, window_batch, window_state, window_checkpoint TO compliance_service, backoffice_readonly;
GRANT INSERT ON list_version, list_part, list_entry, list_name, list_activation, list_refusal, party, rescreening,
    cash_event, decision, hold_release, hold_delisting, alert, act_answer, window_batch, window_state,
    window_checkpoint TO compliance_service;
-- What is held is put down as held, and a pair as proposed: the rest is done to them then.
GRANT INSERT (
    shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard, first_seq, asset, amount, deadline,
    findings, lists
) ON hold TO compliance_service;
GRANT INSERT (
    shard, whitelisting_id, seq, recorded_at, owner, list_code, list_version, entry_id, entry_digest, name, kind,
    birth_date, country, until, proposed_by, reason
) ON whitelisting TO compliance_service;
GRANT UPDATE (status, approved_by, approved_seq, approval_reason, revoked_by, revoked_seq, revocation_reason)
    ON whitelisting TO compliance_service;
GRANT UPDATE (done_through, parties, alerts, finished_seq) ON rescreening TO compliance_service;
GRANT UPDATE (status, decided_seq, overdue_seq) ON hold TO compliance_service;
GRANT UPDATE (form, through, checksum, state) ON window_state TO compliance_service;
GRANT UPDATE (through) ON window_checkpoint TO compliance_service;
