"""The auditor's own judgement of a record: unreadable, wrong in a field, or an instruction.

Written from the contract's words, not from its code: JSON of at most 50 levels in UTF-8 that names no key
twice; an id (UUID in any usual spelling), a known type and an owner must be there to be answered at all;
amounts are strings, dates ISO 8601, times RFC 3339 with an offset; unknown fields are ignored; nothing is
coerced.
"""

from audit.wire.acts import is_act
from audit.wire.instructions import OF_THE_WHOLE, SHAPES, Asked, read_instruction
from audit.wire.json_values import Unreadable
from audit.wire.kinds import BROADCAST, FACTS, HOUSE, SCHEDULABLE

__all__ = [
    "BROADCAST",
    "FACTS",
    "HOUSE",
    "OF_THE_WHOLE",
    "SCHEDULABLE",
    "SHAPES",
    "Asked",
    "Unreadable",
    "is_act",
    "read_instruction",
]
