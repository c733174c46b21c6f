-- In which order alerts are worked: each stands in a pile of those that weigh the same, whatever is counted.

-- An alert, with all that its place in the order depends on. Each is looked up by key: of EXISTS the planner may
-- make a table of all holds that wait.
CREATE VIEW alert_standing AS
SELECT a.shard, a.seq, a.owner, a.rule, a.business_date, a.instruction_id,
    coalesce((
        SELECT p.kind FROM party AS p
        WHERE p.shard = a.shard AND p.owner = a.owner AND p.field = 'party' AND p.kind IS NOT NULL
        ORDER BY p.number DESC LIMIT 1
    ), '') AS segment,
    (SELECT t.seq FROM alert_triage AS t WHERE t.shard = a.shard AND t.alert_seq = a.seq) IS NULL AS is_new,
    (
        SELECT h.seq FROM hold AS h
        WHERE h.shard = a.shard AND h.instruction_id = a.instruction_id AND h.status = 'held'
    ) IS NOT NULL AS is_held,
    (
        SELECT c.opened_seq FROM case_file AS c
        WHERE c.shard = a.shard AND c.owner = a.owner AND c.status = 'closed' AND c.disposition = 'confirmed'
        LIMIT 1
    ) IS NOT NULL AS was_confirmed
FROM alert AS a;

-- Where an alert stands, derived from the above in the transaction that changes it.
CREATE TABLE alert_place (
    shard int NOT NULL,
    alert_seq bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    since date NOT NULL,
    is_new boolean NOT NULL,
    rank smallint NOT NULL CHECK (rank IN (0, 1, 2)),
    rule text NOT NULL,
    segment text NOT NULL,
    rules text NOT NULL,
    recorded_at timestamptz NOT NULL,
    placed_seq bigint NOT NULL CHECK (placed_seq >= alert_seq),
    PRIMARY KEY (shard, alert_seq),
    FOREIGN KEY (shard, alert_seq) REFERENCES alert (shard, seq)
);
CREATE INDEX alert_place_order
ON alert_place (is_new, rank, rule, segment, rules, since, owner, shard, alert_seq) INCLUDE (placed_seq);
CREATE INDEX alert_place_placed ON alert_place (shard, placed_seq);
CREATE INDEX alert_place_new ON alert_place (recorded_at, shard, alert_seq) WHERE is_new;
CREATE INDEX alert_place_new_of_rule ON alert_place (rule, recorded_at, shard, alert_seq) WHERE is_new;
COMMENT ON COLUMN alert_place.since IS 'the first day of its lead';
COMMENT ON COLUMN alert_place.rank IS 'of its priority: 0 urgent, 1 high, 2 normal';
COMMENT ON COLUMN alert_place.rules IS 'of its lead, each once, sorted, with a blank between';
COMMENT ON COLUMN alert_place.recorded_at IS 'of the alert: new ones are listed by age, too';
COMMENT ON COLUMN alert_place.placed_seq IS 'the shard''s last event when it was placed there';

-- How many alerts each shard has in each pile, so that alerts are counted by no reader; none has no row.
CREATE TABLE alert_pile (
    shard int NOT NULL,
    is_new boolean NOT NULL,
    rank smallint NOT NULL,
    rule text NOT NULL,
    segment text NOT NULL,
    rules text NOT NULL,
    alerts bigint NOT NULL CHECK (alerts > 0),
    PRIMARY KEY (rank, segment, rules, is_new, rule, shard)
);

GRANT SELECT ON alert_standing, alert_place, alert_pile TO compliance_service, backoffice_readonly;
GRANT INSERT ON alert_place, alert_pile TO compliance_service;
GRANT UPDATE (since, is_new, rank, segment, rules, placed_seq) ON alert_place TO compliance_service;
GRANT UPDATE (alerts), DELETE ON alert_pile TO compliance_service;
