"""What operators do to a shard: acts, records on the owning service's acts topic.

Each carries an id, the actor and a reason, is executed once by the shard's writer and answered by an
`ActDone` event. It is published to the partition of the shard it concerns.
"""

from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from shared.messages.acts.cases import (
    AcknowledgeReport,
    ApproveDecision,
    AssignCase,
    DecideCase,
    DismissAlert,
    FileReport,
    GatherAlerts,
    LinkEvidence,
    NoteCase,
    OpenCase,
    ReopenCase,
    ReturnDecision,
)
from shared.messages.acts.holds import RefuseHold, ReleaseHold
from shared.messages.acts.lists import ActivateList, LoadList, RefuseList
from shared.messages.acts.parameters import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.acts.parties import EraseParty
from shared.messages.acts.ratings import ApproveRating, RateCustomer
from shared.messages.acts.reports import MakeReport
from shared.messages.acts.retention import ApproveRemoval, LiftLegalHold, PlaceLegalHold, ProposeRemoval
from shared.messages.acts.roles import ApproveRole, ProposeRole, RevokeRole
from shared.messages.acts.shards import DiscardParked, PassOverLost, ReplayParked, ResumeShard
from shared.messages.acts.snoozes import ApproveSnooze, EndSnooze, ProposeSnooze
from shared.messages.acts.whitelistings import ApproveWhitelisting, ProposeWhitelisting, RevokeWhitelisting

TransactionsAct = ReplayParked | DiscardParked | ResumeShard | PassOverLost | EraseParty
ComplianceAct = (
    ReleaseHold
    | RefuseHold
    | ProposeWhitelisting
    | ApproveWhitelisting
    | RevokeWhitelisting
    | ProposeSnooze
    | ApproveSnooze
    | EndSnooze
    | PlaceLegalHold
    | LiftLegalHold
    | ProposeRemoval
    | ApproveRemoval
    | RateCustomer
    | ApproveRating
    | LoadList
    | ActivateList
    | RefuseList
    | ProposeParameters
    | PublishParameters
    | WithdrawParameters
    | OpenCase
    | DismissAlert
    | GatherAlerts
    | AssignCase
    | NoteCase
    | LinkEvidence
    | DecideCase
    | ApproveDecision
    | ReturnDecision
    | ReopenCase
    | FileReport
    | AcknowledgeReport
    | ProposeRole
    | ApproveRole
    | RevokeRole
    | ResumeShard
)
ReportingAct = MakeReport | ResumeShard

TRANSACTIONS_ACT: Final[TypeAdapter[TransactionsAct]] = TypeAdapter(
    Annotated[TransactionsAct, Field(discriminator="type")]
)
COMPLIANCE_ACT: Final[TypeAdapter[ComplianceAct]] = TypeAdapter(
    Annotated[ComplianceAct, Field(discriminator="type")]
)
REPORTING_ACT: Final[TypeAdapter[ReportingAct]] = TypeAdapter(
    Annotated[ReportingAct, Field(discriminator="type")]
)
Act = TransactionsAct | ComplianceAct | ReportingAct
