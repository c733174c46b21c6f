-- What compliance knows and has done. Appended rows are never changed; only a hold's status moves.

-- Parameters of rules: data with a date and a source.
CREATE TABLE rule_parameter (
    rule text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    asset text NOT NULL,
    "values" jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until > valid_from),
    source text NOT NULL,
    PRIMARY KEY (rule, asset, version)
);
COMMENT ON COLUMN rule_parameter.asset IS 'an asset''s code, or * for every asset without a row of its own';
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
    PRIMARY KEY (shard, owner, source_shard, seq, asset, direction)
);
COMMENT ON COLUMN cash_event.seq IS 'the ledger''s event, in source_shard';

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
    PRIMARY KEY (shard, seq),
    UNIQUE (instruction_id, shard),
    CHECK ((decision = 'cleared') = (act_id IS NULL)),
    CHECK ((act_id IS NULL) = (actor IS NULL) AND (act_id IS NULL) = (reason IS NULL))
);

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
COMMENT ON COLUMN hold.amount IS 'decimal string, as told: the sum of what the owner is debited';

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

-- How each act was answered, so that one sent twice is done once and answered twice.
CREATE TABLE act_answer (
    shard int NOT NULL,
    act_id uuid NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    done boolean NOT NULL,
    detail text NOT NULL,
    result jsonb NOT NULL,
    PRIMARY KEY (shard, act_id)
);

GRANT SELECT ON rule_parameter, list_version, list_part, list_entry, list_name, list_activation, cash_event,
    decision, hold, alert, act_answer TO compliance_service, backoffice_readonly;
GRANT INSERT ON list_version, list_part, list_entry, list_name, list_activation, cash_event, decision, hold,
    alert, act_answer TO compliance_service;
GRANT UPDATE (status, decided_seq, overdue_seq) ON hold TO compliance_service;
