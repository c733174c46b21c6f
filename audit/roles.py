"""The auditor's own account of who may do what in compliance, from the acts that gave and took roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

MAY: Final[Mapping[str, tuple[str, ...]]] = {
    "open_case": ("analyst", "investigator"),
    "dismiss_alert": ("analyst", "investigator"),
    "gather_alerts": ("analyst", "investigator"),
    "note_case": ("analyst", "investigator"),
    "link_evidence": ("analyst", "investigator"),
    "propose_whitelisting": ("analyst", "investigator"),
    "revoke_whitelisting": ("analyst", "investigator"),
    "propose_snooze": ("analyst", "investigator"),
    "end_snooze": ("analyst", "investigator"),
    "assign_case": ("investigator",),
    "decide_case": ("investigator",),
    "reopen_case": ("investigator",),
    "file_report": ("investigator",),
    "acknowledge_report": ("investigator",),
    "approve_decision": ("approver",),
    "return_decision": ("approver",),
    "approve_whitelisting": ("approver",),
    "approve_snooze": ("approver",),
    "release_hold": ("approver",),
    "refuse_hold": ("approver",),
    "load_list": ("rule_author",),
    "refuse_list": ("rule_author",),
    "activate_list": ("rule_publisher",),
    "propose_parameters": ("rule_author",),
    "publish_parameters": ("rule_publisher",),
    "withdraw_parameters": ("rule_publisher",),
    "rate_customer": ("investigator",),
    "approve_rating": ("approver",),
    "place_legal_hold": ("investigator",),
    "lift_legal_hold": ("approver",),
    "propose_removal": ("investigator",),
    "approve_removal": ("approver",),
    "propose_role": ("administrator",),
    "approve_role": ("administrator",),
    "revoke_role": ("administrator",),
}
"""Who may do what. Acts that mend a shard are the runtime's, and nobody's role."""
MAY_WITH_OWN: Final[Mapping[str, tuple[str, ...]]] = {"withdraw_parameters": ("rule_author",)}
"""Who else may, where it is about what they have proposed themselves."""

ROLE_ACTS: Final = {"propose_role": "proposed", "approve_role": "approved", "revoke_role": "revoked"}
_ALONE: Final = ("auditor", "administrator")
_APART: Final = (
    {"investigator", "approver"},
    {"analyst", "approver"},
    {"rule_author", "rule_publisher"},
)


@dataclass(frozen=True, slots=True)
class RoleFactRow:
    """A row of compliance's `role_fact`."""

    shard: int
    grant_id: str
    what: str
    seq: int
    act_id: str
    actor: str
    officer: str
    role: str
    since: str
    until: str | None
    proposed_by: str


@dataclass(slots=True)
class Roles:
    """The grants of one shard, as answered acts have left them."""

    authors: Mapping[str, str]
    """Who has proposed which parameters, in whatever shard."""
    given: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    founded: bool = False

    def wrong(self, event: Mapping[str, Any]) -> str:
        """Say what is wrong with an act that was done, before it counts; nothing where all is right."""
        act, actor = event["act"], event["actor"]
        if act in ROLE_ACTS and (wrong := self._wrong_grant(act, actor, event["result"])):
            return wrong
        if not self.founded or act not in MAY:
            return ""
        day = event["recorded_at"][:10]
        his = [grant for grant in self.given.values() if grant["officer"] == actor]
        held = {grant["role"] for grant in his if _counts(grant, day)}
        is_own = self.authors.get(event["result"].get("proposal_id", "")) == actor
        may = {*MAY[act], *(MAY_WITH_OWN.get(act, ()) if is_own else ())}
        return "" if held & may else f"{actor} did {act} as {sorted(held)}"

    def take(self, event: Mapping[str, Any]) -> None:
        """Let an act that was done count."""
        if event["act"] not in ROLE_ACTS:
            return
        said = event["result"]
        grant = self.given.setdefault(said["grant_id"], {**said, "was": set[str]()})
        grant["was"].add(said["status"])
        appointed = {
            each["officer"]
            for each in self.given.values()
            if each["role"] == "administrator" and "approved" in each["was"]
        }
        self.founded = self.founded or len(appointed) > 1

    def _wrong_grant(self, act: str, actor: str, said: Mapping[str, Any]) -> str:
        where = f"{act} of {said['role']} for {said['officer']}"
        if said["status"] != ROLE_ACTS[act]:
            return f"{where} is said to be {said['status']}"
        if act != "revoke_role" and actor == said["officer"]:
            return f"{where}: to oneself"
        if act == "approve_role" and actor == said["proposed_by"]:
            return f"{where}: by who proposed it"
        if act == "approve_role" and "proposed" not in self.given.get(said["grant_id"], {}).get("was", ()):
            return f"{where}: nobody proposed it"
        his = [each for each in self.given.values() if each["officer"] == said["officer"]]
        beside = [each["role"] for each in his if _overlap(each, said) and _apart(each["role"], said["role"])]
        if act == "approve_role" and beside:
            return f"{where}, who is {beside[0]}"
        return ""


def _counts(grant: Mapping[str, Any], day: str) -> bool:
    is_given = "approved" in grant["was"] and "revoked" not in grant["was"]
    return is_given and grant["since"] <= day and (grant["until"] is None or day < grant["until"])


def _overlap(grant: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    is_given = "approved" in grant["was"] and "revoked" not in grant["was"]
    last = date.max.isoformat()
    return is_given and grant["since"] < (said["until"] or last) and said["since"] < (grant["until"] or last)


def _apart(one: str, other: str) -> bool:
    return one != other and (one in _ALONE or other in _ALONE or {one, other} in _APART)


def role_faults(events: Sequence[Mapping[str, Any]], rows: Sequence[RoleFactRow]) -> tuple[list[str], int]:
    """Return what is wrong with who did what, and how many acts were looked at.

    `events` are answers to acts, of all shards, in the order of their numbers.
    """
    books: dict[int, Roles] = {}
    faults: list[str] = []
    told: dict[tuple[int, str, str], tuple[Any, ...]] = {}
    done = [event for event in events if event["done"] and not event.get("result", {}).get("repeat")]
    authors = {event["act_id"]: event["actor"] for event in done if event["act"] == "propose_parameters"}
    for event in done:
        shard, said = event["shard"], event.get("result", {})
        book = books.setdefault(shard, Roles(authors))
        wrong = book.wrong(event)
        if wrong:
            faults.append(f"shard {shard}, event {event['seq']}: {wrong}")
        book.take(event)
        if event["act"] in ROLE_ACTS:
            names = ("officer", "role", "since", "until", "proposed_by")
            told[shard, said["grant_id"], said["status"]] = (
                event["seq"],
                event["act_id"],
                event["actor"],
                *(said[name] for name in names),
            )
    found = {
        (row.shard, row.grant_id, row.what): (
            row.seq,
            row.act_id,
            row.actor,
            row.officer,
            row.role,
            row.since,
            row.until,
            row.proposed_by,
        )
        for row in rows
    }
    differing = sorted(key for key in told.keys() | found.keys() if told.get(key) != found.get(key))
    faults += [f"role {key}: told {told.get(key)}, stored {found.get(key)}" for key in differing]
    return faults, len(done)
