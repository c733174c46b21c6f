"""Words that stand beside a name and are no part of it: remarks, connectors, and business words.

Closed lists, as of 1 December 2026, written down from what name fields of payments and of customers' records
carry in practice (postal and legal usage of "care of", "also known as", "estate of"; labels of account and
reference numbers). A change of them changes scores.
"""

from collections.abc import Iterable, Sequence
from typing import Final

Phrases = dict[str, tuple[tuple[str, ...], ...]]
"""Phrases by their first word, the longest first."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _phrases(*texts: str) -> Phrases:
    found: dict[str, list[tuple[str, ...]]] = {}
    for text in texts:
        for line in text.split(";"):
            words = tuple(line.split())
            found.setdefault(words[0], []).append(words)
    return {first: tuple(sorted(each, key=lambda words: -len(words))) for first, each in found.items()}


SLASHED: Final = {
    "c/o": "careof",
    "a/c": "account",
    "t/a": "trading as",
    "d/b/a": "dba",
    "a/k/a": "aka",
    "f/k/a": "fka",
    "n/k/a": "nka",
    "f/b/o": "fbo",
    "o/b/o": "obo",
}
"""Abbreviations with a slash, in the words they are read as."""

CONNECTORS: Final = _phrases(
    "careof; care of; in care of; attn; attention; attention of; for the attention of; fao",
    "aka; also known as; known as; better known as; alias; nka; now known as",
    "fka; formerly known as; formerly; previously known as; previously",
    "dba; doing business as; trading as; operating as",
    "on behalf of; for and on behalf of; in behalf of; obo; for the benefit of; fbo; for account of",
    "for the account of; account of; by order of; in favour of; in favor of; in trust for; as trustee for",
    "as nominee for; as agent for; represented by",
    "payment to; payment from; payment for; pay to; paid to; transfer to; transfer from; remittance to",
    "remittance from; donation to; donation from; payable to",
    "account; acct; acc; account holder; account name; beneficiary; ref; reference; invoice",
)
"""What joins a party to another, or to what is said of it: both sides are looked at by themselves, too."""

REMARKS: Final = _phrases(
    "deceased; decd; the late; late of; estate of; the estate of; estate of the late; est of",
    "executor of; executors of; executor for; executors for; executor of the estate of; heirs of; heir of",
    "executors of the estate of; representative of; representatives of; administrator of the estate of",
    "nee; payment; remittance; donation; salary; wages; rent; pension; refund; fees",
    "account number; account no; account nr; customer number; customer no; client number; client no",
    "reference number; reference no; ref no; ref nr; invoice number; invoice no; invoice nr",
    "date of birth; dob; passport no; passport number; id no; id number; policy no; policy number",
)
"""What is said of a party, or of the payment."""

LABELS: Final = _set(
    """
    no nr num number numbers iban bic swift id passport tel phone mobile fax dob born dated date po box pob
    vat tin tax policy customer client member order inv invoice ref account acct acc year years on
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august
    september october november december
    """
)
"""What is a remark beside a number only: labels of numbers, and months."""

BUSINESS_WORDS: Final = _set(
    """
    agencies agency associates brothers business center centre co commerce commercial company construction
    consultancy consultants consulting contracting contractor contractors corporation development
    distribution distributor distributors enterprise enterprises establishment export exporters exports
    factory foundation general global group holding holdings import importers imports industrial industries
    industry international invest investment investments logistic logistics management manufacturing maritime
    marketing materials office partner partners products projects properties property services shipping shop
    sons store stores supplies supply technologies technology trade traders trading transport
    transportation travel ventures workshop workshops
    """
)
"""What makes a firm's name of anybody's: beside a whole listed name they do not tell it apart."""

_FIRST: Final = frozenset((*CONNECTORS, *REMARKS))
BESIDE: Final = _FIRST | BUSINESS_WORDS
"""Words without which, and without digits, nothing stands beside a name."""
NUMBER_DIGITS_MIN: Final = 3
"""Digits of a word that is a number wherever it stands; shorter ones may be part of a ship's name."""


def runs_beside(parts: Sequence[str]) -> tuple[list[tuple[int, int]], frozenset[int]]:
    """Return where connectors stand, as spans; and the places of all that is a remark, connectors too.

    A phrase is a remark as a whole. Numbers are where they have three digits and more, or a label or another
    number beside them; labels are where there is a number.
    """
    connectors: list[tuple[int, int]] = []
    aside: set[int] = set()
    n = 0
    while n < len(parts):
        remark, connector = _length(REMARKS, parts, n), _length(CONNECTORS, parts, n)
        length = max(remark, connector)
        if length == 0 or _length(CONNECTORS, parts, n + 1) > length:
            n += 1
            continue
        if connector > remark:
            connectors.append((n, n + length))
        aside.update(range(n, n + length))
        n += length
    numbers = [_digits(part) for part in parts]
    if any(numbers):
        _add_numbers(parts, numbers, aside)
    return connectors, _if_a_name_is_left(parts, numbers, aside)


def _if_a_name_is_left(parts: Sequence[str], numbers: Sequence[int], aside: set[int]) -> frozenset[int]:
    """Return what is aside if it leaves a name; else numbers are the name, such as an aircraft's."""
    if not any(n not in aside and len(part) > 1 for n, part in enumerate(parts)):
        aside = {n for n in aside if not numbers[n]}
    return frozenset(aside) if len(aside) < len(parts) else frozenset()


def is_number(part: str) -> bool:
    """Whether a word is made of digits for a half and more."""
    return _digits(part) > 0


def _length(phrases: Phrases, parts: Sequence[str], start: int) -> int:
    if start == len(parts):
        return 0
    for phrase in phrases.get(parts[start], ()):
        if tuple(parts[start : start + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _digits(part: str) -> int:
    """Return how many digits a word has that is made of them for a half and more; else 0."""
    digits = sum([each.isdigit() for each in part])
    return digits if 2 * digits >= len(part) else 0


def _add_numbers(parts: Sequence[str], numbers: Sequence[int], aside: set[int]) -> None:
    """Add numbers, and the labels and short numbers beside them, from each number outwards."""

    def neighbours(n: int) -> Iterable[int]:
        return (other for other in (n - 1, n + 1) if 0 <= other < len(parts))

    open_ = [n for n, digits in enumerate(numbers) if digits >= NUMBER_DIGITS_MIN]
    open_ += [
        n
        for n, digits in enumerate(numbers)
        if 0 < digits < NUMBER_DIGITS_MIN
        and any(numbers[m] or m in aside or parts[m] in LABELS for m in neighbours(n))
    ]
    while open_:
        n = open_.pop()
        aside.add(n)
        open_ += [m for m in neighbours(n) if m not in aside and (numbers[m] > 0 or parts[m] in LABELS)]
