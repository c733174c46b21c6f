"""Limits of accounts: what may be taken from one on a booking date, and the setting of it."""

from typing import NamedTuple

from services.transactions.domain.chart import Dated


class Allowed(NamedTuple):
    """What may be taken from an account, in minor units."""

    limit: int | None
    """Of overdraft; none where there is no limit."""
    cap: int | None = None
    """By one request; none where there is no cap."""


class LimitSet(NamedTuple):
    """A limit set on an account: a row to be written."""

    account_id: int
    seq: int
    allowed: Dated[Allowed]
    authority: str
