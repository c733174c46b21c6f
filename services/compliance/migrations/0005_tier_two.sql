-- The second tier: what rules about several shards at once have looked at, and what they have found.

-- One run: it asks about the entries between those of the run before and its own.
CREATE TABLE tier_run (
    number bigint PRIMARY KEY CHECK (number > 0),
    recorded_at timestamptz NOT NULL,
    house_seq bigint NOT NULL CHECK (house_seq >= 0),
    through bigint [] NOT NULL,
    entries bigint [] NOT NULL,
    ratings bigint [] NOT NULL,
    edges int NOT NULL CHECK (edges >= 0),
    alerts int NOT NULL CHECK (alerts >= 0),
    cooling int NOT NULL CHECK (cooling >= 0),
    over_budget int NOT NULL CHECK (over_budget >= 0),
    cut_short int NOT NULL CHECK (cut_short >= 0),
    CHECK (cardinality(through) = cardinality(entries))
);
COMMENT ON COLUMN tier_run.number IS 'without gaps';
COMMENT ON COLUMN tier_run.ratings IS 'by shard, the CustomerRated event of the last rating that it knew';
COMMENT ON COLUMN tier_run.house_seq IS 'the house''s shard''s last event before: what was live then judges';
COMMENT ON COLUMN tier_run.through IS 'by shard from 0 on, the last window_batch that it has read';
COMMENT ON COLUMN tier_run.entries IS 'by shard, how many entries windows had taken up to then, from the first on';
COMMENT ON COLUMN tier_run.edges IS 'new ones that rules were asked about';
COMMENT ON COLUMN tier_run.cooling IS 'findings about parties that were told of lately, so that they are not kept';
COMMENT ON COLUMN tier_run.cut_short IS 'searches that would have followed too many edges';

-- What a run has found, for the party's home shard to raise.
CREATE TABLE tier_finding (
    run bigint NOT NULL REFERENCES tier_run,
    number int NOT NULL CHECK (number > 0),
    shard int NOT NULL,
    owner text NOT NULL,
    rule text NOT NULL,
    business_date date NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('alert', 'over_budget')),
    score bigint NOT NULL,
    parties bigint [] NOT NULL,
    finding jsonb NOT NULL,
    about_shard int NOT NULL,
    about_seq bigint NOT NULL,
    raised_seq bigint,
    PRIMARY KEY (run, number),
    CHECK (outcome = 'alert' OR raised_seq IS NULL)
);
CREATE UNIQUE INDEX tier_finding_once ON tier_finding (owner, rule, business_date) WHERE outcome = 'alert';
CREATE INDEX tier_finding_waiting ON tier_finding (shard, run, number)
WHERE outcome = 'alert' AND raised_seq IS NULL;
COMMENT ON COLUMN tier_finding.shard IS 'the home of the party';
COMMENT ON COLUMN tier_finding.outcome IS 'over_budget: the rule has as many alerts of that day as it may';
COMMENT ON COLUMN tier_finding.score IS 'in millionths: how telling it is';
COMMENT ON COLUMN tier_finding.parties IS 'the numbers of all that were part of it, as windows know counterparties';
COMMENT ON COLUMN tier_finding.raised_seq IS 'the home shard''s AlertRaised event';

GRANT SELECT ON tier_run, tier_finding TO compliance_service, backoffice_readonly;
GRANT INSERT ON tier_run, tier_finding TO compliance_service;
GRANT UPDATE (raised_seq) ON tier_finding TO compliance_service;
