"""Custody accounts that hold any security, by an account of each within them, opened as it is first needed.

Their owner's home alone opens such accounts, so who comes first never depends on another shard: the code is
made of the custody account's and the security's, with a sign between that no other code may have.
"""

from typing import Any

from services.transactions.domain.cases import Case
from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Account, code_within, make_account
from services.transactions.domain.decisions import Decision


def find_held(case: Case, code: str, asset: str) -> Account | None:
    """Return the account of this code, or where that holds any security, the one of this asset within it.

    One that is not there yet becomes the case's `opened`; a group's member opens none.
    """
    changes = case.context.changes
    found = changes.find_account(code)
    kind = case.record.kind
    assert kind is not None
    if found is None or not found.is_container or not kind.opens or found.owner != case.record.owner:
        return found
    held = changes.find_account(code_within(code, asset))
    return held or (found if case.is_member else _to_open(case, found, asset))


def _to_open(case: Case, container: Account, asset_code: str) -> Account:
    chart = case.context.chart
    changes = case.context.changes
    asset = chart.assets[asset_code]
    if asset.kind != "security":
        return container
    case.opened = make_account(
        account_id=changes.state.shard * ACCOUNTS_PER_SHARD + changes.next_account,
        code=code_within(container.code, asset_code),
        owner=container.owner,
        shard=container.shard,
        entity=chart.entities[container.entity],
        asset=asset,
        account_class=container.account_class,
        limit=0,
        container=container.code,
        container_id=container.account_id,
    )
    return case.opened


def begin_opening(case: Case) -> None:
    """Give the account to be opened a balance, if it is what moves; a fact may have been put elsewhere."""
    if case.opened is None:
        return
    if any(case.opened in ends for ends in case.moves):
        case.context.changes.balances[case.opened.account_id] = [0, 0, 0, 0]
    else:
        case.opened = None


def give_up_opening(case: Case) -> None:
    """Forget the balance: nothing moves."""
    if case.opened is not None:
        del case.context.changes.balances[case.opened.account_id]


def finish_opening(case: Case, decision: Decision) -> None:
    """Open the account, and say so in the event of what it was opened for."""
    if case.opened is None:
        return
    changes = case.context.changes
    number = changes.take_number()
    assert number == case.opened.account_id, "nothing else is opened by the same instruction"
    changes.accounts[case.opened.code] = case.opened
    changes.opened.append((case.opened, case.seq))
    detail: dict[str, Any] = decision.detail or {}
    decision.detail = {**detail, "opened": case.opened.code}


def traded_within(message: Any) -> tuple[str, ...]:
    """Return the account that may be within the custody account of a trade."""
    return (code_within(message.custody_account, message.asset),)


def accounts_within(message: Any) -> tuple[str, ...]:
    """Return the account that may be within the custody account which an instruction names."""
    return (code_within(message.account, message.asset),)
