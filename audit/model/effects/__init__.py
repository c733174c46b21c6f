"""What each type of instruction does, in the model's own words. EXTEND HERE.

A type that moves money needs its movements in `askings.MOVEMENTS`; any other a function in a module of its
own, listed below.
"""

from collections.abc import Mapping
from typing import Final

from audit.model.effects.accounts import code_is_free, limit_asked, open_account
from audit.model.effects.accruals import accrue, has_accrued
from audit.model.effects.askings import MOVEMENTS, amounts_moved, ends_and_charges_fit
from audit.model.effects.business_days import open_business_day
from audit.model.effects.closings import by_two, close, closed, reopen, swept
from audit.model.effects.effect import ByItself, Effect
from audit.model.effects.exchanges import amounts_and_rate, assets_differ, exchange
from audit.model.effects.freezes import amount_kept, of_debits, place_or_lift
from audit.model.effects.groups import book, well_formed
from audit.model.effects.holders import change_holder, says_whose_and_when
from audit.model.effects.items import given_up_by_two, use_item
from audit.model.effects.limits import change_limit, holds_on_some_day, new_limit_asked
from audit.model.effects.movements import move
from audit.model.effects.obligations import booked
from audit.model.effects.periods import close_period, holds_a_day
from audit.model.effects.reopenings import reopened
from audit.model.effects.reserves import part_asked, resolve
from audit.model.effects.returns import amount_back, come_back
from audit.model.effects.reversals import answered_for, approved, reverse
from audit.model.effects.trades import price_is_left, trade

EFFECTS: Final[Mapping[str, Effect]] = {
    **{code: Effect(move, amounts_moved, ends_and_charges_fit) for code in MOVEMENTS},
    "adjustment": Effect(move, amounts_moved, approved),
    "accrual": Effect(accrue, own_form=has_accrued),
    "exchange": Effect(exchange, amounts_and_rate, assets_differ),
    "trade": Effect(trade, amounts_moved, price_is_left),
    "open_account": Effect(open_account, limit_asked, code_is_free),
    "freeze_account": Effect(place_or_lift, amount_kept, of_debits),
    "unfreeze_account": Effect(place_or_lift),
    "change_limit": Effect(change_limit, new_limit_asked, holds_on_some_day),
    "change_holder": Effect(change_holder, own_form=says_whose_and_when),
    "close_account": Effect(close),
    "reopen_account": Effect(reopen, own_form=by_two),
    "open_business_day": Effect(open_business_day),
    "close_period": Effect(close_period, own_form=holds_a_day),
    "post_pending": Effect(resolve, part_asked),
    "void_pending": Effect(resolve, part_asked),
    "reversal": Effect(reverse, own_form=answered_for),
    "return": Effect(come_back, amount_back),
    "allocate": Effect(use_item, amount_back),
    "write_off": Effect(use_item, amount_back, given_up_by_two),
    "group": Effect(
        book,
        of_parts=lambda books, state, row, asked: well_formed(books, state, row, asked, EFFECTS),
    ),
}

BY_ITSELF: Final[Mapping[str, ByItself]] = {
    "CreditSwept": swept,
    "AccountClosed": closed,
    "ObligationBooked": booked,
    "PendingReopened": reopened,
}
"""What the ledger does without a record that asks for it, by the event's kind."""
