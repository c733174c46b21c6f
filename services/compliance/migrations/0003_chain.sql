-- The audit chain: the hash of each event of a shard, over the event and the hash before it.
CREATE TABLE event_chain (
    shard int NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (shard, seq)
);
COMMENT ON COLUMN event_chain.hash IS 'SHA-256, as services/compliance/domain/chain.py writes it down';

GRANT SELECT ON event_chain TO compliance_service, backoffice_readonly;
GRANT INSERT ON event_chain TO compliance_service;
