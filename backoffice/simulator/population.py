"""The simulated customers: made-up names, codes, accounts, and the counterparties they deal with."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from shared.messages.partitioner import partition_of

ENTITY: Final = "BANK"

ASSETS: Final = ("EUR",) * 80 + ("USD",) * 8 + ("GBP",) * 5 + ("CHF",) * 4 + ("CZK",) * 3
"""One in so many accounts is kept in each; all have two decimals."""

SECURITIES: Final = ("DE0007164600", "FR0000120271", "US0378331005", "CH0038863350", "IE00B4L5Y983")
"""What the simulated customers keep in custody, in whole pieces."""

IN_EURO: Final = {"EUR": 10_000, "USD": 9_215, "GBP": 11_640, "CHF": 10_590, "CZK": 396}
"""What one unit of each currency is worth in the simulated world, in hundredths of a cent."""

FIRM_EVERY: Final = 9
"""One in so many customers is an organisation."""

COUNTRIES: Final = ("DE",) * 5 + ("FR", "AT", "NL", "IT", "ES", "PL", "CZ", "IE")

GIVEN: Final = (
    "Ada", "Aurel", "Benno", "Britta", "Cosima", "Dario", "Edda", "Emil", "Fenna", "Gero", "Hedda", "Ilja",
    "Jonna", "Kasimir", "Leda", "Linus", "Mila", "Nils", "Odile", "Oskar", "Petra", "Quirin", "Romy",
    "Selma", "Theo", "Ulla", "Vito", "Wanda", "Xaver", "Yara", "Zeno", "Mattis", "Ronja", "Tilda", "Jasper",
    "Alma",
)  # fmt: skip
FAMILY: Final = (
    "Ahrensbach", "Birkenau", "Castelmont", "Dornfeld", "Eichwald", "Falkenrath", "Grünewalt", "Hollerbach",
    "Immerthal", "Jansholm", "Kestrel", "Lindqvar", "Morgenrot", "Nachtigall", "Oberdorff", "Pfeiferling",
    "Quellmann", "Rosenthaler", "Silberhain", "Tannhof", "Ulmenried", "Vogelsang", "Wiesengrund",
    "Zauberfels", "Brandelaar", "Corvalho", "Dubrecq", "Estermann", "Fontanelle", "Gallimard-Roux",
    "Havelka", "Ilsenburg",
)  # fmt: skip
MERCHANTS: Final = (
    "Bakery Morning Crumb", "Corner Grocery", "Tramline Tickets", "Paper and Ink", "Green Leaf Pharmacy",
    "Riverside Cinema", "Blue Door Bookshop", "Harbour Fuel", "Little Fork Bistro", "Northlight Outdoor",
    "Second Turn Bicycles", "Cloud Nine Hosting",
)  # fmt: skip
BENEFICIARIES: Final = (
    "Hausverwaltung Seeblick", "Stadtwerke Muster", "Atelier Lumen", "Kanzlei Federwolke",
    "Autohaus Sonnenstrahl", "Reederei Abendwind", "Weingut Drei Linden", "Tischlerei Holzwurm",
    "Galerie am Anger", "Institut Polarlicht",
)  # fmt: skip


@dataclass(slots=True)
class Account:
    """A simulated account, with what upstream believes is on it (never more than the ledger has)."""

    code: str
    owner: str
    key: bytes
    partition: int
    asset: str
    balance: int = 0
    """In minor units: own money in, less everything asked to go out."""
    frozen: str | None = None
    """The freeze that stands."""
    opened_at: int = 0
    """How many good records were sent before it was opened."""


def owner_code(seed: int, number: int) -> str:
    """Return a customer's code; each seed has customers of its own (`C000123` for seed 0)."""
    return f"C{seed or ''}{number:06d}"


def open_account(seed: int, number: int, asset: str, partitions: int) -> Account:
    """Return the account a customer keeps in that asset."""
    owner = owner_code(seed, number)
    key = owner.encode()
    return Account(f"{owner}-{asset}", owner, key, partition_of(key, partitions), asset)


def party(rng: Random, number: int, listed_name: str | None) -> dict[str, Any]:
    """Return the party block of a new customer, under a watch-listed name where one is given."""
    organisation = number % FIRM_EVERY == 0
    if listed_name is not None:
        name = listed_name
    elif organisation:
        name = f"{rng.choice(FAMILY)} & {rng.choice(FAMILY)} {rng.choice(('GmbH', 'AG', 'Handel KG'))}"
    else:
        name = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
    return {
        "kind": "organisation" if organisation else "person",
        "name": name,
        "birth_date": f"{rng.randint(1940, 2004)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        "country": rng.choice(COUNTRIES),
        "kyc_reference": f"KYC-{number:06d}",
        "kyc_status": "verified",
    }


def creditor_json(rng: Random, name: str) -> str:
    """Spell a payment block towards a counterparty outside."""
    country = rng.choice(COUNTRIES)
    block = {
        "creditor": {
            "name": name,
            "country": country,
            "account": f"{country}{rng.randint(10, 97)}{rng.getrandbits(50):016d}",
        },
        "charges_bearer": "SLEV",
        "remittance": f"Invoice {rng.randint(1000, 99999)}",
    }
    return json.dumps(block, separators=(",", ":"), ensure_ascii=False)
