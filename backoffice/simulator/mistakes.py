"""What upstream systems get wrong: one function per mistake, each making one record the ledger must answer.

The kind names the reason to be expected where there is one (see `services.transactions.domain.reasons`).
"""

from typing import Final

from backoffice.simulator.population import ENTITY, Account
from backoffice.simulator.upstream import Maker, SimulatedRecord, Upstream, money
from shared.messages.envelope import HOUSE


def unknown_account(up: Upstream) -> SimulatedRecord:
    """Ask for money from an account that was never opened."""
    account = up.some_account()
    return _withdraw(up, "wrong_account_unknown", account, "12.00", code=f"{account.owner}-XXX")


def deposit_to_unknown_account(up: Upstream) -> SimulatedRecord:
    """Report money for an account nobody opened: a fact, which goes to suspense."""
    account = up.some_account()
    return up.instruct(
        "unknown_beneficiary",
        "deposit",
        account.owner,
        f'"account":"{account.owner}-YYY","amount":"{money(1_000 + int(up.random() * 90_000))}",'
        f'"asset":"{account.asset}"',
    )


def insufficient_funds(up: Upstream) -> SimulatedRecord:
    """Ask for far more than there can be."""
    return _withdraw(up, "wrong_insufficient_funds", up.some_account(), "75000000.00")


def asset_mismatch(up: Upstream) -> SimulatedRecord:
    """Ask in another currency than the account's."""
    account = up.some_account()
    return _withdraw(
        up, "wrong_asset_mismatch", account, "10.00", asset="USD" if account.asset != "USD" else "EUR"
    )


def unknown_asset(up: Upstream) -> SimulatedRecord:
    """Ask in a currency that does not exist."""
    return _withdraw(up, "wrong_asset_unknown", up.some_account(), "10.00", asset="XQQ")


def amount_zero(up: Upstream) -> SimulatedRecord:
    """Ask for nothing."""
    return _withdraw(up, "wrong_amount_zero", up.some_account(), "0.00")


def amount_negative(up: Upstream) -> SimulatedRecord:
    """Ask for less than nothing."""
    return _withdraw(up, "wrong_amount_negative", up.some_account(), "-25.00")


def amount_too_many_decimals(up: Upstream) -> SimulatedRecord:
    """Ask for parts of a cent."""
    return _withdraw(up, "wrong_amount_too_many_decimals", up.some_account(), "10.005")


def amount_too_large(up: Upstream) -> SimulatedRecord:
    """Ask for what no counter can hold."""
    return _withdraw(up, "wrong_amount_too_large", up.some_account(), "92233720368547758.08")


def amount_malformed(up: Upstream) -> SimulatedRecord:
    """Spell an amount as people do."""
    return _withdraw(up, "wrong_amount_malformed", up.some_account(), "1,250.00")


def amount_float(up: Upstream) -> SimulatedRecord:
    """Send an amount as a JSON number, which would pass through binary floating point."""
    account = up.some_account()
    return up.instruct(
        "wrong_amount_not_a_string",
        "withdrawal",
        account.owner,
        f'"account":"{account.code}","amount":12.34,"asset":"{account.asset}"',
    )


def wrong_owner(up: Upstream) -> SimulatedRecord:
    """Name oneself and debit somebody else."""
    account, other = up.some_account(), up.some_account()
    if other.owner == account.owner:
        return unknown_account(up)
    return up.instruct(
        "wrong_owner",
        "withdrawal",
        account.owner,
        f'"account":"{other.code}","amount":"5.00","asset":"{other.asset}"',
    )


def wrong_key(up: Upstream) -> SimulatedRecord:
    """Send a record under another customer's key."""
    account, other = up.some_account(), up.some_account()
    if other.owner == account.owner:
        return unknown_account(up)
    return up.instruct(
        "wrong_key",
        "withdrawal",
        account.owner,
        f'"account":"{account.code}","amount":"5.00","asset":"{account.asset}"',
        key=other.key,
    )


def wrong_partition(up: Upstream) -> SimulatedRecord:
    """Send a record to another partition than its key's, as a client with another partitioner does."""
    account = up.some_account()
    return up.instruct(
        "wrong_partition",
        "withdrawal",
        account.owner,
        f'"account":"{account.code}","amount":"5.00","asset":"{account.asset}"',
        key=account.key,
        partition=(account.partition + 1) % up.partitions,
    )


def same_account(up: Upstream) -> SimulatedRecord:
    """Send money from an account to itself."""
    account = up.some_account()
    return up.instruct(
        "wrong_accounts_same",
        "transfer",
        account.owner,
        f'"debit_account":"{account.code}","credit_account":"{account.code}","amount":"5.00",'
        f'"asset":"{account.asset}"',
    )


def account_opened_twice(up: Upstream) -> SimulatedRecord:
    """Open an account that there is."""
    account = up.some_account()
    return up.instruct(
        "wrong_account_exists",
        "open_account",
        account.owner,
        f'"account":"{account.code}","entity":"{ENTITY}","asset":"{account.asset}","class":"cash","limit":"0"',
    )


def debit_on_frozen_account(up: Upstream) -> SimulatedRecord:
    """Ask for money that a court has frozen."""
    if not up.frozen:
        return insufficient_funds(up)
    account = up.frozen[int(up.random() * len(up.frozen))]
    return _withdraw(up, "wrong_account_frozen", account, "1.00")


def unknown_freeze(up: Upstream) -> SimulatedRecord:
    """Lift a freeze that was never put on."""
    account = up.some_account()
    return up.instruct(
        "wrong_freeze_unknown",
        "unfreeze_account",
        account.owner,
        f'"account":"{account.code}","freeze_id":"FRZ-NONE"',
    )


def house_posting_on_a_customer(up: Upstream) -> SimulatedRecord:
    """Move a customer's money as if it were the house's."""
    first, second = up.accounts[0], up.accounts[-1]
    return up.instruct(
        "wrong_account_class_not_allowed",
        "house_posting",
        HOUSE,
        f'"debit_account":"{first.code}","credit_account":"{second.code}","amount":"5.00",'
        f'"asset":"{first.asset}"',
    )


def changed_content(up: Upstream) -> SimulatedRecord:
    """Use an id again for another amount."""
    for _ in range(4):
        record = up.recent[int(up.random() * len(up.recent))]
        if b'"amount":"' in record.value and record.kind != "dry_run":
            value = record.value.replace(b'"amount":"', b'"amount":"1', 1)
            return record._replace(value=value, kind="wrong_id_reused")
    return unknown_account(up)


def unreadable(up: Upstream) -> SimulatedRecord:
    """Send what nobody can read: cut off, not JSON, no id, an unknown type, bytes."""
    account = up.some_account()
    values = (
        b'{"type":"deposit","instruction_id":"0190',
        b"plain words instead of JSON",
        f'{{"type":"deposit","owner":"{account.owner}","amount":"1.00"}}'.encode(),
        f'{{"type":"time_travel","instruction_id":"{up.new_id()}","owner":"{account.owner}"}}'.encode(),
        b"\x00\xff\xfe\x80",
        b"[" * 200,
    )
    return SimulatedRecord(account.key, values[int(up.random() * len(values))], None, "unreadable")


def _withdraw(
    up: Upstream,
    kind: str,
    account: Account,
    amount: str,
    *,
    code: str | None = None,
    asset: str | None = None,
) -> SimulatedRecord:
    return up.instruct(
        kind,
        "withdrawal",
        account.owner,
        f'"account":"{code or account.code}","amount":"{amount}","asset":"{asset or account.asset}",'
        '"channel":{"channel":"api"}',
    )


MISTAKES: Final[tuple[Maker, ...]] = (
    unknown_account,
    deposit_to_unknown_account,
    insufficient_funds,
    insufficient_funds,
    asset_mismatch,
    unknown_asset,
    amount_zero,
    amount_negative,
    amount_too_many_decimals,
    amount_too_large,
    amount_malformed,
    amount_float,
    wrong_owner,
    wrong_key,
    wrong_partition,
    same_account,
    account_opened_twice,
    debit_on_frozen_account,
    unknown_freeze,
    house_posting_on_a_customer,
    changed_content,
    unreadable,
)
