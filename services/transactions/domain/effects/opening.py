"""An account is opened for a customer."""

from typing import Any, Final

from services.transactions.domain.cases import Case, asset_not_used
from services.transactions.domain.chart import NO_ASSET, WITHIN, Entity, make_account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.effects.limits import read_limit
from shared.messages.envelope import HOUSE

CODE_LENGTH_MAX: Final = 64
ISIN_LENGTH: Final = 12


def _form(case: Case) -> Refusal | None:
    message = case.record.message
    asset = None if message.asset is None else case.context.chart.assets.get(message.asset)
    refusal = read_limit(case, None if asset is None else asset.scale)
    if refusal is not None:
        return refusal
    if WITHIN in message.account:
        return Refusal("field_malformed", "account", f"a {WITHIN} is for what the ledger opens by itself")
    if message.asset is None and len(message.account) > CODE_LENGTH_MAX - len(WITHIN) - ISIN_LENGTH:
        return Refusal("field_malformed", "account", "codes within it would be too long")
    return None


def _references(case: Case) -> Refusal | None:
    message = case.record.message
    context = case.context
    chart = context.chart
    entity: Entity | None = chart.entities.get(message.entity)
    if entity is None:
        return Refusal("entity_unknown", "entity", "the entity is not known here")
    asset = NO_ASSET if message.asset is None else chart.assets.get(message.asset)
    if asset is None:
        return Refusal("asset_unknown", "asset", "the asset is not known here")
    if message.owner == HOUSE:
        return Refusal("wrong_owner", "owner", "the house's accounts are opened by its chart")
    if (message.account_class == "custody") != (asset.kind != "currency"):
        what = "any security" if asset is NO_ASSET else f"a {asset.kind}"
        return Refusal("account_class_not_allowed", "class", f"this class does not hold {what}")
    if message.container is not None and _is_container_here(case, message.container):
        return Refusal("account_class_not_allowed", "container", "its accounts are opened as they are needed")
    if asset.kind == "currency" and (entity.entity_id, "suspense", asset.asset_id) not in chart.house:
        return asset_not_used()
    case.day = context.changes.day_of(entity.entity_id)
    if not chart.classes[message.account_class].takes_accounts(case.day):
        return Refusal("account_class_not_valid", "class", f"none of this class is opened on {case.day}")
    instrument = chart.instruments.get(asset.asset_id)
    if instrument is not None and not instrument.is_valid(case.day):
        return Refusal("instrument_not_valid", "asset", f"there is no {asset.code} on {case.day}")
    # Last: that no other shard has the code is then proven by the opening, and need not be kept.
    taken = context.changes.find_account(message.account)
    if taken is not None:
        if taken.is_customer and taken.shard != context.changes.state.shard:
            case.has_seen("taken", message.account)
        return Refusal("account_exists", "account", "there is an account of this code")
    case.account = make_account(
        account_id=0,
        code=message.account,
        owner=message.owner,
        shard=context.changes.state.shard,
        entity=entity,
        asset=asset,
        account_class=message.account_class,
        limit=0 if asset is NO_ASSET else case.limit,
        container=message.container,
    )
    return None


def _is_container_here(case: Case, code: str) -> bool:
    changes = case.context.changes
    found = changes.find_account(code)
    return found is not None and found.is_container and found.shard == changes.state.shard


def _accounts(message: Any) -> tuple[str, ...]:
    return (message.account,) if message.container is None else (message.account, message.container)


def _accept(case: Case, decision: Decision) -> None:
    changes = case.context.changes
    chart = case.context.chart
    judged = case.account
    assert judged is not None
    account = make_account(
        account_id=changes.take_number(),
        code=judged.code,
        owner=judged.owner,
        shard=judged.shard,
        entity=chart.entities[judged.entity],
        asset=chart.assets_by_id[judged.asset_id],
        account_class=judged.account_class,
        limit=judged.opening_limit,
        container=judged.container,
    )
    decision.account = account
    changes.accounts[account.code] = account
    changes.balances[account.account_id] = [0, 0, 0, 0]
    changes.opened.append((account, case.seq))


OPEN_ACCOUNT: Final = Effect(form=_form, references=_references, accept=_accept, accounts=_accounts)
