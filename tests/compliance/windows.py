"""Makes entries of windows from words: `+9000@24/ann/DE` is 9,000 in after 24 hours, from Ann in Germany."""

from datetime import date

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.windows.entry import DAY, HOUR, Entry, counterparty, instant
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.window import Window
from services.compliance.rules import WINDOW_RULES
from shared.messages.compliance import Finding
from shared.money import parse_amount
from tests.compliance.ledger import hours

BOOK = ParameterBook(RULE_PARAMETERS)
MONDAY = date(2026, 3, 2)


def entry(words: str, seq: int, asset: str = "USD") -> Entry:
    """Read `+9000@24/ann/DE`; `open@0` opens the account.

    A further part `!creditor.name` is missing; `~trade` says that it was bought or sold.
    """
    what, _, rest = words.partition("@")
    at, *more = rest.split("/")
    missing = "".join(each[1:] for each in more if each.startswith("!"))
    named = [each for each in more if each[:1] not in ("!", "~")]
    amount = 0 if what == "open" else parse_amount(what[1:], 2) * (-1 if what[0] == "-" else 1)
    time = instant(hours(0)) + int(float(at) * HOUR)
    return Entry(
        owner="C1",
        asset=asset,
        account=f"C1-{asset}",
        scale=2,
        amount=amount,
        at=time,
        day=time // DAY + date(1970, 1, 1).toordinal(),
        shard=0,
        seq=seq,
        other=counterparty(named[0]) if named and named[0] else 0,
        country=named[1] if len(named) > 1 else "",
        missing=missing,
        traded="~trade" in more,
    )


def entries(words: str, asset: str = "USD") -> list[Entry]:
    """Read entries with commas between; `4*+5@1` is four of them, `-` none."""
    found: list[str] = []
    for each in words.split(","):
        times, _, one = each.rpartition("*")
        found += [one] * int(times or 1)
    return [entry(each, seq, asset) for seq, each in enumerate(found, start=1) if each != "-"]


def findings_of(made: list[Entry], book: ParameterBook = BOOK) -> dict[str, Finding]:
    """Let a window take entries, and return what is found of the last, by rule."""
    window, judge = Window(), WindowJudge(WINDOW_RULES, book)
    found: dict[str, Finding] = {}
    for each in made:
        found = {finding.rule: finding for finding in judge.take(window, each)}
    return found
