"""Mistakes of the kinds people make, each planted into the running code for as long as a script plays.

Most are one line of a function put in the place of another, by exchanging the function's code: the product
has no switch for them. Those that the campaign plants under load (`shared.runtime.failpoints`) are switched
on. A mistake whose line is gone cannot be planted any more: its test fails, and the line must be found anew.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from textwrap import dedent
from typing import Any, Final

from shared.runtime import failpoints
from tests.stateful.machine import Script
from tests.stateful.stories import (
    ACCRUED,
    ALLOCATED,
    BOXED,
    CHARGED,
    CLOSED,
    CONTAINED,
    CRASHED,
    DAYS,
    DECIDED,
    ERASED,
    EXPIRED,
    FROZEN,
    GONE,
    GROUPED,
    KEPT,
    LIMITED,
    PAST,
    PERIODS,
    POSTED,
    PUBLISHED,
    RATED,
    REOPENED,
    REPEATED,
    RESERVED,
    RETURNED,
    REVERSED,
    SCHEDULED,
    SEALED,
    SPELLED,
    STOCKED,
    TOMORROW,
    TRADED,
    VALUED,
    WOKEN,
)


@dataclass(frozen=True)
class Bug:
    """One mistake, and the story that provokes it."""

    name: str
    mistake: str
    story: Script
    where: str | None = None
    """The function it is made in, below `services.transactions` if not of `shared`; none for a switch."""
    line: str = ""
    """What stands there once."""
    instead: str = ""

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the mistake made."""
        if self.where is None:
            failpoints.arm("transactions", None, self.name)
            try:
                yield
            finally:
                failpoints.arm("transactions", None, None)
            return
        below = "" if self.where.startswith("shared.") else "services.transactions."
        right: Any = resolve_name(below + self.where)
        kept = right.__code__
        right.__code__ = self._wrong(right).__code__
        try:
            yield
        finally:
            right.__code__ = kept
            right.__dict__.pop("kept", None)

    def _wrong(self, right: Any) -> Any:
        source = dedent(inspect.getsource(right))
        assert source.count(self.line) == 1, (
            f"{self.name}: its line is not found once in {right.__qualname__}"
        )
        scope = dict(right.__globals__)
        exec(source.replace(self.line, self.instead), scope)
        return scope[right.__name__]


BUGS: Final = (
    # money
    Bug(
        "forgotten_credit", "the credit side of a plain movement is not written", POSTED,
        "domain.quick:judge_quickly", "given[1] = credits_", "given[1] = given[1]",
    ),
    Bug(
        "receipt_forgotten", "securities come to a location and to nobody", STOCKED,
        "domain.effects.movements:put_down", "given[1] += amount", "pass",
    ),
    Bug(
        "charge_forgotten", "a charge is asked for, and not taken", CHARGED,
        "transaction_types.transfer:_movements", "if not instruction.charges:", "if instruction:",
    ),
    Bug(
        "deducted_and_paid", "what is deducted is paid out to the payee, too", CHARGED,
        "domain.effects.charging:_take_off", "amounts[paid] -= sum(", "amounts[paid] -= 0 * sum(",
    ),
    Bug(
        "half_a_group", "where one movement fails, those before it stay", GROUPED,
        "domain.effects.movements:put_down", "take_back(case)", "pass",
    ),
    Bug(
        "members_free", "the ids of a group's members are not used up", GROUPED,
        "domain.claims:taken_with", "if group is None or", "if group or",
    ),
    Bug(
        "wrong_member", "of each movement of a group the member after its own is said", GROUPED,
        "domain.events:_movements_of_members", "(number for number,", "(number + 1 for number,",
    ),
    Bug(
        "wrong_sign", "what is reserved is taken off what is pending", RESERVED,
        "domain.effects.movements:put_down", "taken[2] += amount", "taken[2] -= amount",
    ),
    Bug(
        "after_of_the_wrong_row", "a balance after is computed from the other account's row", POSTED,
        "domain.quick:judge_quickly", "credits_ - given[0]", "credits_ - taken[0]",
    ),
    Bug(
        "decimals_not_filled", "an amount with fewer decimals is read as if it had all of them", SPELLED,
        "shared.money:parse_signed", '+ "0" * (scale - len(fraction)))', ")",
    ),
    Bug(
        "rounded_down", "decimals too many are cut off instead of refused", SPELLED,
        "shared.money:parse_signed", "    if len(fraction) > scale:",
        "    fraction = fraction[:scale]\n    if False:",
    ),
    Bug(
        "overflow_unseen", "a balance beyond 64 bits is not refused", SPELLED,
        "domain.effects.movements:_bears", "if debits > AMOUNT_MINOR_MAX or", "if debits < 0 and",
    ),
    Bug(
        "spans_entities", "money moves between two entities at one go", POSTED,
        "domain.quick:judge_quickly", "credit.entity_id != debit.entity_id or ", "",
    ),
    # limits
    Bug(
        "one_over", "a debit one minor unit beyond the limit is taken", LIMITED,
        "domain.quick:judge_quickly", "taken[2] - taken[1] > limit", "taken[2] - taken[1] > limit + 1",
    ),
    Bug(
        "reserved_is_available", "what is reserved is forgotten when funds are looked at", RESERVED,
        "domain.quick:judge_quickly", "debits + taken[2] - taken[1] > limit", "debits - taken[1] > limit",
    ),
    Bug(
        "seen_twice", "credits of other shards are counted twice", LIMITED,
        "domain.effects.movements:_is_short", "if short > foreign:", "if short > 2 * foreign:",
    ),
    Bug(
        "own_credits_as_foreign", "what the home credited itself counts as seen elsewhere, too", LIMITED,
        "store.balances:foreign_credits", "WHERE balance.shard <> asked.home", "WHERE true",
    ),
    Bug(
        "edge_refused", "a debit of all there is, foreign credits with it, is refused", LIMITED,
        "domain.effects.movements:_is_short", "if short > foreign:", "if short >= foreign:",
    ),
    Bug(
        "first_limit_counts", "of several limits that hold the first counts, not the last", LIMITED,
        "domain.changes:Changes.allowed_of", "in reversed(", "in (",
    ),
    Bug(
        "fact_refused_for_funds", "a fact beyond the limit is lost", LIMITED,
        "domain.ledger:_route", "case.limit_passed = True", "return refusal",
    ),
    Bug(
        "limit_of_yesterday", "a limit counts from the day before", LIMITED,
        "domain.effects.limits:_set", "since = message.valid_from or case.day",
        "since = message.valid_from or case.day.replace(day=1)",
    ),
    # identity
    Bug(
        "twice_in_a_batch", "an id that comes twice in one batch is taken twice", REPEATED,
        "domain.ladder:identity", "context.changes.firsts.get(instruction_id) or ", "",
    ),
    Bug(
        "wrong_first", "a duplicate points to itself", REPEATED,
        "domain.ledger:_refused", "decision.about_seq = case.first.seq", "decision.about_seq = case.seq",
    ),
    Bug("no_unique_id", "nobody looks whether an id was used before", REPEATED),
    Bug(
        "refused_ids_forgotten", "a rejection does not use up its id", REPEATED,
        "domain.ledger:_refused", 'reason.rung not in ("place", "identity")', "False",
    ),
    Bug(
        "other_first_kept", "the seq that is kept with an id is not that of its first outcome", REPEATED,
        "store.instruction_keys:key_rows", "8, decision.seq,", "8, decision.seq + 1,",
    ),
    Bug(
        "kept_as_a_fee", "what is kept of an instruction says that it was a fee", REPEATED,
        "store.asking:kept_of_plain", "return mark + rest", 'return b"\\x04" + rest',
    ),
    Bug(
        "kept_as_nothing", "what is kept of an instruction names no type that there is", REPEATED,
        "store.asking:kept_of_plain", "return mark + rest", 'return b"\\x08" + rest',
    ),
    Bug(
        "undone_forgotten", "what was undone may be undone again", REVERSED,
        "domain.effects.reversing:_accept",
        "case.context.changes.use(each, use_of(case, each, amount), amount, case.seq)", "pass",
    ),
    Bug(
        "returned_beyond", "more comes back of a payment than went out", RETURNED,
        "domain.effects.returning:_state", "case.amounts[0] > used.left", "False",
    ),
    Bug(
        "return_forgotten", "what has come back of a payment is not counted", RETURNED,
        "domain.effects.returning:_accept",
        "case.context.changes.use(movement, used, case.amounts[0], case.seq)", "pass",
    ),
    Bug(
        "returned_by_halves", "after a claim half of what came back is left to come back", RETURNED,
        "store.reversals:uses", "min(reversed.left_minor)", "max(reversed.left_minor + reversed.amount)",
    ),
    Bug(
        "item_used_twice", "more is allocated of an item than there is", ALLOCATED,
        "domain.effects.items:_state", "case.amounts[0] > used.left", "False",
    ),
    Bug(
        "allocation_forgotten", "what was allocated of an item is not counted", ALLOCATED,
        "domain.effects.items:_accept",
        "case.context.changes.use(movement, used, case.amounts[0], case.seq)", "pass",
    ),
    Bug(
        "item_of_others", "anybody of the shard may use an item up", ALLOCATED,
        "domain.effects.items:_find", "home != case.record.owner", "False",
    ),
    Bug(
        "not_reopened", "what was allocated to the wrong one and undone is no item again", ALLOCATED,
        "domain.effects.reversing:_accept", 'decision.detail["reopens"] = True', "pass",
    ),
    # pendings and screening
    Bug(
        "released_twice", "what is posted of a reserve is released twice", RESERVED,
        "domain.effects.pendings:settle", "taken[2] -= leg.amount", "taken[2] -= 2 * leg.amount",
    ),
    Bug(
        "part_over_the_amount", "more is posted than was reserved", RESERVED,
        "domain.effects.pendings:_state", "> named.legs[0].amount", "> 9 * named.legs[0].amount",
    ),
    Bug(
        "rest_kept", "the rest of a reserve is not given back with the final part", RESERVED,
        "domain.effects.pendings:_post", "settle(changes, rest, posted=False)", "pass",
    ),
    Bug(
        "parts_forgotten", "what was posted of a reserve is forgotten when it is read again", RESERVED,
        "store.moving:_left", "if settled else legs", "if not settled else legs",
    ),
    Bug(
        "hold_posted", "what compliance must see first is posted at once", DECIDED,
        "domain.effects.movements:_limits", "case.screened = screened_first(case)", "case.screened = None",
    ),
    Bug(
        "refusal_posts", "what compliance refuses is posted", DECIDED,
        "domain.ledger:_resolve", 'if answer.decision == "refused":', 'if answer.decision == "cleared":',
    ),
    Bug(
        "any_content", "a decision about other content counts", DECIDED,
        "domain.ledger:_resolve", "pending.content_hash.hex() != answer.content_hash", "False",
    ),
    Bug(
        "mark_not_moved", "compliance's answer is taken as often as it comes", DECIDED,
        "shared.runtime.batch:Batch._take_from_chain", "self.marks[lane] = seq", "pass",
    ),
    Bug(
        "rating_forgotten", "after a claim nobody remembers what customers are rated", RATED,
        "store.risk:classes_at", "for row in rows}", "for row in ()}",
    ),
    Bug(
        "rating_from_the_next_batch", "a rating does not count for what follows in its batch", RATED,
        "domain.changes:Changes.risk_class_of", "self.risk_classes.get(owner) or ", "",
    ),
    Bug(
        "least_urgent_policy", "of several policies the one that leaves the most time counts", RATED,
        "domain.screening:screened_by", "min(found", "max(found",
    ),
    Bug(
        "any_country", "a policy for some countries asks for all", RATED,
        "domain.screening:_asks", "not named or each in named", "not named or each is None",
    ),
    Bug(
        "expires_on_its_day", "what is reserved is given back on its last day", EXPIRED,
        "domain.open_pendings:OpenPending.has_expired", "self.expires_on < day", "self.expires_on <= day",
    ),
    Bug(
        "never_given_back", "what has expired is never given back", EXPIRED,
        "domain.due:tasks_due", "not in parked", "in parked",
    ),
    # what waits for its day
    Bug(
        "cancelled_when_due", "what is scheduled may be given up on its day, too", SCHEDULED,
        "domain.effects.pendings:_state_to_void", "waiting is not None and not waiting.is_due(case.day)",
        "waiting is not None",
    ),
    Bug(
        "executed_twice", "what was executed still waits", SCHEDULED,
        "domain.changes:Changes.end_waiting", "self.scheduled[waiting.instruction_id] = None", "pass",
    ),
    Bug(
        "executes_another", "what is executed names another request that was scheduled", SCHEDULED,
        "domain.ledger:execute", "decision.about_seq = waiting.seq", "decision.about_seq = waiting.seq + 1",
    ),
    Bug(
        "waiting_forgotten", "after a claim nobody remembers what is scheduled", SCHEDULED,
        "store.scheduled:waiting_at", "ended_seq IS NULL", "ended_seq IS NOT NULL",
    ),
    Bug(
        "cancelled_not_written", "what was cancelled is not marked, and is executed after a claim", SCHEDULED,
        "store.scheduled:end_waiting", "if rows:", "if False:",
    ),
    # freezes
    Bug(
        "direction_swapped", "a freeze of debits stops credits", FROZEN,
        "domain.cases:first_stopped", "((debit, DEBIT_FROZEN), (credit, CREDIT_FROZEN))",
        "((debit, CREDIT_FROZEN), (credit, DEBIT_FROZEN))",
    ),
    Bug(
        "freeze_from_the_next_batch", "a freeze does not stop what follows in its batch", FROZEN,
        "domain.changes:Changes.set_freeze", "self.stop(account_id)", "pass",
    ),
    Bug(
        "foreign_freezes_cached", "the freezes of other shards are read once and for all", FROZEN,
        "handlers.loading:load_stopped", "outside.knows_all_stops = stopped, are_all",
        "outside.knows_all_stops = load_stopped.__dict__.setdefault('kept', stopped), are_all",
    ),
    Bug(
        "freeze_not_lifted", "a lifted freeze is not written down", FROZEN,
        "store.moving:lift_freezes", "if rows:", "if False:",
    ),
    Bug(
        "kept_amount_taken", "what a freeze keeps is available", KEPT,
        "domain.effects.movements:_is_short", "frozen = changes.frozen_of(debit.account_id)", "frozen = 0",
    ),
    Bug(
        "kept_amount_forgotten", "after a claim a freeze of an amount stops all debits", KEPT,
        "store.moving:freezes_at", 'row["amount_minor"])', "None)",
    ),
    # trades
    Bug(
        "failed_on_its_day", "a trade fails on the day on which it is to be settled", TRADED,
        "domain.open_pendings:OpenPending.is_overdue", "self.settles_on < day", "self.settles_on <= day",
    ),
    Bug(
        "failed_on_the_other_side", "by settlement date, the house owes what it is to get",
        TRADED,
        "domain.effects.obligations:failing_now",
        '"receivable" if buys else "payable"', '"payable" if buys else "receivable"',
    ),
    Bug(
        "commission_kept", "a trade that is cancelled leaves its commission in the books", TRADED,
        "domain.effects.obligations:_undone", "owed_to_us - owed_by_us) for", "owed_to_us) for",
    ),
    Bug(
        "late_part_left", "what is settled late stays among the fails", TRADED,
        "domain.effects.obligations:booked_behind", "elif failed is not None:", "elif False:",
    ),
    Bug(
        "arrives_any_day", "what was bought counts for a sale whenever it comes", TRADED,
        "domain.changes:Changes.arriving_by", "settles_on <= day", "True",
    ),
    Bug(
        "any_part_undone", "whichever part of a trade may be undone", REOPENED,
        "domain.effects.reopening:stands_last", "trade.pending.settled != part.settled", "False",
    ),
    Bug(
        "cancelled_and_open_again", "of a trade that was cancelled a part is pending again", REOPENED,
        "domain.effects.reopening:stands_last", "if trade.is_cancelled:", "if False:",
    ),
    Bug(
        "undone_and_not_owed", "what is undone of a trade is not pending again", REOPENED,
        "domain.effects.reversing:_accept", "reopening.reopen(case)", "pass",
    ),
    Bug(
        "set_aside_once", "what is pending again is not set aside on the accounts", REOPENED,
        "domain.effects.reopening:_set_aside", "taken[2] += leg.amount", "pass",
    ),
    Bug(
        "still_resolved", "a trade that is open again is marked as ended", REOPENED,
        "domain.changes:Changes.reopen_pending", "self.resolved[pending.seq] = None", "pass",
    ),
    Bug(
        "still_settled", "what is undone of a trade counts as settled", REOPENED,
        "domain.changes:Changes.reopen_pending", "self.settled.append((pending.seq, -quantity))", "pass",
    ),
    Bug(
        "arrives_no_more", "what is pending again does not count for a sale", REOPENED,
        "domain.changes:Changes.reopen_pending", "self.count_dated(pending, leg, leg.amount)", "pass",
    ),
    Bug(
        "fails_no_more", "what is undone after its day is not among the fails", REOPENED,
        "domain.effects.reopening:_failing_again", "if failed is None:", "if True:",
    ),
    Bug(
        "settled_before_said", "of what is undone the quantity before it is said", REOPENED,
        "domain.effects.reopening:reopen", "format_amount(pending.settled,",
        "format_amount(pending.settled + legs[0].amount,",
    ),
    # days
    Bug(
        "day_of_another_entity", "the business day is that of whichever entity is furthest", DAYS,
        "domain.quick:_terms",
        "context.changes.day_of(entity_id)", "max(context.changes.state.days.values())",
    ),
    Bug(
        "closed_with_money", "an account that holds something is closed", CLOSED,
        "domain.effects.closing:_holds_nothing", "if row[1] - row[0] + foreign:", "if False:",
    ),
    Bug(
        "container_of_others", "an account is grouped under one of another owner", CONTAINED,
        "domain.effects.opening:_why_not", "container.owner != owner", "container.owner is None",
    ),
    Bug(
        "containers_deep", "an account is grouped under one that is within another", CONTAINED,
        "domain.effects.opening:_why_not", "container.container is None", "container.owner is not None",
    ),
    Bug(
        "container_closed", "an account is grouped under one that is closed", CLOSED,
        "domain.effects.opening:_container_is_open", "not is_shut(changes, container)", "True",
    ),
    Bug(
        "limit_of_a_closed_one", "an account that is closed is given another limit", CLOSED,
        "domain.effects.limits:_is_open", "is_shut(case.context.changes, case.account)", "False",
    ),
    Bug(
        "closed_around_shares", "a custody account is closed with what is within it", BOXED,
        "domain.effects.closing:_all_of", "if not account.is_container:", "if True:",
    ),
    Bug(
        "reopened_by_one", "one person may open an account again", CLOSED,
        "domain.effects.closing:_by_two", "message.entered_by == message.approved_by", "False",
    ),
    Bug(
        "first_day_read", "after a claim the books stand on the first day again", DAYS,
        "store.moving:days_at", "max(booking_date)", "min(booking_date)",
    ),
    Bug(
        "closed_period_taken", "a closed period takes adjustments as a soft-closed one does", PERIODS,
        "domain.effects.periods:refuse_booking_date", "periods.is_soft_closed(day)",
        "periods.is_soft_closed(day) or periods.is_closed(day)",
    ),
    Bug(
        "periods_forgotten", "after a claim all periods are open again", PERIODS,
        "store.periods:periods_at", "    for row in rows:", "    for row in ():",
    ),
    Bug(
        "gap_between_periods", "a period may begin later than behind the last one", PERIODS,
        "domain.effects.periods:_state",
        "if not periods.may_follow(_period(case), message.state, entity.first_booking_date):", "if False:",
    ),
    Bug(
        "value_ahead_taken", "money is available before its value date", VALUED,
        "domain.effects.movements:_is_short", "kept = withheld(ahead, NONE_AHEAD, since) if ahead else 0",
        "ahead, kept = NONE_AHEAD, 0",
    ),
    Bug(
        "value_elsewhere_taken", "what another shard has credited is available before its value date", VALUED,
        "domain.effects.movements:_is_short", "ahead_elsewhere(case.context, debit.account_id, since)",
        "NONE_AHEAD",
    ),
    Bug(
        "tomorrow_taken", "what another shard has posted on its next business day is available today",
        TOMORROW, "handlers.loading:load_credits", "if later:", "if False:",
    ),
    Bug(
        "ahead_forgotten", "after a claim nothing has its value on a day to come", VALUED,
        "store.value_dates:ahead_at", "    for row in rows:", "    for row in ():",
    ),
    Bug(
        "value_comes_never", "what has its value on a day to come is kept from its owner for ever", VALUED,
        "domain.openings:open_day", "{**changes.state.ahead, **changes.ahead}.items()", "()",
    ),
    Bug(
        "cap_by_movement", "what several movements of a request take together may pass the cap", LIMITED,
        "domain.effects.movements:_passes_cap", "if leg.debit.account_id == own", "if False",
    ),
    Bug(
        "past_forgotten", "what accounts held when a day was opened is not kept", PAST,
        "domain.openings:keep_openings", "changes.day_openings.append(", "id(",
    ),
    Bug(
        "past_as_of_now", "what an account held when a day was opened is what it holds now", PAST,
        "domain.value_dates:DaysOpened.held_by", "seq) - 1], held)", "seq) - 1], now)",
    ),
    Bug(
        "past_not_asked", "a request with its value in the past is asked from today on only", PAST,
        "domain.effects.movements:_counts_from", "if may_pass else since", "",
    ),
    Bug(
        "accrual_rounded_down", "what accrues is cut off instead of rounded", ACCRUED,
        "domain.effects.accruing:_cumulative", " + Fraction(1, 2)", "",
    ),
    Bug(
        "accrued_forgotten", "after a claim what accrues is posted from the beginning again", ACCRUED,
        "store.accruals:accrued_at", "for row in rows}", "for row in ()}",
    ),
    # tables
    Bug(
        "new_rows_forgotten", "balances of new accounts are not written", POSTED,
        "store.balances:save_balances", "    if new:", "    if False:",
    ),
    Bug(
        "number_used_again", "after a claim an account's number is given out again", CRASHED,
        "store.accounts:next_account_number", "% ACCOUNTS_PER_SHARD + 1", "% ACCOUNTS_PER_SHARD",
    ),
    Bug(
        "number_left_out", "the fold leaves out a number", POSTED,
        "domain.ledger:fold", "    seq = last_seq\n", "    seq = last_seq + 1\n",
    ),
    Bug(
        "limit_not_kept", "an account is opened without the limit that was asked for", CRASHED,
        "store.accounts:claim_accounts", "[account.opening_limit for", "[0 for",
    ),
    Bug(
        "number_too_high", "the last number that a shard has given out is stored one too high", POSTED,
        "shared.runtime.shard:finish", "works[s.shard].last_seq)", "works[s.shard].last_seq + 1)",
    ),
    # events
    Bug(
        "hash_of_the_key", "the chain is taken over the event's key instead of its body", POSTED,
        "handlers.announcing:announce", "chained(head, event.body, *row)", "chained(head, event.key, *row)",
    ),
    Bug(
        "chain_of_copies_broken", "a copy does not name the one sent there before", POSTED,
        "handlers.announcing:announce", "secondaries[lane] = seq", "pass",
    ),
    Bug(
        "copy_not_sent", "a customer in a lower shard is not told of a credit", POSTED,
        "handlers.announcing:announce", "if credit.shard != shard and", "if credit.shard > shard and",
    ),
    Bug(
        "rebuilt_otherwise", "an event that is published after a crash names another epoch", CRASHED,
        "handlers.announcing:events_after", "spell_time(recorded_at), epoch, decision.seq - 1",
        "spell_time(recorded_at), epoch + 1, decision.seq - 1",
    ),
    Bug(
        "names_to_be_read", "what is personal in a record that is read closely is not sealed", SEALED,
        "domain.records:Record.__init__", "if keys is not None and is_personal(message):", "if False:",
    ),
    Bug(
        "holders_to_be_read", "who has a role with a customer is not sealed", SEALED,
        "domain.personal:sealed_content", "for name in PARTY_BLOCKS:", 'for name in ("party",):',
    ),
    Bug(
        "holder_of_no_code", "somebody without a code is given a role, which nobody can end", SEALED,
        "domain.effects.holders:_form", "holder.person is None", "False",
    ),
    Bug(
        "key_of_no_owner", "a key is published under another owner's name", SEALED,
        "handlers.sealing:_published", "row.owner.encode(), key_record", "b'nobody', key_record",
    ),
    Bug(
        "key_not_sent_again", "after a crash an event is published without the key that it needs", SEALED,
        "handlers.sealing:add_keys", "event.ahead += made.get(event.seq, ())", "pass",
    ),
    Bug(
        "key_not_removed", "an owner is said to be erased, and the key stays in the tables", ERASED,
        "handlers.sealing:erase_party",
        "had_key = await party_keys.erase_key(work.connection, shard, owner)", "had_key = True",
    ),
    Bug(
        "key_left_in_the_topic", "nobody who reads keys is told that one is erased", GONE,
        "handlers.announcing:_erased", "return (tombstone(decision.owner),)", "return ()",
    ),
    Bug(
        "dropped_with_the_round", "an event is forgotten when publishing fails", PUBLISHED,
        "shared.runtime.publisher:Publisher._publish_until_acknowledged",
        "attempt += 1", "self._in_flight = self._in_flight[1:]",
    ),
    Bug(
        "copies_left_out_of_the_second_round", "copies are not sent again when publishing fails", PUBLISHED,
        "shared.runtime.publisher:Publisher._publish_round",
        "if secondaries:", "if secondaries and self.failing_since is None:",
    ),
    # the runtime
    Bug(
        "last_first", "a batch is taken from its end", POSTED,
        "shared.runtime.arranging:arrange",
        "for item in items]\n    if swallow", "for item in items[::-1]]\n    if swallow",
    ),
    Bug("offset_first", "the position is stored before the effect", CRASHED),
    Bug("no_epoch_check", "nobody looks whether the shard is still ours", WOKEN),
    Bug("swallowed_decode_error", "a record that cannot be read is passed over", SPELLED),
    Bug("forgotten_leg", "the credit side of a movement on the ladder is not written", POSTED),
    Bug("act_before_its_turn", "an act is done before what stands in front of it", CRASHED),
)  # fmt: skip
