"""Securities that come into safekeeping, or leave it."""

from dataclasses import replace
from typing import Final

from services.transactions.domain.effects.containers import accounts_within
from services.transactions.domain.effects.movements import MOVEMENTS

SAFEKEEPING: Final = replace(MOVEMENTS, accounts=accounts_within)
