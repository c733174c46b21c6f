"""The reference ledger: one record at a time, in the plainest Python, by the ledger's published ladder.

`replay` takes each shard's records in the order its journal says they were taken, together with what the
journal says was seen of other shards, and says what must have come of each. It is slow and obvious.

What a type of instruction moves or changes is in `effects`: EXTEND THERE.
"""

from audit.model.ladder import PLACE_REASONS
from audit.model.predictions import Leg, Prediction
from audit.model.replaying import Replay, replay
from audit.model.state import ShardState

__all__ = ["PLACE_REASONS", "Leg", "Prediction", "Replay", "ShardState", "replay"]
