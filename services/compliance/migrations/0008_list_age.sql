-- How old lists are: when a shard last took its version for what the publisher gives out, and of which it was
-- said that they are older than allowed.

-- The active version of a list was read again from its publisher, and is still the same.
CREATE TABLE list_confirmation (
    shard int NOT NULL,
    seq bigint NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, list_code, seq),
    FOREIGN KEY (list_code, version) REFERENCES list_version
);
COMMENT ON COLUMN list_confirmation.seq IS 'the shard''s ListConfirmed event';

-- A list became older than allowed; it counts as read again from its next activation or confirmation on.
CREATE TABLE list_outdated (
    shard int NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    list_code text NOT NULL,
    version text NOT NULL,
    checked_seq bigint NOT NULL,
    checked_at timestamptz NOT NULL,
    days int NOT NULL,
    days_max int NOT NULL CHECK (days_max >= 0),
    PRIMARY KEY (shard, list_code, checked_seq),
    CHECK (days > days_max)
);
COMMENT ON COLUMN list_outdated.seq IS 'the shard''s ListOutdated event';
COMMENT ON COLUMN list_outdated.checked_seq IS 'the activation or confirmation that is too old; said once of each';

GRANT SELECT ON list_confirmation, list_outdated TO compliance_service, backoffice_readonly;
GRANT INSERT ON list_confirmation, list_outdated TO compliance_service;
