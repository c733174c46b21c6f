-- The same, stripped of what a ledger is not without but a benchmark can be: no foreign keys, no index on the
-- entries' account, what was asked not kept, nothing to publish.
CREATE SCHEMA bench_bare;

CREATE TABLE bench_bare.account (
    account_id bigint PRIMARY KEY,
    balance bigint NOT NULL,
    lowest bigint NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE bench_bare.transaction (
    transaction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key uuid NOT NULL UNIQUE,
    kind text NOT NULL,
    reference text NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE bench_bare.entry (
    transaction_id bigint NOT NULL,
    account_id bigint NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    PRIMARY KEY (transaction_id, account_id)
);

CREATE FUNCTION bench_bare.transfer(key uuid, debit bigint, credit bigint, cents bigint, note text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
    debit_row bench_bare.account;
    credit_row bench_bare.account;
BEGIN
    INSERT INTO bench_bare.transaction (idempotency_key, kind, reference)
    VALUES (key, 'transfer', note)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING transaction_id INTO made;
    IF made IS NULL THEN
        RETURN NULL;
    END IF;
    -- Both rows in one order, so that two transfers never wait for each other in a ring.
    IF debit < credit THEN
        SELECT * INTO debit_row FROM bench_bare.account WHERE account_id = debit FOR UPDATE;
        SELECT * INTO credit_row FROM bench_bare.account WHERE account_id = credit FOR UPDATE;
    ELSE
        SELECT * INTO credit_row FROM bench_bare.account WHERE account_id = credit FOR UPDATE;
        SELECT * INTO debit_row FROM bench_bare.account WHERE account_id = debit FOR UPDATE;
    END IF;
    IF debit_row.balance - cents < debit_row.lowest THEN
        RAISE EXCEPTION 'insufficient funds';
    END IF;
    UPDATE bench_bare.account SET balance = balance - cents WHERE account_id = debit;
    UPDATE bench_bare.account SET balance = balance + cents WHERE account_id = credit;
    INSERT INTO bench_bare.entry (transaction_id, account_id, amount, balance_after)
    VALUES (made, debit, -cents, debit_row.balance - cents), (made, credit, cents, credit_row.balance + cents);
    RETURN made;
END $$;
