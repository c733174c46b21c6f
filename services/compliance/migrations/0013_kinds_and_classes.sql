-- Cases of market abuse have a kind of their own, with a report (STOR) of its own; peers are of one risk class; and
-- roles are told of after an opening, too.

ALTER TABLE case_file DROP CONSTRAINT case_file_kind_check;
ALTER TABLE case_file ADD CONSTRAINT case_file_kind_check CHECK (
    kind IN ('suspicion', 'unknown_suspect', 'review', 'continuing', 'cash_report', 'market_abuse')
);
ALTER TABLE case_file ADD CONSTRAINT case_file_is_of_a_kind UNIQUE (shard, case_id, kind);

ALTER TABLE case_fact ADD COLUMN kind_is text GENERATED ALWAYS AS (
    CASE WHEN form = 'stor' THEN 'market_abuse' END
) STORED;
ALTER TABLE case_fact ADD CONSTRAINT case_fact_form_fits_the_kind
FOREIGN KEY (shard, case_id, kind_is) REFERENCES case_file (shard, case_id, kind);
COMMENT ON COLUMN case_fact.kind_is IS 'the kind of case that the form filed is of; null where any may be';

ALTER TABLE tier_run ADD COLUMN ratings bigint [] NOT NULL DEFAULT '{}';
ALTER TABLE tier_run ALTER COLUMN ratings DROP DEFAULT;
COMMENT ON COLUMN tier_run.ratings IS 'by shard, the CustomerRated event of the last rating that it knew';

COMMENT ON COLUMN person_role.seq IS 'the ledger''s event of this shard that told of it';
