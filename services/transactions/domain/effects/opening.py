"""An account is opened for a customer."""

from typing import Any, Final

from services.transactions.domain.cases import Case, absent, asset_not_used, is_shut, stopped
from services.transactions.domain.chart import NO_ASSET, WITHIN, Account, Entity, make_account
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
    if message.container == message.account:
        return Refusal("accounts_same", "container", "an account is not within itself")
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
    refusal = _container(case, entity)
    if refusal is not None:
        return refusal
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


def _container(case: Case, entity: Entity) -> Refusal | None:
    """Find the account among whose it is to be: one of the same owner's and entity's, within no other.

    So there is one level of them and never a ring, and all that an account is grouped with is at its home.
    """
    code = case.record.message.container
    if code is None:
        return None
    found = case.context.changes.find_account(code)
    if found is None:
        return absent(case, code, "container")
    why = _why_not(found, case.record.owner, entity)
    return None if why is None else Refusal("container_not_allowed", "container", why)


def _why_not(container: Account, owner: str | None, entity: Entity) -> str | None:
    if container.owner != owner:
        return "it is another owner's"
    if container.entity_id != entity.entity_id:
        return "it is in the books of another entity"
    if container.is_container:
        return "accounts within it are opened as they are needed"
    return None if container.container is None else f"it is within {container.container} itself"


def _container_is_open(case: Case) -> Refusal | None:
    code = case.record.message.container
    changes = case.context.changes
    container = None if code is None else changes.find_account(code)
    if container is None or not is_shut(changes, container):
        return None
    return stopped("account_closed", "container")


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


OPEN_ACCOUNT: Final = Effect(
    form=_form, references=_references, status=_container_is_open, accept=_accept, accounts=_accounts
)
