"""SAN-1, a name or an identifier on a watch list; names by likeness, with birth date, country and kind.

31 CFR part 501 and the programmes of each list; OFAC's FAQ 5 on what to do with a match. At which likeness to
hold and to alert is for each firm to choose by its risk (Wolfsberg Group, Sanctions Screening Guidance 2019).

A name with neither letters nor digits can be compared with none, one of over 1,000 characters, 32 words or
16 parties not as a whole, and one with letters of a script that is not known here not as it is said: its
payment is held where it waits, else an alert is raised.

Of each entry and place the strongest match is told, and of more than 100 the strongest.

Example: a payment to "Otto Grimwold" with a list that has "GRIMWOLD, Otto": the same parts, so it is held; so
is one to "Otto Grimwold (deceased)". One to "Otto Grimwold Trading Ltd" alerts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from services.compliance.domain import bounds
from services.compliance.domain.list_age import ANY_LIST, Outdated
from services.compliance.domain.matches import ALERT_AT, HOLD_AT, SCORE_MIN, NameMatch
from services.compliance.domain.names.evidence import Evidence
from services.compliance.domain.rule import NameRule, RuleParameter
from services.compliance.domain.whitelist import VOID_WORDS, PairVerdict
from shared.messages.compliance import Finding

_WORDS: Final = {
    "party": "The customer",
    "party.holders": "A holder of the relationship",
    "payment.debtor": "The debtor",
    "payment.creditor": "The creditor",
    "payment.ultimate_debtor": "The ultimate debtor",
    "payment.ultimate_creditor": "The ultimate creditor",
    "payment.debtor_agent": "The debtor's bank",
    "payment.creditor_agent": "The creditor's bank",
}
_EVIDENCE: Final = {"birth_date": "date of birth", "country": "country", "kind": "kind of party"}
WhenOutdated = Literal["hold", "mark"]
LIST_DAYS_MAX: Final = 1
"""Customers are checked once every calendar day at least: Regulation (EU) 260/2012, article 5d(1), added by
Regulation (EU) 2024/886. So what was read yesterday counts all of today, and no longer."""
WHITELIST_DAYS_MAX: Final = 365
"""Lists of good guys are to be looked at again regularly (Wolfsberg Group, as above)."""
NOT_SCREENED: Final = "not_screened"
"""The comparison that a finding tells of whose lists are older than allowed."""
UNNAMED: Final = "unnamed"
"""The comparison that a finding tells of whose name has nothing to compare."""
TOO_LONG: Final = "too_long"
"""The comparison that a finding tells of whose name has more than is compared."""
UNKNOWN_SCRIPT: Final = "unknown_script"
"""The comparison that a finding tells of whose name has letters that are not known how to read."""
_BEARINGS: Final = {"agrees": "For it", "near": "Undecided", "contradicts": "Against it"}
_IDENTIFIERS: Final[dict[str, str]] = {
    "passport": "the passport number",
    "national_id": "the national identity number",
    "tax_id": "the tax number",
    "registration": "the registration number",
    "lei": "the LEI",
    "bic": "the BIC",
    "imo": "the IMO number",
    "mmsi": "the MMSI",
    "crypto": "the crypto address",
    "account": "the account number",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: alert from a likeness of 0.70 on, hold from 0.85; whitelist a pair for a year at most.

    What lists older than `list_days_max` calendar days lead to: a mark, or with `hold` a hold.
    """

    version: int
    alert_at: float = ALERT_AT
    hold_at: float = HOLD_AT
    whitelist_days_max: int = WHITELIST_DAYS_MAX
    list_days_max: Mapping[str, int | None] = field(default_factory=lambda: {ANY_LIST: LIST_DAYS_MAX})
    """By list code; `*` for all others, None for one that may be of any age."""
    when_outdated: WhenOutdated = "mark"


BOUNDS: Final[bounds.Bounds] = {
    "alert_at": bounds.optional(bounds.decimal(SCORE_MIN, 1.0), ALERT_AT),
    "hold_at": bounds.optional(bounds.decimal(SCORE_MIN, 1.0), HOLD_AT),
    "whitelist_days_max": bounds.optional(bounds.count(0), WHITELIST_DAYS_MAX),
    "list_days_max": bounds.optional(
        bounds.by_name(
            bounds.or_none(bounds.count(0), None, "any age"), "a list's code, or `*` for all others"
        ),
        {ANY_LIST: LIST_DAYS_MAX},
    ),
    "when_outdated": bounds.optional(bounds.one_of(*get_args(WhenOutdated)), "mark"),
}


def read_parameters(row: RuleParameter) -> Parameters:
    """Read stored values; raises `ValueWrongError`."""
    said = bounds.read_values(row.values, BOUNDS)
    bounds.require(said["alert_at"] <= said["hold_at"], "hold_at", "alert_at at least")
    return Parameters(version=row.version, **said)


def evaluate(match: NameMatch, version: int) -> Finding:
    """Tell a match at the default thresholds."""
    return tell(match, Parameters(version))


def tell(match: NameMatch, parameters: Parameters, verdict: PairVerdict | None = None) -> Finding:
    """Tell a match without the name: list, version, entry and places say it to those who may know.

    `verdict` is what the whitelist says of it, if the pair was ever on it.
    """
    score = match.score(parameters.alert_at)
    values: dict[str, Any] = {
        "field": match.field,
        "list": match.list_code,
        "list_version": match.list_version,
        "entry": match.entry_id,
        "comparison": match.comparison,
        "score": score,
        "alert_at": parameters.alert_at,
        "hold_at": parameters.hold_at,
    }
    if verdict is not None:
        values["whitelisting"] = {"id": str(verdict.row.whitelisting_id), "void": verdict.void}
    values["evidence"] = [
        {"what": each.what, "bearing": each.bearing, "change": each.change} for each in match.evidence
    ]
    if match.likeness is None:
        values["identifier_kind"] = match.match.identifier_kind
    else:
        values |= {
            "name_score": match.likeness.score,
            "official_style_score": match.match.official_score,
            "weak_alias": match.is_weak,
            "parts": [
                {
                    "places": [place + 1 for place in part.places],
                    "listed_places": [place + 1 for place in part.listed_places],
                    "score": part.score,
                    "how": part.how,
                }
                for part in match.likeness.parts
            ],
            "parts_left": len(match.likeness.left),
            "listed_parts_left": len(match.likeness.listed_left),
            "words_left_aside": len(match.match.left_aside),
            "business_words": len(match.match.business_words),
        }
    return Finding(
        rule=RULE.code,
        rule_version=parameters.version,
        sentence=_sentence(match, score) + _whitelisted(verdict),
        values=values,
    )


def tell_unread(version: int) -> Finding:
    """Tell that names could not be compared, since the key that they are sealed under is gone."""
    return Finding(
        rule=RULE.code,
        rule_version=version,
        sentence="Its names cannot be compared with any list: the key that they are sealed under is gone.",
        values={"field": "sealed"},
    )


def tell_unnamed(field_: str, version: int) -> Finding:
    """Tell that a name has neither letters nor digits, so that no list can be asked about its bearer."""
    return Finding(
        rule=RULE.code,
        rule_version=version,
        sentence=f"{_WORDS[field_]} has a name with nothing in it that can be compared with any list.",
        values={"field": field_, "comparison": UNNAMED},
    )


def tell_too_long(field_: str, version: int) -> Finding:
    """Tell that a name has more characters, words or parties than are compared: one may be unseen."""
    return Finding(
        rule=RULE.code,
        rule_version=version,
        sentence=f"{_WORDS[field_]} has a name with more words or parties than are compared with lists.",
        values={"field": field_, "comparison": TOO_LONG},
    )


def tell_unknown_script(field_: str, version: int) -> Finding:
    """Tell that a name has letters of a script that is not known: a list may have it in others."""
    return Finding(
        rule=RULE.code,
        rule_version=version,
        sentence=f"{_WORDS[field_]} has a name with letters of a script that is not known how to read.",
        values={"field": field_, "comparison": UNKNOWN_SCRIPT},
    )


def tell_outdated(found: Outdated, parameters: Parameters) -> Finding:
    """Tell that names were compared with a list that is older than allowed."""
    held = "so they do not count as screened" if parameters.when_outdated == "hold" else "which is marked"
    return Finding(
        rule=RULE.code,
        rule_version=parameters.version,
        sentence=f"Its names were compared with an old list, {held}. {found.words}.",
        values={
            "field": "lists",
            "comparison": NOT_SCREENED,
            "list": found.list_code,
            "list_version": found.check.version,
            "checked_on": found.check.checked_at.date().isoformat(),
            "days": found.days,
            "days_max": found.days_max,
            "when_outdated": parameters.when_outdated,
        },
    )


def _whitelisted(verdict: PairVerdict | None) -> str:
    if verdict is None:
        return ""
    if verdict.void is None:
        return f" The pair is whitelisted until {verdict.row.until}."
    return f" The pair was whitelisted, and counts no more: {VOID_WORDS[verdict.void]}."


def _sentence(match: NameMatch, score: float) -> str:
    who = _WORDS[match.field]
    entry = f"entry {match.entry_id} on list {match.list_code}, version {match.list_version}"
    if match.comparison == "identifier":
        what = _IDENTIFIERS.get(match.match.identifier_kind or "", "an identifier")
        return f"{who} has {what} of {entry}.{_told(match.evidence)}"
    what = "a weak alias of" if match.is_weak else "a name of"
    if match.comparison == "alike":
        what = "a name like a weak alias of" if match.is_weak else "a name like one of"
    told = f" (score {score:.2f})" if match.comparison == "alike" else ""
    return f"{who} bears {what} {entry}{told}.{_beside(match)}{_told(match.evidence)}"


def _beside(match: NameMatch) -> str:
    """What of the field was left aside or counts little, in sentences; never the words themselves."""
    aside, trades = len(match.match.left_aside), len(match.match.business_words)
    text = f" Left aside: {aside} {'word' if aside == 1 else 'words'} beside it." if aside else ""
    if trades:
        text += f" It stands whole beside {trades} business {'word' if trades == 1 else 'words'}."
    return text


def _told(evidence: tuple[Evidence, ...]) -> str:
    """What speaks for the match, and what against it, in sentences."""
    text = ""
    for bearing, words in _BEARINGS.items():
        if what := [_EVIDENCE[each.what] for each in evidence if each.bearing == bearing]:
            text += f" {words}: {', '.join(what)}."
    return text


RULE: Final = NameRule(
    code="SAN-1", title="Name on a watch list", bounds=BOUNDS, holds=True, evaluate=evaluate
)
