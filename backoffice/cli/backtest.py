"""`backoffice compliance backtest`: what a rule would have found with other parameters."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError
from backoffice.cli.typed import day_of, values_of
from services.compliance.domain.backtest import (
    AlertOf,
    Backtest,
    Became,
    Judged,
    Period,
    changed_book,
    verdict,
)
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import NameRule, RuleParameter
from services.compliance.queries import history, parameters
from services.compliance.rules import RULES

JUDGED: Final[dict[str, Judged]] = {rule.code: rule for rule in RULES if not isinstance(rule, NameRule)}
NAMES: Final = tuple(rule.code for rule in RULES if isinstance(rule, NameRule))
LISTED_MAX: Final = 20


def backtest(
    rule: Annotated[str, typer.Argument(help="The rule's code, such as STR-1.", show_default=False)],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter as it shall be, NAME=VALUE; several times for several."),
    ] = None,
    asset: Annotated[
        str | None, typer.Option(help="Only the parameters of this asset (`*`: of all others).")
    ] = None,
    proposal: Annotated[
        UUID | None, typer.Option(help="A proposed version, instead of --set; see `parameters list`.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="The first business day, as 2026-03-01.")] = None,
    until: Annotated[str | None, typer.Option(help="The first business day no longer judged.")] = None,
) -> None:
    """Judge what has happened again, by a rule as it stands and with other parameters, and compare.

    Read from what compliance has stored, from the first event on; nothing is changed and nobody is alerted.
    It says whom only the one or only the other finds, and what officers have made of such alerts. Cash is
    judged by customer; what is added up by person is left out.
    """
    judged = JUDGED.get(rule)
    if rule in NAMES:
        raise CommandError(
            "rule_not_replayed",
            f"{rule} cannot be tested on what has happened: the names in payments are sealed in the ledger,"
            " and compliance keeps what it found of them, not the names.",
            "Try names with `backoffice compliance screen --file`; let `compliance lists load` screen all"
            " customers again; or put a version in shadow (`compliance parameters shadow`), which keeps what"
            " it would find of payments to come.",
            USAGE,
        )
    if judged is None:
        raise CommandError(
            "rule_unknown",
            f"There is no rule {rule!r} that can be tested.",
            f"Name one of {', '.join(JUDGED)}.",
            USAGE,
        )
    period = Period(day_of("--since", since), day_of("--until", until))
    if period.since is not None and period.until is not None and period.since >= period.until:
        raise CommandError(
            "usage", f"There is no day from {since} to before {until}.", "Give --until a later day.", USAGE
        )
    if proposal is not None and (set_ or asset is not None):
        raise CommandError("usage", "A proposal says itself what it sets.", "Leave out --set.", USAGE)
    told = sessions.run(_tested(connect(), judged, values_of(set_ or []), asset, period, proposal))
    _tell(rule, period, *told)


async def _tested(
    connection: Connection,
    rule: Judged,
    values: Mapping[str, str],
    asset: str | None,
    period: Period,
    proposal: UUID | None,
) -> tuple[Backtest, dict[AlertOf, Became]]:
    async with (
        sessions.open_database(connection) as database,
        database.transaction(isolation="repeatable_read", readonly=True),
    ):
        rows = await parameters.standing_rows(database)
        try:
            changed = (
                changed_book(rows, rule, values, asset)
                if proposal is None
                else ParameterBook([*rows, await _proposed(database, rule, proposal)])
            )
        except ValueError as error:
            raise CommandError(
                "parameter",
                f"{error}.",
                "Give --set a value as docs/reference/rules.md has it, an amount for one --asset.",
                USAGE,
            ) from error
        test = Backtest(rule, ParameterBook(rows), changed, period)
        live = output.Live()
        await history.replay(database, test, lambda read: live.show(f"{read:,} entries read"))
        live.finish(f"{test.judged:,} judged")
        return test, await history.what_became(database, rule.code)


async def _proposed(database: Any, rule: Judged, proposal: UUID) -> RuleParameter:
    for each in await parameters.proposals_list(database, rule.code, proposal):
        return parameters.parameter_of(each)
    raise CommandError(
        "proposal_unknown",
        f"There is no proposal {proposal} for {rule.code}.",
        f"Type `backoffice compliance parameters list --rule {rule.code}` to see what is proposed.",
    )


def _tell(rule: str, period: Period, test: Backtest, recorded: Mapping[AlertOf, Became]) -> None:
    both = test.by_stands & test.by_changed
    every = test.by_stands | test.by_changed
    raised = {each for each in recorded if period.holds(each[1])}
    record: dict[str, Any] = {
        "rule": rule,
        "since": period.since,
        "until": period.until,
        "judged": test.judged,
        "alerts": {"as_it_stands": len(test.by_stands), "changed": len(test.by_changed), "both": len(both)},
        "parties": {"as_it_stands": _parties(test.by_stands), "changed": _parties(test.by_changed)},
        "overlap_percent": round(100 * len(both) / len(every), 1) if every else 100.0,
        "raised_by_the_service": len(raised),
        "raised_and_found_again": len(raised & test.by_stands),
    }
    verdicts = {
        "as_it_stands": verdict(test.by_stands, recorded),
        "changed": verdict(test.by_changed, recorded),
        "only_as_it_stands": verdict(test.by_stands - test.by_changed, recorded),
        "only_changed": verdict(test.by_changed - test.by_stands, recorded),
    }
    record["verdicts"] = {
        name: {**asdict(each), "precision_percent": each.precision_percent} for name, each in verdicts.items()
    }
    differing = {
        "only_as_it_stands": sorted(test.by_stands - test.by_changed),
        "only_changed": sorted(test.by_changed - test.by_stands),
    }
    for name, alerts in differing.items():
        for owner, day in alerts:
            output.emit({"alert": name, "owner": owner, "business_date": day})
    output.emit(record)
    output.table(
        (
            "parameters",
            "alerts",
            "confirmed",
            "false positive",
            "inconclusive",
            "dismissed",
            "waiting",
            "unseen",
            "precision %",
        ),
        [
            (
                name.replace("_", " "),
                sum(asdict(each).values()),
                *asdict(each).values(),
                "–" if each.precision_percent is None else each.precision_percent,
            )
            for name, each in verdicts.items()
        ],
        right=(
            "alerts",
            "confirmed",
            "false positive",
            "inconclusive",
            "dismissed",
            "waiting",
            "unseen",
            "precision %",
        ),
    )
    for name, alerts in differing.items():
        if alerts:
            listed = ", ".join(f"{owner} on {day}" for owner, day in alerts[:LISTED_MAX])
            more = len(alerts) - LISTED_MAX
            output.say(
                f"{name.replace('_', ' ').capitalize()}: {listed}{f' and {more:,} more' if more > 0 else ''}."
            )
    again = record["raised_and_found_again"]
    output.say(
        f"Overlap {record['overlap_percent']} %."
        f" The service raised {len(raised):,}, of which {again:,} are found again."
    )


def _parties(alerts: set[AlertOf]) -> int:
    return len({owner for owner, _ in alerts})
