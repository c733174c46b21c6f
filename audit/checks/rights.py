"""Check 12: nobody reads or changes what is not theirs, by the grants PostgreSQL itself reports."""

from typing import Final

from audit.evidence import SERVICES
from audit.examination import Examination
from audit.result import Result, Tally

READERS: Final = "backoffice_readonly"

APPEND_ONLY: Final = frozenset(
    {
        ("transactions", "journal"),
        ("transactions", "journal_row"),
        ("transactions", "movement_of_several"),
        ("transactions", "instruction_key"),
        ("transactions", "account"),
        ("transactions", "account_limit"),
        ("transactions", "business_day"),
        ("transactions", "period"),
        ("transactions", "carried_over"),
        ("transactions", "risk_class"),
        ("transactions", "reversed"),
        ("compliance", "case_fact"),
        ("compliance", "alert_triage"),
        ("compliance", "rating_proposal"),
        ("compliance", "customer_rating"),
        ("compliance", "event_chain"),
        ("compliance", "list_confirmation"),
        ("compliance", "list_outdated"),
        ("compliance", "tier_run"),
        ("compliance", "tier_shadow_finding"),
        ("compliance", "snooze_fact"),
        ("compliance", "snoozed_alert"),
        ("compliance", "person_role"),
        ("compliance", "uncoded_role"),
        ("compliance", "hold_delisting"),
        ("compliance", "person_run"),
        ("compliance", "account_fact"),
        ("compliance", "legal_hold_fact"),
        ("compliance", "removal_fact"),
        ("compliance", "removed_record"),
        *(
            (service, table)
            for service in SERVICES
            for table in ("outbox", "dead_letter", "act", "passed_over", "migration")
        ),
    }
)
"""Facts: added, never edited."""

OWNERS_OWN: Final = frozenset(
    {
        *(
            ("transactions", table)
            for table in (
                "asset", "entity", "account_class", "posting_rule", "screening_policy",
                "journal_part", "detached_outcome",
            )
        ),
        ("compliance", "relationship"),
    }
)  # fmt: skip
"""Written by the owner, or by the database from facts; no service writes them."""

PARTS: Final = ("journal_row_", "movement_of_several_")
"""How the names of the parts begin that the owner makes of tables; they are written as a whole only."""

PARTY_KEYS: Final = ("transactions", "party_key")
"""Made and deleted by the ledger alone, and read by nobody else."""

PILES: Final = ("compliance", "alert_pile")
"""Counts: of a pile that is empty there is none."""

MAY_DELETE: Final = frozenset({PARTY_KEYS, PILES, *((service, "attempt") for service in SERVICES)})


def nobody_reads_anothers(examination: Examination) -> Result:
    """12: each login sees its own schema alone, facts cannot be edited, and the reader only reads."""
    tally = Tally(12, "nobody reads what is not theirs")
    grants = examination.evidence.grants
    if grants is None:
        tally.differs("the grants were not read")
        return tally.result()
    for grant in grants:
        where = f"{grant.role} may {grant.privilege} {grant.schema}.{grant.table}"
        if grant.schema not in SERVICES:
            continue
        if grant.role == READERS:
            wanted = grant.privilege == "SELECT" and (grant.schema, grant.table) != PARTY_KEYS
            tally.expect(grant.held == wanted, f"{where}: {grant.held}")
        elif grant.role != f"{grant.schema}_service":
            tally.expect(not grant.held, f"{where}, a table of another service")
        elif grant.privilege == "SELECT":
            tally.expect(grant.held, f"{where}: no")
        else:
            tally.expect(not grant.held or _own_right(grant.schema, grant.table, grant.privilege), where)
    for service in SERVICES:
        own = [each for each in grants if each.role == f"{service}_service" and each.held]
        tally.expect(bool(own), f"{service}_service has no rights at all")
    return tally.result()


def _own_right(schema: str, table: str, privilege: str) -> bool:
    """Whether a service may hold a writing privilege on a table of its own."""
    place = (schema, table)
    if schema == "transactions" and table.startswith(PARTS):
        return False
    match privilege:
        case "INSERT":
            return place not in OWNERS_OWN
        case "UPDATE":
            return place not in OWNERS_OWN and place not in APPEND_ONLY and place != PARTY_KEYS
        case "DELETE":
            return (
                place not in OWNERS_OWN
                and place not in APPEND_ONLY
                and (schema != "transactions" or place in MAY_DELETE)
            )
        case _:
            return False
