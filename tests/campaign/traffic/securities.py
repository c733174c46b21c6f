"""Securities: custody accounts and boxes, what comes and goes, trades and what becomes of them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.campaign.traffic.upstream import ENTITY, Account, Sending, Upstream


def custody(up: Upstream) -> Iterator[Sending]:
    """A custody account for a security, and one for any, to which things come and go."""
    up.customers += 1
    owner = f"K{up.seed}-{up.customers:05d}"
    account = Account(f"{owner}-SAP", owner, "DE0007164600", 0)
    fields = {"account": account.code, "entity": ENTITY, "asset": account.asset, "class": "custody"}
    yield up.to(account, "open_account", **fields)
    box = Account(f"{owner}-CUSTODY", owner, "DE0007164600", 0)
    up.boxes.append(box)
    yield up.to(box, "open_account", account=box.code, entity=ENTITY, **{"class": "custody"})


def custody_transfer(up: Upstream) -> Iterator[Sending]:
    """Securities in or out, more than there are too; on to another customer; a freeze of all."""
    rng = up.rng
    if not up.boxes:
        yield from custody(up)
    box, other = rng.choice(up.boxes), rng.choice(up.boxes)
    asset = rng.choice(("DE0007164600", "FR0000120271"))
    match rng.randrange(8):
        case 0 if box is not other:
            ends = {"debit_account": f"{box.code}#{asset}", "credit_account": f"{other.code}#{asset}"}
            yield up.to(box, "transfer", **ends, amount="2", asset=asset)
        case 1:
            freeze = {"account": box.code, "freeze_id": f"BOX{rng.randrange(3)}"}
            kind = rng.choice(("freeze_account", "unfreeze_account"))
            authority = {"authority": "District court"} if kind == "freeze_account" else {}
            yield up.to(box, kind, **freeze, **authority)
        case _:
            fields = {
                "account": rng.choice((box.code, box.code, box.code, other.code)),
                "direction": rng.choice(("receive", "receive", "deliver")),
                "quantity": str(rng.randint(1, 20)),
                "asset": asset,
            }
            location = {"location": rng.choice(("depository", "custodian"))} if rng.random() < 0.5 else {}
            yield up.to(box, "custody_transfer", **fields, **location)


def trade(up: Upstream) -> Iterator[Sending]:
    """Securities bought or sold for a box; earlier ones settled, undone or cancelled."""
    rng = up.rng
    if up.trades and rng.random() < 0.6:
        account, trade_id = rng.choice(up.trades)
        part: dict[str, Any] = rng.choice(
            ({}, {"amount": "1", "final": False}, {"amount": "2", "final": False}, {"amount": "1"})
        )
        kind = rng.choice(("post_pending", "post_pending", "post_pending", "void_pending", "reversal"))
        if kind == "post_pending":
            sending = up.to(account, kind, pending_id=trade_id, **part)
            up.settlements.append((account, json.loads(sending.value or b"{}")["instruction_id"]))
            yield sending
        elif kind == "void_pending":
            yield up.to(account, kind, pending_id=trade_id)
        elif up.settlements:
            account, part_id = rng.choice(up.settlements[-5:])
            yield up.to(account, kind, original_id=part_id)
        return
    if not up.boxes:
        yield from custody(up)
    box = rng.choice(up.boxes)
    cash = f"{box.owner}-EUR"
    if cash not in up.dollars:
        up.dollars.add(cash)
        yield up.to(box, "open_account", account=cash, entity=ENTITY, asset="EUR")
        yield up.to(box, "deposit", account=cash, amount="900.00", asset="EUR")
    sending = up.to(
        box,
        "trade",
        side=rng.choice(("buy", "buy", "sell")),
        custody_account=box.code,
        cash_account=cash,
        quantity=str(rng.randint(1, 9)),
        asset=box.asset,
        settlement_amount=f"{rng.randint(1, 400)}.{rng.randint(0, 99):02d}",
        settlement_asset="EUR",
        contractual_settlement_date=(up.day + timedelta(days=rng.randint(0, 2))).isoformat(),
        **rng.choice(({}, {"commission": "4.90"})),
    )
    up.trades.append((box, json.loads(sending.value or b"{}")["instruction_id"]))
    yield sending
