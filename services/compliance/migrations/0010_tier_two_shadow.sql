-- What runs of the second tier have found by versions in shadow: kept apart, told to nobody.
CREATE TABLE tier_shadow_finding (
    run bigint NOT NULL REFERENCES tier_run,
    number int NOT NULL CHECK (number > 0),
    proposal_id uuid NOT NULL REFERENCES rule_proposal,
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
    place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (proposal_id, run, number),
    UNIQUE (shard, place)
);
CREATE UNIQUE INDEX tier_shadow_finding_once ON tier_shadow_finding (proposal_id, owner, rule, business_date)
WHERE outcome = 'alert';
COMMENT ON COLUMN tier_shadow_finding.number IS 'in the order of the version''s own findings of the run';
COMMENT ON COLUMN tier_shadow_finding.outcome IS 'alert: what would be one, were the version live';
COMMENT ON COLUMN tier_shadow_finding.place IS 'rising in a shard, with gaps: how far a removal has come';

GRANT SELECT ON tier_shadow_finding TO compliance_service, backoffice_readonly;
GRANT INSERT ON tier_shadow_finding TO compliance_service;
