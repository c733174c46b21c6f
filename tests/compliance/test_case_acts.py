"""What may be done to a case, when and by whom: a table of acts, and the fold of what was done."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cases import (
    WHEN,
    AlertState,
    CaseFact,
    CaseFile,
    alert_number,
    needs_two_people,
    read_days,
)
from services.compliance.handlers.acts import judge_act
from services.compliance.handlers.verdicts import Known
from shared.messages.acts import FileReport, OpenCase, ReopenCase
from shared.messages.acts.base import ActBase
from shared.messages.acts.cases import CaseKind
from tests.compliance.ledger import ALICE, ANNE, BOB, PARTITIONS
from tests.compliance.tables import table
from tests.compliance.test_cases import ACTS

MOMENT = datetime(2026, 3, 2, 19, tzinfo=UTC)
CASE_ID = UUID(int=1)
OTTOS = CaseFile(0, CASE_ID, ALICE, "suspicion", MOMENT, 5, "investigating", "otto")
OWING = replace(OTTOS, status="closed", disposition="confirmed", report=True)
FILES = {
    "owing": OWING,
    "filed": replace(OWING, filing=6, filing_status="filed"),
    "accepted": replace(OWING, filing=6, filing_status="accepted"),
    "rejected": replace(OWING, filing=6, filing_status="rejected"),
    "open": CaseFile(0, CASE_ID, ALICE, "suspicion", MOMENT, 5),
    "investigating": OTTOS,
    "proposed": OTTOS.after(
        CaseFact(0, CASE_ID, 5, UUID(int=2), "proposed", "otto", "x", disposition="confirmed", report=False)
    ),
    "closed": OTTOS.after(
        CaseFact(0, CASE_ID, 5, UUID(int=2), "decided", "otto", "x", disposition="inconclusive", report=False)
    ),
}


def known(status: str) -> Known:
    """What acts on a case of some status are judged by; Alice has alerts 1 to 4 and Anne alert 5."""
    alerts = {(0, number): AlertState(ALICE, MOMENT - timedelta(days=number)) for number in (1, 2)}
    alerts[0, 3] = AlertState(ALICE, MOMENT, case_id=UUID(int=9))
    alerts[0, 4] = AlertState(ALICE, MOMENT, dismissed=True)
    alerts[0, 5] = AlertState(ANNE, MOMENT)
    return Known(
        house_shard=1,
        partitions=PARTITIONS,
        verdicts={},
        holds={},
        lists={},
        entries=set(),
        moments={0: MOMENT},
        cases={(0, CASE_ID): FILES[status]} if status in FILES else {},
        alerts=alerts,
        case_days={"suspicion": 30},
    )


FIELDS: dict[str, dict[str, Any]] = {
    "alert": {"alert_ids": ("0-1",)},
    "two": {"alert_ids": ("0-1", "0-2", "0-1")},
    "taken": {"alert_ids": ("0-1", "0-3")},
    "dismissed": {"alert_ids": ("0-4",)},
    "annes": {"alert_ids": ("0-5",)},
    "elsewhere": {"alert_ids": ("1-1",)},
    "nonsense": {"alert_ids": ("0-x",)},
    "review": {"kind": "review"},
    "bobs": {"owner": BOB},
    "an_alert": {"alert_id": "0-1"},
    "a_taken": {"alert_id": "0-3"},
    "old": {"version": 4},
    "new": {"version": 6},
    "other": {"case_id": UUID(int=7)},
    "anne": {"owner": ANNE},
    "otto": {"officer": "otto"},
    "deed": {"kind": "document", "reference": "deed.pdf"},
    "false": {"disposition": "false_positive"},
    "confirmed": {"disposition": "confirmed"},
    "report": {"disposition": "confirmed", "report": True},
    "filing": {"form": "sar", "sha256": "0" * 64, "schema_sha256": "1" * 64},
    "stor": {"form": "stor", "sha256": "0" * 64, "schema_sha256": "1" * 64},
    "yes": {"filing": 6, "status": "accepted", "reference": "31000123456789"},
    "no": {"filing": 6, "status": "rejected", "reference": "31000123456789"},
    "of_4": {"filing": 4, "status": "accepted", "reference": "31000123456789"},
    "unfit": {"disposition": "inconclusive", "report": True},
    "-": {},
}

OUTCOMES = table(
    """
    status         what     fields     actor  outcome             after
    -              open     -          ann    done                open
    -              open     two        ann    done                open
    -              open     taken      ann    already_in_case     -
    -              open     dismissed  ann    already_dismissed   -
    -              open     annes      ann    no_such_alert       -
    -              open     elsewhere  ann    no_such_alert       -
    -              open     nonsense   ann    no_such_alert       -
    -              open     review     ann    no_deadline         -              # none in force
    -              open     bobs       ann    wrong_shard         -
    -              dismiss  an_alert   ann    done                -
    -              dismiss  a_taken    ann    already_in_case     -
    -              note     -          ann    no_such_case        -
    open           note     other      ann    no_such_case        -
    open           note     anne       ann    no_such_case        -              # another owner's
    open           note     old        ann    version_old         -
    open           note     new        ann    version_old         -              # nobody can have seen it
    open           note     -          ann    done                open
    open           gather   alert      ann    done                open
    open           gather   taken      ann    already_in_case     -
    open           assign   otto       ann    done                investigating
    open           decide   false      ann    case_open           -              # nobody has looked
    open           approve  -          ann    case_open           -
    open           reopen   -          ann    case_open           -
    investigating  assign   otto       ann    done                investigating
    investigating  link     deed       ann    done                investigating
    investigating  decide   false      ann    not_the_officer     -
    investigating  decide   false      otto   done                closed
    investigating  decide   unfit      otto   report_unconfirmed  -
    investigating  decide   confirmed  otto   done                proposed
    investigating  decide   report     otto   done                proposed
    investigating  return   -          ann    case_investigating  -
    proposed       gather   alert      ann    case_proposed       -
    proposed       assign   otto       ann    case_proposed       -
    proposed       decide   false      otto   case_proposed       -
    proposed       approve  -          otto   same_person         -
    proposed       approve  -          ann    done                closed
    proposed       return   -          otto   done                investigating  # one may think again
    closed         note     -          ann    done                closed
    closed         gather   alert      ann    case_closed         -
    closed         link     deed       ann    case_closed         -
    closed         approve  -          ann    case_closed         -
    closed         reopen   -          ann    done                investigating
    closed         file     filing     ann    nothing_to_report   -
    closed         answer   yes        ann    no_such_filing      -
    proposed       file     filing     ann    case_proposed       -
    owing          file     filing     ann    done                closed
    owing          file     stor       ann    not_market_abuse    -              # a case of suspicion
    owing          answer   yes        ann    no_such_filing      -              # nothing was filed
    filed          file     filing     ann    already_filed       -
    filed          answer   of_4       ann    no_such_filing      -              # another was filed
    filed          answer   yes        ann    done                closed
    accepted       file     filing     ann    already_accepted    -
    accepted       answer   no         ann    no_such_filing      -              # it was answered
    accepted       reopen   -          ann    done                investigating
    rejected       file     filing     ann    done                closed         # once more
    rejected       answer   yes        ann    no_such_filing      -
    """
)


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: " ".join(list(row.values())[:4]))
def test_an_act_on_a_case_is_done_or_refused_by_name(row: dict[str, str]):
    """One reason each, whatever else is wrong."""
    status, what = row["status"], row["what"]
    fields: dict[str, Any] = {"owner": ALICE, "case_id": CASE_ID, "version": 5, "kind": "suspicion"}
    fields = {**fields, **FIELDS[row["fields"]]}
    act = ACTS[what](act_id=UUID(int=3), actor=row["actor"], reason="x", **fields)
    verdict = judge_act(0, act, known(status))
    assert ("done" if verdict.done else verdict.result["refused"]) == row["outcome"]
    assert (verdict.case.status if verdict.case is not None else "-") == row["after"]


def test_the_time_of_a_case_runs_from_its_first_alert():
    """The law counts from detection, not from when somebody got round to it; a case reopened counts anew."""
    act = OpenCase(
        act_id=UUID(int=3), actor="a", reason="x", owner=ALICE, kind="suspicion", alert_ids=("0-1", "0-2")
    )
    opened = judge_act(0, act, known("-")).case
    assert opened is not None
    assert opened.deadline == MOMENT - timedelta(days=2) + timedelta(days=30)
    again = ReopenCase(act_id=UUID(int=4), actor="a", reason="x", owner=ALICE, case_id=CASE_ID, version=5)
    reopened = judge_act(0, again, known("closed")).case
    assert reopened is not None
    assert reopened.deadline == MOMENT + timedelta(days=30)


def test_a_case_of_market_abuse_is_reported_by_a_stor():
    """Of what else was found in it a report of another form may be owed, too."""
    for form in ("stor", "sar"):
        judged_by = known("owing")
        judged_by.cases[0, CASE_ID] = replace(FILES["owing"], kind="market_abuse")
        fields: dict[str, Any] = {**FIELDS["filing"], "form": form, "version": 5}
        act = FileReport(act_id=UUID(int=3), actor="ann", reason="x", owner=ALICE, case_id=CASE_ID, **fields)
        assert judge_act(0, act, judged_by).done


def test_market_abuse_is_to_be_reported_without_delay():
    """A day is the shortest time that a case can have; each kind has its days, in the data."""
    [row] = [each for each in RULE_PARAMETERS if each.rule == "CASE"]
    days = read_days(row)
    assert set(days) == set(get_args(CaseKind))
    assert days["market_abuse"] == min(days.values()) == 1
    assert "2016/957" in row.source


def test_every_status_can_be_left_but_only_as_the_lifecycle_says():
    """No status is a dead end, and only two people close what is confirmed."""
    assert set().union(*WHEN.values()) == {"open", "investigating", "proposed", "closed"}
    assert [each for each in ("false_positive", "inconclusive", "confirmed") if needs_two_people(each)] == [
        "confirmed"
    ]


@pytest.mark.parametrize("alert_id", ["0-", "-1", "0-1-2", "0-١", "00-1", "1-1", "0-" + "9" * 19, "", "0"])
def test_what_is_no_id_of_an_alert_of_this_shard_is_none(alert_id: str):
    """Whatever an act says, it cannot make the database stumble."""
    assert alert_number(0, alert_id) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(set(ACTS) - {"open", "dismiss", "gather"})),
        st.sampled_from(["otto", "lena"]),
        st.sampled_from(["false", "confirmed", "report"]),
    ),
    max_size=14,
)


@given(steps=STEPS)
def test_a_case_is_the_fold_of_its_facts(steps: Sequence[tuple[str, str, str]]):
    """Whatever is tried, versions have no gap, the facts give the case, and two people confirm it."""
    judged_by = known("-")
    opening = OpenCase(act_id=CASE_ID, actor="ann", reason="x", owner=ALICE, kind="suspicion")
    verdict = judge_act(0, opening, judged_by)
    facts = [verdict.fact]
    folded = verdict.case
    for number, (what, actor, decision) in enumerate(steps, start=10):
        case = judged_by.cases[0, CASE_ID]
        fields: dict[str, Any] = {"owner": ALICE, "case_id": CASE_ID, "version": case.version}
        fields |= {**FIELDS[decision], **FIELDS["deed"], **FIELDS["otto"], **FIELDS["filing"]}
        fields |= {"filing": case.filing or 0, "status": "rejected", "reference": "x"}
        act: ActBase = ACTS[what](act_id=UUID(int=number), actor=actor, reason="x", **fields)
        verdict = judge_act(0, act, judged_by)
        if verdict.done:
            assert verdict.fact is not None
            assert folded is not None
            facts.append(verdict.fact)
            folded = folded.after(verdict.fact)
    assert folded == judged_by.cases[0, CASE_ID]
    assert [each.version for each in facts if each] == list(range(1, len(facts) + 1))
    for fact in facts:
        assert fact is not None
        if fact.what == "approved":
            assert fact.actor != fact.proposed_by
