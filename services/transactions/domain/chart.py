"""The chart of accounts as a decision needs it: assets, entities, accounts, posting rules and policies."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Generic, TypeVar

from services.transactions.domain.instruments import Instrument
from shared.messages.envelope import HOUSE
from shared.money import AssetKind

Value = TypeVar("Value")

WITHIN: Final = "#"
"""Stands in the codes of accounts within a custody account, between its code and the security's, alone."""

ACCOUNTS_PER_SHARD: Final = 2**40
"""An account's number is its home shard times this, plus its number there."""

HOUSE_ACCOUNTS_FROM: Final = 2**39
"""The house's accounts are numbered from here on, so that the chart can grow beside running writers."""


@dataclass(frozen=True, slots=True)
class ChartAsset:
    """A currency or a security; its number is ISO 4217's for a currency."""

    asset_id: int
    code: str
    kind: AssetKind
    scale: int


ITEM_CLASSES: Final = frozenset({"suspense", "return", "blocked_funds"})
"""Of the house's accounts whose every credit is an item: kept for somebody until it is used up."""

TRADE_DATE: Final = "trade_date"

NO_ASSET: Final = ChartAsset(999, "XXX", "none", 0)
"""ISO 4217's code where no currency is involved: of accounts that hold nothing themselves."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A legal entity of the firm, with the first day of its books."""

    entity_id: int
    code: str
    first_booking_date: date


@dataclass(frozen=True, slots=True)
class AccountClass:
    """A node of the chart: who holds its accounts, in which statement they stand, when some are opened."""

    code: str
    is_customer: bool
    is_memorandum: bool
    valid_from: date = date.min
    valid_until: date | None = None

    def takes_accounts(self, day: date) -> bool:
        """Say whether accounts of it are opened on the day; those there are go on after its end."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was opened. None of this ever changes, so it may be remembered by everybody."""

    account_id: int
    code: str
    owner: str
    shard: int
    entity_id: int
    entity: str
    asset_id: int
    asset: str
    scale: int
    account_class: str
    opening_limit: int | None
    """The overdraft allowed in minor units, as long as none was set since (`Changes.allowed_of`); none at all
    for the house's accounts and where unlimited."""
    is_customer: bool
    posting: bytes
    """The account as an event spells it, JSON."""
    key: bytes
    """The owner, as a record key."""
    container: str | None = None
    container_id: int | None = None
    """The custody account within which it is, whose freezes are its own; none for one by itself."""

    @property
    def is_container(self) -> bool:
        """Whether it is a custody account for any security, and holds none itself."""
        return self.asset_id == NO_ASSET.asset_id


def code_within(container: str, asset: str) -> str:
    """Return the code of the account of a security within a custody account."""
    return f"{container}{WITHIN}{asset}"


def make_account(
    *,
    account_id: int,
    code: str,
    owner: str,
    shard: int,
    entity: Entity,
    asset: ChartAsset,
    account_class: str,
    limit: int | None,
    container: str | None = None,
    container_id: int | None = None,
) -> Account:
    """Return an account with what an event says of it spelt once."""
    return Account(
        account_id=account_id,
        code=code,
        owner=owner,
        shard=shard,
        entity_id=entity.entity_id,
        entity=entity.code,
        asset_id=asset.asset_id,
        asset=asset.code,
        scale=asset.scale,
        account_class=account_class,
        opening_limit=limit,
        is_customer=owner != HOUSE,
        posting=(
            f'{{"account":"{code}","owner":"{owner}","entity":"{entity.code}","class":"{account_class}"}}'
        ).encode(),
        key=owner.encode(),
        container=container,
        container_id=container_id,
    )


@dataclass(frozen=True, slots=True)
class Dated(Generic[Value]):
    """Something that holds from a day on and until another (exclusive), if that is given."""

    value: Value
    valid_from: date
    valid_until: date | None

    def holds(self, day: date) -> bool:
        """Say whether it holds on the day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class ScreeningPolicy:
    """From which amount a request is screened before it is posted, where all its conditions are met."""

    amount_from: int
    """Minor units."""
    risk_classes: tuple[str, ...] = ()
    """Of the customer; none named is no condition, as with the others."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2, of the bank that is to be paid."""
    channels: tuple[str, ...] = ()
    deadline_hours: int | None = None
    """Within how many hours a hold is to be decided; none for as many as the rule that holds it says."""
    told: str = "compliance"
    """Whom a hold is brought to."""

    @property
    def conditions(self) -> tuple[tuple[str, ...], ...]:
        """Risk classes, countries and channels."""
        return self.risk_classes, self.countries, self.channels


@dataclass(slots=True)
class Chart:
    """All that migrate has loaded. The same for every shard; read once at the start."""

    assets: dict[str, ChartAsset] = field(default_factory=dict)
    """Those that can be held, by code."""
    instruments: dict[int, Instrument] = field(default_factory=dict)
    """What securities are beyond assets, by asset."""
    entities: dict[str, Entity] = field(default_factory=dict)
    classes: dict[str, AccountClass] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    """The house's accounts, by code."""
    house: dict[tuple[int, str, int], Account] = field(default_factory=dict)
    """The same by (entity, class, asset)."""
    rules: dict[tuple[int, str, str], list[Dated[str]]] = field(default_factory=dict)
    """(entity, instruction type, condition) → the house class that stands against the customer."""
    assets_by_id: dict[int, ChartAsset] = field(default_factory=lambda: {NO_ASSET.asset_id: NO_ASSET})
    entities_by_id: dict[int, Entity] = field(default_factory=dict)
    policies: dict[tuple[int, str, int], list[Dated[ScreeningPolicy]]] = field(default_factory=dict)
    """(entity, instruction type, asset) → what of it is screened before it is posted."""
    trade_policies: dict[int, list[Dated[str]]] = field(default_factory=dict)
    """Entity → `trade_date` or `settlement_date`: when what is owed for a trade comes into its books."""

    def add_asset(self, asset: ChartAsset) -> None:
        """Put an asset into the chart."""
        self.assets_by_id[asset.asset_id] = asset
        if asset.kind != NO_ASSET.kind:
            self.assets[asset.code] = asset

    def add_entity(self, entity: Entity) -> None:
        """Put an entity into the chart."""
        self.entities[entity.code] = self.entities_by_id[entity.entity_id] = entity

    def add_house_account(self, account: Account) -> None:
        """Put a house account into the chart."""
        self.accounts[account.code] = account
        self.house[account.entity_id, account.account_class, account.asset_id] = account

    def counterpart(
        self, entity_id: int, instruction_type: str, condition: str, asset_id: int, day: date
    ) -> Account | None:
        """Return the house account that the posting rules put against a customer's, if there is one."""
        for rule in self.rules.get((entity_id, instruction_type, condition), ()):
            if rule.holds(day):
                return self.house.get((entity_id, rule.value, asset_id))
        return None

    def screening_policies(
        self, entity_id: int, instruction_type: str, asset_id: int, day: date
    ) -> tuple[ScreeningPolicy, ...]:
        """Return the policies by which a request may be screened before it is posted."""
        policies = self.policies.get((entity_id, instruction_type, asset_id), ())
        return tuple(each.value for each in policies if each.holds(day))

    def books_trades_at_once(self, entity_id: int, day: date) -> bool:
        """Say whether what is owed for a trade comes into the books with it, not only as it is settled."""
        policies = self.trade_policies.get(entity_id, ())
        return any(policy.value == TRADE_DATE and policy.holds(day) for policy in policies)

    def entity_of_last_resort(self, asset_id: int) -> Entity | None:
        """Return the entity that keeps money in this asset when nobody knows whose it is: the first one."""
        return next(
            (
                entity
                for entity in self.entities.values()
                if (entity.entity_id, "suspense", asset_id) in self.house
            ),
            None,
        )
