"""What comes back, is undone or sent again."""

import json

from backoffice.simulator.traffic.house import fee
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money


def reversal(up: Upstream) -> SimulatedRecord:
    """Undo a fee or a card payment that was charged in error; upstream does not count on the money."""
    for _ in range(12):
        wrong = up.recent[int(up.random() * len(up.recent))]
        if wrong.kind in ("fee", "card"):
            start = wrong.value.index(b'"instruction_id":"') + 18
            original_id = wrong.value[start : start + 36].decode()
            fields = f'"original_id":"{original_id}","reason":"Charged in error."'
            return up.instruct("reversal", "reversal", wrong.key.decode(), fields)
    return fee(up)


def returned(up: Upstream) -> SimulatedRecord:
    """Bring a payment back that its bank did not take, most of it or all."""
    for _ in range(12):
        paid = up.recent[int(up.random() * len(up.recent))]
        if paid.kind == "payment":
            fields = json.loads(paid.value)
            amount = round(float(fields["amount"]) * 100) - (500 if up.random() < 0.3 else 0)
            if amount > 0:
                given = f'"original_id":"{fields["instruction_id"]}","amount":"{money(amount)}"'
                asset = fields["asset"]
                return up.instruct(
                    "return", "return", paid.key.decode(), f'{given},"asset":"{asset}","reason":"AC04"'
                )
    return fee(up)


def repeated(up: Upstream) -> SimulatedRecord:
    """Send an earlier record again, byte for byte, as an upstream does that missed the answer."""
    record = up.recent[int(up.random() * len(up.recent))]
    return record._replace(kind="repeated")
