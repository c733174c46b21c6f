"""The chart, and the look-ups that a decision may make outside its shard."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from audit.amounts import spell_amount
from audit.evidence import Chart, Evidence
from audit.ledger_rows import JournalRow
from audit.model.predictions import Leg
from audit.model.state import KnownAccount, Limit, Posted, ShardState
from audit.wire import HOUSE, Asked

ScreenedBy = Mapping[str, Any]
"""A policy that wants a decision before the posting, and what it saw, as the event spells them."""

PostedIn = Callable[[int, UUID], Posted | None]
"""What another shard has posted for an instruction."""


def most_urgent(found: Sequence[ScreenedBy]) -> list[ScreenedBy]:
    """Those with the shortest deadline; one that names none leaves the most time."""
    hours = [each.get("deadline_hours", math.inf) for each in found]
    return [each for each, within in zip(found, hours, strict=True) if within == min(hours)]


def nothing_posted(shard: int, instruction_id: UUID) -> Posted | None:  # noqa: ARG001 - others look
    """Nobody replays other shards."""
    return None


class Books:
    """The chart, and the look-ups that a decision may make outside its shard."""

    def __init__(self, evidence: Evidence) -> None:
        chart: Chart = evidence.chart
        self.partitions = evidence.partitions
        self.assets = {asset.code: asset for asset in chart.assets if asset.kind != "none"}
        self.entities = [entity.code for entity in sorted(chart.entities, key=lambda each: each.entity_id)]
        self.first_days = {entity.code: entity.first_booking_date for entity in chart.entities}
        entity_code = {entity.entity_id: entity.code for entity in chart.entities}
        asset_code = {asset.asset_id: asset.code for asset in chart.assets}
        self.classes = {each.code: each for each in chart.classes}
        self.instruments = {asset_code[each.asset_id]: each for each in chart.instruments}
        self.rules = [(entity_code[rule.entity_id], rule) for rule in chart.posting_rules]
        self.policies = [
            (entity_code[each.entity_id], asset_code[each.asset_id], each) for each in chart.policies
        ]
        self.trade_policies = [(entity_code[each.entity_id], each) for each in chart.trade_policies]
        self.code_of: dict[int, str] = {}
        self.house: dict[tuple[str, str, str], str] = {}
        """Entity, class, asset → the firm's own account."""
        self.accounts: dict[str, KnownAccount] = {}
        """Every account there is at the end; who could know of it when is asked separately."""
        for row in evidence.ledger.accounts:
            known = KnownAccount(
                code=row.code,
                entity=entity_code[row.entity_id],
                owner=row.owner,
                asset=asset_code[row.asset_id],
                account_class=row.account_class,
                limit_minor=row.limit_minor,
                shard=row.shard,
                opened_seq=row.opened_seq,
                container=row.container,
            )
            self.code_of[row.account_id] = row.code
            self.accounts[row.code] = known
            if row.owner == HOUSE:
                self.house[known.entity, known.account_class, known.asset] = row.code

        self.posted_in: PostedIn = nothing_posted

    def new_shard(self, shard: int) -> ShardState:
        """A shard on which nothing has happened."""
        return ShardState(shard, today=dict(self.first_days))

    def account(self, state: ShardState, row: JournalRow, code: str) -> KnownAccount | None:
        """An account as this shard knew it when it took the record."""
        if code in state.opened:
            return state.opened[code]
        found = self.accounts.get(code)
        if found is None or code in was_seen(row, "absent"):
            return None
        if found.owner != HOUSE and found.shard == state.shard:
            return None  # This shard opens it later.
        return found

    def against(self, entity: str, asked: Asked, condition: str, asset: str, day: date) -> str | None:
        """The house account that the posting rules put against a customer's."""
        for of, rule in self.rules:
            if (of, rule.instruction_type, rule.condition) != (entity, asked.type, condition):
                continue
            if rule.valid_from <= day and (rule.valid_until is None or day < rule.valid_until):
                return self.house.get((entity, rule.house_class, asset))
        return None

    def screened_by(
        self, state: ShardState, asked: Asked, entity: str, asset: str, amount: int, day: date
    ) -> list[ScreenedBy]:
        """The policies that want a decision before the posting, as events tell them; the most urgent."""
        payment: Mapping[str, Any] = asked.content.get("payment") or {}
        met = {
            "risk_class": None if asked.owner == HOUSE else state.risk_of(asked.owner),
            "country": (payment.get("creditor_agent") or "")[4:6] or None,
            "channel": (asked.content.get("channel") or {}).get("channel"),
        }
        found: list[ScreenedBy] = []
        for of, code, policy in self.policies:
            if (of, code, policy.instruction_type) != (entity, asset, asked.type):
                continue
            if policy.valid_from > day or (policy.valid_until is not None and policy.valid_until <= day):
                continue
            wanted = (policy.risk_classes, policy.countries, policy.channels)
            unmet = [
                each for each, value in zip(wanted, met.values(), strict=True) if each and value not in each
            ]
            if amount < policy.amount_from or unmet:
                continue
            scale = self.assets[asset].scale
            named = {
                "amount_from": spell_amount(policy.amount_from, scale),
                "risk_classes": list(policy.risk_classes),
                "countries": list(policy.countries),
                "channels": list(policy.channels),
                **met,
                "deadline_hours": policy.deadline_hours,
                "told": policy.told,
            }
            found.append({name: value for name, value in named.items() if value not in (None, [])})
        return most_urgent(found)

    def by_trade_date(self, entity: str, day: date) -> bool:
        """Whether policy wants what is owed for a trade in the books at once."""
        return any(
            policy.policy == "trade_date"
            for of, policy in self.trade_policies
            if of == entity
            and policy.valid_from <= day
            and (policy.valid_until is None or day < policy.valid_until)
        )

    def last_resort(self, asset: str) -> str | None:
        """The entity that keeps money of nobody known: the first with suspense in the asset."""
        return next((entity for entity in self.entities if (entity, "suspense", asset) in self.house), None)

    def known(self, state: ShardState, code: str) -> KnownAccount:
        """An account that something was posted to."""
        return state.opened.get(code) or self.accounts[code]

    def day_of(self, state: ShardState, code: str) -> date:
        """The open business day of an account's entity."""
        return state.today[self.known(state, code).entity]

    def short_of(
        self,
        state: ShardState,
        row: JournalRow,
        leg: Leg,
        since: date | None,
        kept: int = 0,
        by: str | None = None,
        *,
        may_pass: bool = False,
    ) -> str | None:
        """Why a movement takes more than a customer has, with its limit and what was seen elsewhere.

        On some day from that of its value on, or in the end. What is given no day counts from today, as does
        what `may_pass` with its value before. What is `kept` is not to be taken; what trades bring by the day
        `by` may be.
        """
        account = state.opened.get(leg.debit) or self.accounts.get(leg.debit)
        if account is None or account.owner == HOUSE:
            return None
        limit = self.limit_of(state, account)
        if limit is None:
            return None
        today = state.today[account.entity]
        since = max(since or today, today) if may_pass else since or today
        books = account.entity, self.first_days[account.entity]
        debits, credits, pending, _ = state.balance(leg.debit)  # noqa: A001 - the ledger's word
        there = credits - debits - pending + limit - kept
        if there - state.still_to_come(leg.debit, since, {}, *books) >= leg.amount:
            return None
        there += sum(
            each.amount
            for reserved in state.pendings.values()
            if reserved.resolved_seq is None and not reserved.stands(state.today[account.entity])
            for each in reserved.legs
            if each.debit == leg.debit
        )
        there += sum(
            each.amount
            for pending in state.pendings.values()
            if by is not None and pending.resolved_seq is None and pending.asked.type == "trade"
            for each in pending.legs
            if each.credit == leg.debit
            and (pending.asked.content.get("contractual_settlement_date") or "9999-12-31") <= by
        )
        there += self.foreign(row, leg.debit)
        if there < leg.amount:
            return "insufficient_funds"
        to_come = state.still_to_come(leg.debit, since, self.foreign_to_come(row, leg.debit), *books)
        return "short_on_value_date" if there - to_come < leg.amount else None

    def foreign_to_come(self, row: JournalRow, code: str) -> dict[date, int]:
        """What of those credits had its value on a day to come, as far as the decision saw it."""
        ahead = (row.seen or {}).get("ahead") or {}
        return {
            date.fromisoformat(day): int(minor)
            for account_id, days in ahead.items()
            if self.code_of.get(int(account_id)) == code
            for day, minor in days.items()
        }

    def limit_of(self, state: ShardState, account: KnownAccount) -> int | None:
        """The limit of a customer's account on the open business day."""
        set_since = self._limit_set(state, account)
        return account.limit_minor if set_since is None else set_since.minor

    def cap_of(self, state: ShardState, code: str) -> int | None:
        """The most that one request may take from an account on the open business day."""
        account = state.opened.get(code) or self.accounts.get(code)
        set_since = None if account is None else self._limit_set(state, account)
        return None if set_since is None else set_since.cap

    def _limit_set(self, state: ShardState, account: KnownAccount) -> Limit | None:
        today = state.today[account.entity]
        holding = [
            each
            for each in state.limits
            if each.account == account.code
            and each.valid_from <= today
            and (each.valid_until is None or today < each.valid_until)
        ]
        return holding[-1] if holding else None

    def foreign(self, row: JournalRow, code: str) -> int:
        """Credits that other shards had made to an account, as far as the decision saw them."""
        credits = (row.seen or {}).get("credits") or {}  # noqa: A001 - the ledger's word
        return sum(
            int(amount) for account_id, amount in credits.items() if self.code_of.get(int(account_id)) == code
        )


def was_seen(row: JournalRow, what: Literal["absent", "taken"]) -> Iterable[str]:
    """Codes that a decision found absent, or taken, in other shards."""
    return (row.seen or {}).get(what) or ()
