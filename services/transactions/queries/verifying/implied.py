"""Spells what a journal row says by not saying it, from the accounts of its movement.

The rules are those of `docs/decisions/0035-rows-say-nothing-twice.md`; what writes the rows is not used.
"""

from typing import Final

from services.transactions.queries.verifying.books import Account, Books, decimal_of
from services.transactions.queries.verifying.journal import Row
from shared.messages.kinds import HOUSE

CUT_BELOW: Final = 0x20
"""A content that begins with such a byte is not whole."""

ENDINGS: Final[dict[int, tuple[str, str]]] = {
    1: ("deposit", ""),
    2: ("withdrawal", ""),
    3: ("transfer", ""),
    4: ("fee", ""),
    5: ("interest", ""),
    6: ("interest", ',"direction":"credit"'),
    7: ("interest", ',"direction":"debit"'),
}
"""By the first byte: the type, and what stands behind the asset."""

BOTH_ACCOUNTS: Final = 3
"""The byte of the type that names both accounts."""


NAMES_CUT: Final = ((b"\x0e", b'","occurred_at":"'), (b"\x0f", b'","business_reference":"'))
"""Bytes that stand for what is often there."""


def rest_of(content: bytes) -> bytes:
    """Spell what was kept of a content that is not whole."""
    (key, name), (other_key, other_name) = NAMES_CUT
    return content[1:].replace(key, name).replace(other_key, other_name)


def opening_of(code: str, instruction_id: str, owner: str) -> str:
    """Spell how an instruction begins, to the end of its owner."""
    return f'{{"type":"{code}","instruction_id":"{instruction_id}","owner":"{owner}'


def ending_of(mark: int, debit: Account, credit: Account, amount: str) -> str:
    """Spell how an instruction ends, from its accounts on."""
    if mark == BOTH_ACCOUNTS:
        accounts = f',"debit_account":"{debit.code}","credit_account":"{credit.code}"'
    else:
        accounts = f',"account":"{home_of(debit, credit).code}"'
    return f'{accounts},"amount":"{amount}","asset":"{debit.asset}"{ENDINGS[mark][1]}}}'


def home_of(debit: Account, credit: Account) -> Account:
    """Return the account whose owner is meant where none is named."""
    return debit if debit.owner != HOUSE else credit


def complete(row: Row, books: Books) -> None:
    """Put type, owner and content into a row that has them by its movement; may raise `LookupError`."""
    content: bytes | None = row["content"]
    if len(row.legs) != 1 or row.several:
        return
    (leg,) = row.legs
    debit, credit = books.accounts[leg["debit_account"]], books.accounts[leg["credit_account"]]
    if row["owner"] is None:
        row["owner"] = home_of(debit, credit).owner
    if content and content[0] < CUT_BELOW:
        code = row["instruction_type"] = ENDINGS[content[0]][0]
        amount = decimal_of(leg["amount"], debit.scale)
        row["content"] = (
            opening_of(code, row["instruction_id"], row["owner"]).encode()
            + rest_of(content)
            + ending_of(content[0], debit, credit, amount).encode()
        )
