"""The people behind simulated customers: who owns which firms, and what one of them pays in over several."""

import json
from dataclasses import dataclass, field
from typing import Final

from backoffice.simulator import population
from backoffice.simulator.population import FIRM_EVERY, Account
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money

FIRMS: Final = 3
"""So many firms, opened one after another, belong to one person, who is a customer too."""
CUSTOMERS: Final = FIRMS * FIRM_EVERY
"""From one owner's first account to the next one's."""
CASH_ASSET: Final = "EUR"
SINCE: Final = "2019-07-01"


@dataclass(slots=True)
class Person:
    """Somebody with a role with several customers."""

    code: str
    name: str
    accounts: list[Account] = field(default_factory=list[Account])
    """Of those customers, in the asset that banknotes are paid in."""


def party_of(up: Upstream, account: Account, listed_name: str | None) -> str:
    """Spell the party block of the customer that has just been given its number."""
    number = up.customers
    party = population.party(up.rng, number, listed_name)
    code = f"P{up.seed or ''}-{number:06d}"
    if number % CUSTOMERS == 1:
        up.people.append(Person(code, party["name"]))
    person = up.people[-1]
    if party["kind"] == "person":
        party["person"] = code
    else:
        party["holders"] = [
            {"name": person.name, "role": "beneficial_owner", "person": person.code, "since": SINCE}
        ]
    if account.asset == CASH_ASSET and (party.get("person") in (None, person.code)):
        person.accounts.append(account)
    return json.dumps(party, separators=(",", ":"), ensure_ascii=False)


def who_owns_several(up: Upstream) -> Person | None:
    """Pick somebody who has a role with two customers or more, if a few looks find one."""
    for _ in range(4):
        person = up.people[int(up.random() * len(up.people))]
        if len(person.accounts) > 1:
            return person
    return None


def shared_deposit(up: Upstream, person: Person, number: int) -> SimulatedRecord:
    """Pay in banknotes for one of a person's customers, some by themselves.

    The plan does it three times in a day: no customer's deposits are over the threshold for reports, however
    few the person has; the person's are.
    """
    account = person.accounts[number % len(person.accounts)]
    amount = 350_000 + int(up.random() * 140_000)
    account.balance += amount if account.frozen is None else 0
    conductor = f',"conductor":"{person.code}"' if up.random() < 0.5 else ""
    return up.instruct(
        "shared_deposit",
        "deposit",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        f'"channel":{{"channel":"branch","cash":true{conductor}}}',
    )


def change_holder(up: Upstream) -> SimulatedRecord:
    """Let somebody sign for a customer from today on, or no longer."""
    account = up.some_account()
    number = int(up.random() * 1_000)
    given, family = (each[number % len(each)] for each in (population.GIVEN, population.FAMILY))
    days = f'"since":"{SINCE}","until":"{up.date_text}"' if up.random() < 0.3 else f'"since":"{up.date_text}"'
    return up.instruct(
        "change_holder",
        "change_holder",
        account.owner,
        f'"account":"{account.code}","authority":"The customer, by letter","holder":{{'
        f'"name":"{given} {family}","role":"signatory","person":"P{up.seed or ""}-S{number:05d}",{days}}}',
    )
