"""Items in suspense are allocated, written off or left: the same for the same seed, as the contract says."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from backoffice.simulator.investigations import SMALL, investigate
from shared.messages.instructions import INSTRUCTION
from shared.messages.instructions.corrections import Allocate, WriteOff

DAY = date(2026, 2, 3)


@dataclass(frozen=True)
class Kept:
    """An item as reporting shows it."""

    number: str
    left: str = "30.00"
    account_class: str = "suspense"
    owner: str = "C000001"
    asset: str = "EUR"


ITEMS = [Kept(f"1-{seq}-0", left="30.00" if seq % 2 else "70.00") for seq in range(200)]


def test_each_item_is_allocated_written_off_or_left() -> None:
    """Whole, by who may use it up; only small ones are given up."""
    kinds: Counter[str] = Counter()
    by_number = {each.number: each for each in ITEMS}
    for record in investigate(ITEMS, seed=1, day=DAY):
        message = INSTRUCTION.validate_json(record.value)
        assert isinstance(message, Allocate | WriteOff)
        item = by_number.pop(message.item)
        assert (message.amount, message.owner, record.key) == (item.left, item.owner, item.owner.encode())
        if isinstance(message, WriteOff):
            assert int(item.left.replace(".", "")) < SMALL
        else:
            assert message.account == "C000001-EUR"
        kinds[message.type] += 1
    assert min(kinds["allocate"], kinds["write_off"], len(by_number)) > 10


def test_the_same_seed_finds_out_the_same() -> None:
    """So playing it again comes to duplicates; another seed has ids of its own."""
    found = list(investigate(ITEMS, seed=1, day=DAY))
    assert list(investigate(ITEMS, seed=1, day=DAY)) == found
    assert not {each.value for each in investigate(ITEMS, seed=2, day=DAY)} & {each.value for each in found}


def test_only_what_is_kept_in_suspense_is_looked_into() -> None:
    """What is to be returned, is blocked, or was paid for somebody is another matter."""
    others = [
        *[Kept(f"1-{seq}-0", account_class="return") for seq in range(20)],
        *[Kept(f"2-{seq}-0", account_class="blocked_funds") for seq in range(20)],
        *[Kept(f"3-{seq}-0", left="-30.00") for seq in range(20)],
    ]
    assert list(investigate(others, seed=1, day=DAY)) == []
