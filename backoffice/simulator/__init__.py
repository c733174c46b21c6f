"""A seeded upstream system to try the back office on; it knows `shared.messages` and nothing else of ours."""

from backoffice.simulator.investigations import investigate
from backoffice.simulator.plan import SimulatedRecord, anchor_id, first_day_after, plan

__all__ = ["SimulatedRecord", "anchor_id", "first_day_after", "investigate", "plan"]
