-- The shape of pgledger (https://github.com/pgr0ss/pgledger), written anew from its description: everything in
-- functions, NUMERIC amounts, text ids that begin with what they are of, accounts with a version and a rule
-- on their sign, entries with the balance before and after and the account's version, one call for several
-- transfers of a transaction. Like it, it has no idempotency key and publishes nothing.
CREATE SCHEMA bench_pgledger;

CREATE FUNCTION bench_pgledger.new_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT prefix || '_' || to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint) || replace(gen_random_uuid()::text, '-', '')
$$;

CREATE TABLE bench_pgledger.account (
    id text PRIMARY KEY DEFAULT bench_pgledger.new_id('pgla'),
    name text NOT NULL UNIQUE,
    currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    allow_negative_balance boolean NOT NULL,
    allow_positive_balance boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bench_pgledger.transfer (
    id text PRIMARY KEY DEFAULT bench_pgledger.new_id('pglt'),
    from_account_id text NOT NULL REFERENCES bench_pgledger.account,
    to_account_id text NOT NULL REFERENCES bench_pgledger.account,
    amount numeric NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    event_at timestamptz NOT NULL,
    metadata jsonb
);

CREATE INDEX ON bench_pgledger.transfer (from_account_id);
CREATE INDEX ON bench_pgledger.transfer (to_account_id);

CREATE TABLE bench_pgledger.entry (
    id text PRIMARY KEY DEFAULT bench_pgledger.new_id('pgle'),
    account_id text NOT NULL REFERENCES bench_pgledger.account,
    transfer_id text NOT NULL REFERENCES bench_pgledger.transfer,
    amount numeric NOT NULL,
    account_previous_balance numeric NOT NULL,
    account_current_balance numeric NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ON bench_pgledger.entry (account_id);
CREATE INDEX ON bench_pgledger.entry (transfer_id);

CREATE FUNCTION bench_pgledger.enter(account text, transfer text, amount numeric)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_is bench_pgledger.account;
BEGIN
    UPDATE bench_pgledger.account AS a
    SET balance = a.balance + enter.amount, version = a.version + 1, updated_at = now()
    WHERE a.id = enter.account
    RETURNING a.* INTO now_is;
    IF (now_is.balance < 0 AND NOT now_is.allow_negative_balance)
        OR (now_is.balance > 0 AND NOT now_is.allow_positive_balance)
    THEN
        RAISE EXCEPTION 'the balance of % may not become %', now_is.name, now_is.balance;
    END IF;
    INSERT INTO bench_pgledger.entry (
        account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version
    )
    VALUES (
        enter.account, enter.transfer, enter.amount, now_is.balance - enter.amount, now_is.balance, now_is.version
    );
END $$;

CREATE FUNCTION bench_pgledger.create_transfers(senders text [], receivers text [], amounts numeric [], note jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    currencies bigint;
    made text;
BEGIN
    PERFORM 1 FROM bench_pgledger.account
    WHERE id = ANY(senders || receivers) ORDER BY id FOR UPDATE;
    SELECT count(DISTINCT currency) INTO currencies FROM bench_pgledger.account
    WHERE id = ANY(senders || receivers);
    IF currencies <> 1 THEN
        RAISE EXCEPTION 'both accounts of a transfer are of one currency';
    END IF;
    FOR i IN 1 .. cardinality(senders) LOOP
        IF senders[i] = receivers[i] THEN
            RAISE EXCEPTION 'the two accounts of a transfer differ';
        END IF;
        INSERT INTO bench_pgledger.transfer (from_account_id, to_account_id, amount, event_at, metadata)
        VALUES (senders[i], receivers[i], amounts[i], now(), note)
        RETURNING id INTO made;
        PERFORM bench_pgledger.enter(senders[i], made, -amounts[i]);
        PERFORM bench_pgledger.enter(receivers[i], made, amounts[i]);
    END LOOP;
END $$;
