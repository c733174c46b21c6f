"""What every transaction type promises, and that each is found."""

from keyword import iskeyword
from pathlib import Path

import pytest

from services.transactions import transaction_types
from services.transactions.domain.planning import TransactionType
from services.transactions.transaction_types import TRANSACTION_TYPES
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.kinds import BROADCAST


@pytest.mark.parametrize("kind", TRANSACTION_TYPES, ids=lambda kind: kind.code)
def test_each_type_describes_itself_and_has_a_file_of_its_name(kind: TransactionType) -> None:
    """One file a type, listed in the package."""
    assert kind.description.endswith(".")
    assert kind.broadcast == (kind.code in BROADCAST)
    assert (Path(transaction_types.__file__).parent / f"{_file_of(kind.code)}.py").exists()


def test_the_types_are_those_of_the_contract() -> None:
    """Each message class has its type, each file is listed."""
    codes = [each.code for each in TRANSACTION_TYPES]
    assert codes == [each.model_fields["type"].default for each in INSTRUCTIONS]
    files = {path.stem for path in Path(transaction_types.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(map(_file_of, codes))


def _file_of(code: str) -> str:
    """Return the name of a type's file: its code, with what Python wants behind a word of its own."""
    return f"{code}_" if iskeyword(code) else code
