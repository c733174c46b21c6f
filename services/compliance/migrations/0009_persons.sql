-- Rules about a person: who has a role with which customers, what was looked at, and what was found.

-- Who has a role with a customer: facts, each from a record of the customer's shard. Of the same customer, person
-- and role the last one counts.
CREATE TABLE person_role (
    shard int NOT NULL,
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    seq bigint NOT NULL,
    place int NOT NULL CHECK (place >= 0),
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    since date,
    until date,
    PRIMARY KEY (shard, seq, place),
    UNIQUE (shard, number)
);
CREATE INDEX person_role_of_owner ON person_role (shard, owner);
CREATE INDEX person_role_of_person ON person_role (person);
COMMENT ON COLUMN person_role.number IS 'rising in a shard, with gaps: how far a run has read';
COMMENT ON COLUMN person_role.seq IS 'the ledger''s event of this shard that told of it';
COMMENT ON COLUMN person_role.place IS 'in it: 0 is the party itself, its holders follow';
COMMENT ON COLUMN person_role.person IS 'an opaque code, the same with every customer';
COMMENT ON COLUMN person_role.since IS 'the first business day on which it counts; null for the customer''s first';
COMMENT ON COLUMN person_role.until IS 'the first on which it no longer counts; null for none';

-- Roles of those whom an opening named without a code: nothing is added up by them, and nothing told later of them.
CREATE TABLE uncoded_role (
    shard int NOT NULL,
    seq bigint NOT NULL,
    place int NOT NULL CHECK (place > 0),
    recorded_at timestamptz NOT NULL,
    owner text NOT NULL,
    role text NOT NULL,
    since date,
    until date,
    PRIMARY KEY (shard, seq, place)
);
CREATE INDEX uncoded_role_of_owner ON uncoded_role (shard, owner);
COMMENT ON COLUMN uncoded_role.seq IS 'the ledger''s event of this shard that told of it';
COMMENT ON COLUMN uncoded_role.place IS 'of the holders in it, from 1 on';

-- One look at what has come to all shards since the one before it.
CREATE TABLE person_run (
    number bigint PRIMARY KEY CHECK (number > 0),
    recorded_at timestamptz NOT NULL,
    house_seq bigint NOT NULL CHECK (house_seq >= 0),
    cash_through bigint [] NOT NULL,
    cash bigint [] NOT NULL,
    roles_through bigint [] NOT NULL,
    roles bigint [] NOT NULL,
    persons int NOT NULL CHECK (persons >= 0),
    alerts int NOT NULL CHECK (alerts >= 0),
    CHECK (cardinality(cash_through) = cardinality(cash)),
    CHECK (cardinality(roles_through) = cardinality(roles)),
    CHECK (cardinality(cash) = cardinality(roles))
);
COMMENT ON COLUMN person_run.number IS 'without gaps';
COMMENT ON COLUMN person_run.house_seq IS 'the house''s shard''s last event before: what was live then judges';
COMMENT ON COLUMN person_run.cash_through IS 'by shard from 0 on, the last cash_event that it has read';
COMMENT ON COLUMN person_run.cash IS 'by shard, how many of them there were up to then, from the first on';
COMMENT ON COLUMN person_run.roles_through IS 'by shard, the last person_role that it has read';
COMMENT ON COLUMN person_run.roles IS 'by shard, how many of them there were up to then';
COMMENT ON COLUMN person_run.persons IS 'asked about: those with cash of several customers, or brought for others';

-- What a run has found of a person, for the home shard of the customer with the last of the cash to raise.
CREATE TABLE person_finding (
    run bigint NOT NULL REFERENCES person_run,
    number int NOT NULL CHECK (number > 0),
    rule text NOT NULL,
    person text NOT NULL,
    asset text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    business_date date NOT NULL,
    shard int NOT NULL,
    owner text NOT NULL,
    finding jsonb NOT NULL,
    about_shard int NOT NULL,
    about_seq bigint NOT NULL,
    raised_seq bigint,
    PRIMARY KEY (run, number),
    CONSTRAINT person_finding_once UNIQUE (person, rule, asset, direction, business_date)
);
CREATE INDEX person_finding_waiting ON person_finding (shard, run, number) WHERE raised_seq IS NULL;
COMMENT ON COLUMN person_finding.owner IS 'the customer whose cash completed it, by event time';
COMMENT ON COLUMN person_finding.raised_seq IS 'the home shard''s AlertRaised event';

GRANT SELECT ON person_role, uncoded_role, person_run, person_finding TO compliance_service, backoffice_readonly;
GRANT INSERT ON person_role, uncoded_role, person_run, person_finding TO compliance_service;
GRANT UPDATE (raised_seq) ON person_finding TO compliance_service;
