"""The stock record: of each security, who holds how much, and where the firm has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.reporting.domain.report import (
    Answer,
    Column,
    Made,
    Parameter,
    Problem,
    Question,
    Report,
    Row,
    agree,
)
from shared.messages.envelope import HOUSE
from shared.messages.reporting import Reconciliation
from shared.money import format_amount

LOCATIONS: Final = ("depository", "custodian")
"""Classes of the firm's accounts with whoever keeps the securities; the chart has them under `locations`."""

CUSTODY: Final = "custody"


@dataclass(slots=True)
class _Stock:
    """One entity's stock of one security, in minor units."""

    scale: int
    holders: int = 0
    locations: int = 0
    customers: int = 0
    holders_traded: int = 0
    """With what waits to come and to go: what there will be once all is settled."""
    locations_traded: int = 0


def _arguments(question: Question) -> tuple[Any, ...]:
    parameters = question.parameters
    return question.booking_date, parameters.get("entity"), parameters.get("asset"), list(LOCATIONS), CUSTODY


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    parameters = question.parameters
    if parameters and not answers["accounts"]:
        asked = ", ".join(f"{name} {value!r}" for name, value in sorted(parameters.items()))
        until = question.booking_date.isoformat()
        return Problem("security_unknown", f"no security had moved by {until} for {asked}")
    rows: list[Row] = []
    stocks: dict[tuple[str, str], _Stock] = {}
    for each in answers["accounts"]:
        closing, scale = int(each["closing"]), each["scale"]
        stock = stocks.setdefault((each["asset"], each["entity"]), _Stock(scale))
        is_location = each["class"] in LOCATIONS
        if each["owner"] != HOUSE:
            stock.customers += closing
        going, coming = int(each["debits_pending"]), int(each["credits_pending"])
        if is_location:
            closing, going, coming = -closing, coming, going
        traded = closing + coming - going
        if is_location:
            stock.locations += closing
            stock.locations_traded += traded
        else:
            stock.holders += closing
            stock.holders_traded += traded
        amounts = (format_amount(figure, scale) for figure in (closing, coming, going, traded))
        side = "location" if is_location else "holder"
        names = (each["class"], each["owner"], each["account"])
        rows.append((each["asset"], each["entity"], side, *names, *amounts))
    held = {each["asset"]: int(each["held"]) for each in answers["owners"]}
    return Made(rows, _totals(stocks), _compare(stocks, held, all_entities="entity" not in parameters))


def _totals(stocks: Mapping[tuple[str, str], _Stock]) -> dict[str, dict[str, str]]:
    return {
        f"{asset} {entity}": {
            "holders": format_amount(stock.holders, stock.scale),
            "locations": format_amount(stock.locations, stock.scale),
            "difference": format_amount(stock.holders - stock.locations, stock.scale),
            "traded": format_amount(stock.holders_traded, stock.scale),
        }
        for (asset, entity), stock in sorted(stocks.items())
    }


def _compare(
    stocks: Mapping[tuple[str, str], _Stock], held: Mapping[str, int], *, all_entities: bool
) -> list[Reconciliation]:
    compared = [
        agree(
            f"holders = locations, {entity} {asset}",
            format_amount(stock.locations, stock.scale),
            format_amount(stock.holders, stock.scale),
        )
        for (asset, entity), stock in sorted(stocks.items())
    ]
    compared += [
        agree(
            f"holders = locations as traded, {entity} {asset}",
            format_amount(stock.locations_traded, stock.scale),
            format_amount(stock.holders_traded, stock.scale),
        )
        for (asset, entity), stock in sorted(stocks.items())
    ]
    if not all_entities:
        return compared
    customers: dict[str, tuple[int, int]] = {}
    for (asset, _), stock in sorted(stocks.items()):
        customers[asset] = (customers.get(asset, (0, 0))[0] + stock.customers, stock.scale)
    return compared + [
        agree(
            f"customers' accounts = customers, {asset}",
            format_amount(held.get(asset, 0), scale),
            format_amount(total, scale),
        )
        for asset, (total, scale) in customers.items()
    ]


STOCK_RECORD: Final = Report(
    code="stock_record",
    title="Stock record",
    period="the end of the booking date",
    parameters=(
        Parameter("entity", "only this legal entity"),
        Parameter("asset", "only this security, by its ISIN"),
    ),
    columns=(
        Column("asset", "text", "security"),
        Column("entity", "text", "legal entity"),
        Column("side", "text", "`holder`: whose it is; `location`: where it is"),
        Column("class", "text", "class in the chart of accounts"),
        Column("owner", "text", "whose account it is; `house` for the firm's own"),
        Column("account", "text", "account code"),
        Column("settled", "amount", "quantity that is there"),
        Column("pending_in", "amount", "quantity that waits to come"),
        Column("pending_out", "amount", "quantity that waits to go"),
        Column("traded", "amount", "quantity that there will be once all is settled"),
    ),
    totals="by security and entity: what holders have, what locations have, the difference; as traded",
    reconciles_with=(
        "holders = locations, for every security, by entity, settled and as traded",
        "customers' accounts = customers, counted apart at their homes, where no entity is asked for",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
