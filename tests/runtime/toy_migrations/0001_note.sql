-- What the toy service was given, once each.
CREATE TABLE note (
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    word text NOT NULL,
    UNIQUE (topic, partition, "offset", word)
);
DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON note TO %I', current_schema() || '_service');
END $$;
