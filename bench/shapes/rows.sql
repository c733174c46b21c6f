-- The ledger most teams would write: one function call a transfer, each its own transaction. It keeps what
-- ours keeps: what was asked, each id once, both entries with their after-balances, history by account, and
-- the event that says so, in an outbox. Nobody reads the outbox here: publishing costs it nothing.
CREATE SCHEMA bench_rows;

CREATE TABLE bench_rows.account (
    account_id bigint PRIMARY KEY,
    balance bigint NOT NULL,
    lowest bigint NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE bench_rows.transaction (
    transaction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key uuid NOT NULL UNIQUE,
    kind text NOT NULL,
    reference text NOT NULL,
    asked jsonb NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE bench_rows.entry (
    transaction_id bigint NOT NULL REFERENCES bench_rows.transaction,
    account_id bigint NOT NULL REFERENCES bench_rows.account,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    PRIMARY KEY (transaction_id, account_id)
);

CREATE INDEX entry_of_account ON bench_rows.entry (account_id, transaction_id);

CREATE TABLE bench_rows.outbox (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    body jsonb NOT NULL
);

CREATE FUNCTION bench_rows.transfer(key uuid, debit bigint, credit bigint, cents bigint, note text, asked jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
    debit_row bench_rows.account;
    credit_row bench_rows.account;
BEGIN
    INSERT INTO bench_rows.transaction (idempotency_key, kind, reference, asked)
    VALUES (key, 'transfer', note, asked)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING transaction_id INTO made;
    IF made IS NULL THEN
        RETURN NULL;
    END IF;
    -- Both rows in one order, so that two transfers never wait for each other in a ring.
    IF debit < credit THEN
        SELECT * INTO debit_row FROM bench_rows.account WHERE account_id = debit FOR UPDATE;
        SELECT * INTO credit_row FROM bench_rows.account WHERE account_id = credit FOR UPDATE;
    ELSE
        SELECT * INTO credit_row FROM bench_rows.account WHERE account_id = credit FOR UPDATE;
        SELECT * INTO debit_row FROM bench_rows.account WHERE account_id = debit FOR UPDATE;
    END IF;
    IF debit_row.balance - cents < debit_row.lowest THEN
        RAISE EXCEPTION 'insufficient funds';
    END IF;
    UPDATE bench_rows.account SET balance = balance - cents WHERE account_id = debit;
    UPDATE bench_rows.account SET balance = balance + cents WHERE account_id = credit;
    INSERT INTO bench_rows.entry (transaction_id, account_id, amount, balance_after)
    VALUES (made, debit, -cents, debit_row.balance - cents), (made, credit, cents, credit_row.balance + cents);
    INSERT INTO bench_rows.outbox (key, body)
    VALUES (
        debit::text,
        jsonb_build_object(
            'type', 'TransactionPosted', 'transaction_id', made, 'instruction', asked,
            'debit_balance_after', debit_row.balance - cents, 'credit_balance_after', credit_row.balance + cents
        )
    );
    RETURN made;
END $$;

-- Many in one transaction: the same function in a loop.
CREATE FUNCTION bench_rows.transfer_many(
    keys uuid [], debits bigint [], credits bigint [], cents bigint [], note text, asked jsonb []
)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(keys) LOOP
        PERFORM bench_rows.transfer(keys[i], debits[i], credits[i], cents[i], note, asked[i]);
    END LOOP;
END $$;
