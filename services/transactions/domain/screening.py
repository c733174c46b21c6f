"""Policy for what is screened before it is posted: type, amount, customer's risk, country and channel."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from services.transactions.domain.chart import ScreeningPolicy
from shared.messages.envelope import RiskClass
from shared.money import format_amount

UNRATED: Final[RiskClass] = "medium"
"""The class of customers whom compliance has not rated: neither simplified nor enhanced due diligence (FATF
recommendations 1 and 10)."""


class Seen(NamedTuple):
    """What a policy looks at beside type, amount and day."""

    risk_class: RiskClass | None
    country: str | None
    channel: str | None


@dataclass(frozen=True, slots=True)
class Screened:
    """Why a request is screened first."""

    policy: ScreeningPolicy
    seen: Seen

    def spelt(self, scale: int) -> dict[str, Any]:
        """Spell it as the event does (`shared.messages.journal.ScreenedBy`)."""
        policy = self.policy
        every = {
            "amount_from": format_amount(policy.amount_from, scale),
            "risk_classes": list(policy.risk_classes),
            "countries": list(policy.countries),
            "channels": list(policy.channels),
            **self.seen._asdict(),
            "deadline_hours": policy.deadline_hours,
            "told": policy.told,
        }
        return {name: value for name, value in every.items() if value not in (None, [])}

    @property
    def urgency(self) -> tuple[Any, ...]:
        """What several that ask for it are ordered by: the shortest deadline, then as they are spelt."""
        policy = self.policy
        hours = policy.deadline_hours
        return (hours is None, hours or 0, policy.amount_from, policy.conditions, policy.told)


def seen_in(message: Any, risk_class: RiskClass | None) -> Seen:
    """Return what policies look at in an instruction, read by pydantic or by a struct."""
    payment, channel = message.payment, message.channel
    agent: str | None = payment.creditor_agent if payment else None
    # ISO 9362: the fifth and sixth character of a BIC are the country.
    return Seen(risk_class, agent[4:6] if agent else None, (channel.channel or None) if channel else None)


def screened_by(policies: Iterable[ScreeningPolicy], amount: int, seen: Seen) -> Screened | None:
    """Return the most urgent of the policies that want this screened first, if any does."""
    found = [Screened(each, seen) for each in policies if amount >= each.amount_from and _asks(each, seen)]
    return min(found, key=lambda each: each.urgency, default=None)


def _asks(policy: ScreeningPolicy, seen: Seen) -> bool:
    return all(
        not named or each in named
        for named, each in zip(policy.conditions, (seen.risk_class, seen.country, seen.channel), strict=True)
    )
