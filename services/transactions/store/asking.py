"""Keeps of what was asked only what the journal's row does not say by itself.

Nearly all content repeats its row: type, id, owner, accounts, amount, asset. Where it is spelt exactly as
these would be, only what stands between owner and accounts is kept, behind one of the bytes of `_SHAPES`; the
view `journal` spells it whole again, byte for byte. Whatever is spelt in another way is kept as it is, and
begins with a brace. Normalised JSON holds no byte below 32.
"""

from typing import Final, NamedTuple

from services.transactions.domain.decisions import Leg, Terms
from shared.messages.envelope import HOUSE
from shared.money import format_amount

TOPIC_ASSUMED: Final = "transactions.instructions.v1"
KIND_ASSUMED: Final = "principal"
"""What a row with a record, or with a movement, says by not saying it."""

_OCCURRED_AT: Final = b'","occurred_at":"'
_REFERENCE: Final = b'","business_reference":"'


class _Shape(NamedTuple):
    """How a type's instructions end: with one customer's account, or with both accounts."""

    mark: bytes
    both: bool
    end: str = ""


_SHAPES: Final[dict[str, tuple[_Shape, ...]]] = {
    "deposit": (_Shape(b"\x01", both=False),),
    "withdrawal": (_Shape(b"\x02", both=False),),
    "transfer": (_Shape(b"\x03", both=True),),
    "fee": (_Shape(b"\x04", both=False),),
    "interest": (
        _Shape(b"\x05", both=False),
        _Shape(b"\x06", both=False, end=',"direction":"credit"'),
        _Shape(b"\x07", both=False, end=',"direction":"debit"'),
    ),
}


class Cut(NamedTuple):
    """Where the content of plain instructions of one type is cut."""

    mark: bytes
    start: int
    """Without the owner's length."""
    end: bytes
    """What begins what is cut off behind; it stands nowhere after that."""
    last: bytes
    """What all of it ends with, or it is not cut."""


def cut_of(terms: Terms) -> Cut | None:
    """Return where plain instructions are cut; None where that must be looked up (`kept_of`)."""
    shapes = _SHAPES.get(terms.instruction_type, ())
    if len(shapes) != 1:
        return None
    start = len(_head(terms.instruction_type, 36 * "0", ""))
    end = b',"debit_account":"' if shapes[0].both else b',"account":"'
    return Cut(shapes[0].mark, start, end, f'","asset":"{terms.asset}"}}'.encode())


def kept_of_plain(content: bytes, owner: str, cut: Cut) -> bytes | None:
    """Keep of a plain instruction what `kept_of` would: the quick judgement saw that all is as it must be.

    None where it says more behind the asset, if only that there are no charges.
    """
    mark, start, end, last = cut
    if not content.endswith(last):
        return None
    rest = content[start + len(owner) : content.rfind(end)]
    return mark + rest.replace(_OCCURRED_AT, b"\x0e").replace(_REFERENCE, b"\x0f")


def kept_of(
    content: bytes, code: str | None, instruction_id: str | None, owner: str | None, leg: Leg
) -> bytes:
    """Return what to keep of a content beside the one movement of its row."""
    head = _head(code, instruction_id, owner).encode()
    if code is None or not content.startswith(head):
        return content
    for shape in _SHAPES.get(code, ()):
        tail = _tail(shape, leg).encode()
        if content.endswith(tail) and len(content) >= len(head) + len(tail):
            rest = content[len(head) : -len(tail)]
            return shape.mark + rest.replace(_OCCURRED_AT, b"\x0e").replace(_REFERENCE, b"\x0f")
    return content


def home_of(leg: Leg) -> str:
    """Return the owner whom a row with this movement means where it names none."""
    return leg.debit.owner if leg.debit.owner != HOUSE else leg.credit.owner


def _head(code: str | None, instruction_id: str | None, owner: str | None) -> str:
    return f'{{"type":"{code}","instruction_id":"{instruction_id}","owner":"{owner}'


def _tail(shape: _Shape, leg: Leg) -> str:
    debit, credit = leg.debit, leg.credit
    if shape.both:
        accounts = f',"debit_account":"{debit.code}","credit_account":"{credit.code}"'
    else:
        accounts = f',"account":"{debit.code if debit.owner != HOUSE else credit.code}"'
    amount = format_amount(leg.amount, debit.scale)
    return f'{accounts},"amount":"{amount}","asset":"{debit.asset}"{shape.end}}}'
