"""Acts on what is known of an owner: their key is removed."""

from typing import Literal

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code


class EraseParty(ActBase):
    """Remove an owner's key, so that nobody can open any more what the ledger has sealed under it.

    Refused while an account of theirs is open or a record of theirs waits, and where the ledger has neither
    an account of an owner of this code nor anything that was sealed for one (`owner_unknown`). Books, hashes
    and seals stay as they are. Two people answer for it that no law wants the data kept.
    """

    type: Literal["erase_party"] = "erase_party"
    owner: Code
    approved_by: Code
    """Somebody other than the actor."""
