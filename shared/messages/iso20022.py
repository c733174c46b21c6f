"""What the fields of our messages are called in ISO 20022, and what has no name there.

Paths are those of pacs.008.001.08, pacs.002.001.10 and camt.053.001.08, below the element that stands for one
payment or one account (`ROOTS`). Only what means the same is named; what means nearly the same is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from shared.messages.blocks import Channel, Charge, Holder, Party, Payment, PaymentParty
from shared.messages.envelope import Event
from shared.messages.instructions.accounts import (
    ChangeHolder,
    ChangeLimit,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    ReopenAccount,
    UnfreezeAccount,
)
from shared.messages.instructions.base import InstructionBase
from shared.messages.instructions.books import (
    Adjustment,
    ClosePeriod,
    HousePosting,
    OpenBusinessDay,
    OpeningBalance,
)
from shared.messages.instructions.corrections import Allocate, Reversal, WriteOff
from shared.messages.instructions.fees_and_interest import Accrual, Fee, Interest
from shared.messages.instructions.groups import Group
from shared.messages.instructions.payments import Deposit, Exchange, Return, Transfer, Withdrawal
from shared.messages.instructions.pendings import PostPending, Reserve, VoidPending
from shared.messages.instructions.securities import CustodyTransfer, Trade
from shared.messages.journal import (
    InstructionRejected,
    LedgerEvent,
    Movement,
    Posting,
    TransactionEvent,
    TransactionVoided,
)

ROOTS: Final = {
    "pacs.008": "FIToFICstmrCdtTrf/CdtTrfTxInf",
    "pacs.002": "FIToFIPmtStsRpt/TxInfAndSts",
    "camt.053": "BkToCstmrStmt/Stmt",
}


@dataclass(frozen=True, slots=True)
class Names:
    """Where one field stands in each message; several paths are alternatives, none is no counterpart."""

    pacs_008: tuple[str, ...] = ()
    pacs_002: tuple[str, ...] = ()
    camt_053: tuple[str, ...] = ()
    note: str = ""


def _at(*, pacs_008: str = "", pacs_002: str = "", camt_053: str = "", note: str = "") -> Names:
    return Names(tuple(pacs_008.split()), tuple(pacs_002.split()), tuple(camt_053.split()), note)


def _nowhere(*fields: str, note: str = "") -> dict[str, Names]:
    return {field: Names(note=note) for field in fields}


def _each(parties: tuple[str, ...], *paths: str) -> str:
    return " ".join(path.format(party) for party in parties for path in paths)


_ENTRY: Final = "Ntry/NtryDtls/TxDtls"
_EXCHANGE: Final = "Ntry/AmtDtls/TxAmt/CcyXchg"
_CHARGE: Final = "Ntry/Chrgs/Rcrd"
_PARTIES: Final = ("Dbtr", "Cdtr", "UltmtDbtr", "UltmtCdtr")
_HAVE_ACCOUNTS: Final = ("Dbtr", "Cdtr")

_CURRENCY: Final = "currencies only (ISO 4217)"
_SHORT_ID: Final = "35 characters at most there"
_ACCOUNT: Final = "34 characters at most there"
_STATEMENT_ACCOUNT: Final = _at(camt_053="Acct/Id/Othr/Id", note=_ACCOUNT)
_DEBTOR_ACCOUNT: Final = _at(
    pacs_008="DbtrAcct/Id/IBAN DbtrAcct/Id/Othr/Id", camt_053="Acct/Id/Othr/Id", note=_ACCOUNT
)
_CREDITOR_ACCOUNT: Final = _at(
    pacs_008="CdtrAcct/Id/IBAN CdtrAcct/Id/Othr/Id", camt_053="Acct/Id/Othr/Id", note=_ACCOUNT
)
_AMOUNT: Final = {
    "amount": _at(pacs_008="IntrBkSttlmAmt", camt_053="Ntry/Amt"),
    "asset": _at(pacs_008="IntrBkSttlmAmt/@Ccy", camt_053="Ntry/Amt/@Ccy", note=_CURRENCY),
}
_ENTRY_AMOUNT: Final = {
    "amount": _at(camt_053="Ntry/Amt"),
    "asset": _at(camt_053="Ntry/Amt/@Ccy", note=_CURRENCY),
}
_NUMBER: Final = _at(pacs_002="AcctSvcrRef", camt_053="Ntry/AcctSvcrRef", note="`<shard>-<seq>`")
_CLASS: Final = _at(camt_053="Acct/Tp/Prtry")
_ENTITY: Final = _at(camt_053="Acct/Svcr/FinInstnId/Othr/Id", note=_SHORT_ID)
_REASON: Final = _at(pacs_002="StsRsnInf/Rsn/Cd", note="by the table of reasons below")

INSTRUCTION_FIELDS: Final[Mapping[type[BaseModel], Mapping[str, Names]]] = {
    InstructionBase: {
        "instruction_id": _at(
            pacs_008="PmtId/InstrId",
            pacs_002="OrgnlInstrId",
            camt_053=f"{_ENTRY}/Refs/InstrId",
            note=f"{_SHORT_ID}: spelt without hyphens",
        ),
        "value_date": _at(camt_053="Ntry/ValDt/Dt"),
        **_nowhere("owner", note="whose shard it is; within the firm"),
        **_nowhere("business_reference", note="ties attempts of the upstream together"),
        **_nowhere("occurred_at"),
        **_nowhere("dry_run", note="no payment is asked for"),
        **_nowhere(
            "settlement_id", "contractual_settlement_date", "actual_settlement_date", note="of trades"
        ),
        **_nowhere("execute_on", note="pain.001: ReqdExctnDt"),
    },
    OpenAccount: {
        "account": _STATEMENT_ACCOUNT,
        "entity": _ENTITY,
        "asset": _at(camt_053="Acct/Ccy", note=_CURRENCY),
        "class": _CLASS,
        "limit": _at(camt_053="Bal/CdtLine/Amt"),
        **_nowhere("container"),
    },
    Deposit: {"account": _CREDITOR_ACCOUNT, **_AMOUNT},
    Withdrawal: {"account": _DEBTOR_ACCOUNT, **_AMOUNT},
    Transfer: {"debit_account": _DEBTOR_ACCOUNT, "credit_account": _CREDITOR_ACCOUNT, **_AMOUNT},
    Exchange: {
        "debit_account": _STATEMENT_ACCOUNT,
        "debit_amount": _at(camt_053="Ntry/Amt", note="of the entry in the debited account's statement"),
        "debit_asset": _at(camt_053=f"{_EXCHANGE}/SrcCcy"),
        "credit_account": _STATEMENT_ACCOUNT,
        "credit_amount": _at(camt_053="Ntry/Amt", note="of the entry in the credited account's statement"),
        "credit_asset": _at(camt_053=f"{_EXCHANGE}/TrgtCcy"),
        "rate": _at(camt_053=f"{_EXCHANGE}/XchgRate", note="11 digits at most there"),
        "rate_unit": _at(camt_053=f"{_EXCHANGE}/UnitCcy", note="the asset of that side"),
    },
    Fee: {"account": _STATEMENT_ACCOUNT, **_ENTRY_AMOUNT},
    Interest: {
        "account": _STATEMENT_ACCOUNT,
        **_ENTRY_AMOUNT,
        "direction": _at(camt_053="Ntry/CdtDbtInd", note="`credit`: CRDT, `debit`: DBIT"),
    },
    Adjustment: _nowhere(
        *("debit_account", "credit_account", "amount", "asset", "reason", "entered_by", "approved_by"),
        "booking_date",
        note="between the firm's own accounts",
    ),
    Accrual: {
        "account": _at(camt_053="Acct/Id/Othr/Id", note=_ACCOUNT),
        "asset": _at(camt_053="Ntry/Amt/@Ccy"),
        "direction": _at(camt_053="Ntry/CdtDbtInd", note="`credit`: CRDT, `debit`: DBIT"),
        **_nowhere("series", "cumulative"),
    },
    OpeningBalance: {
        "account": _at(camt_053="Acct/Id/Othr/Id", note=_ACCOUNT),
        **_ENTRY_AMOUNT,
        "direction": _at(camt_053="Ntry/CdtDbtInd", note="`credit`: CRDT, `debit`: DBIT"),
        "booking_date": _at(camt_053="Ntry/BookgDt/Dt"),
    },
    HousePosting: _nowhere(
        "debit_account", "credit_account", "amount", "asset", note="between the firm's own accounts"
    ),
    CustodyTransfer: _nowhere(
        "account", "direction", "quantity", "asset", "location", note="securities: sese.023, semt.002"
    ),
    Trade: _nowhere(
        "side",
        "custody_account",
        "cash_account",
        "quantity",
        "asset",
        "settlement_amount",
        "settlement_asset",
        "commission",
        "price",
        "location",
        note="securities: sese.023",
    ),
    Reserve: {
        "account": _at(camt_053="Acct/Id/Othr/Id", note=_ACCOUNT),
        "credit_account": _at(camt_053="Acct/Id/Othr/Id", note=_ACCOUNT),
        **_ENTRY_AMOUNT,
        **_nowhere("expires_on"),
    },
    PostPending: {
        "amount": _at(camt_053="Ntry/Amt"),
        **_nowhere("pending_id", note="the reserve's `instruction_id`"),
        **_nowhere("final"),
    },
    VoidPending: _nowhere("pending_id", note="the reserve's `instruction_id`"),
    Reversal: {
        **_nowhere("original_id", note="pacs.007 and camt.056: OrgnlInstrId, spelt without hyphens"),
        **_nowhere("original_owner", note="whose shard it is in; within the firm"),
        **_nowhere("reason", note="pacs.007: RvslRsnInf/AddtlInf; camt.056: CxlRsnInf/AddtlInf"),
        **_nowhere("forced", "entered_by", "approved_by", note="by what right; within the firm"),
    },
    Group: {},
    Return: {
        **_ENTRY_AMOUNT,
        **_nowhere("original_id", note="pacs.004: OrgnlInstrId, spelt without hyphens"),
        "reason": _at(
            camt_053=f"{_ENTRY}/RtrInf/Rsn/Cd {_ENTRY}/RtrInf/Rsn/Prtry",
            note="pacs.004: RtrRsnInf/Rsn/Cd; Cd has 4 characters there, Prtry 35",
        ),
    },
    Allocate: {
        "account": _STATEMENT_ACCOUNT,
        **_ENTRY_AMOUNT,
        **_nowhere("item", "reason", note="within the firm"),
    },
    WriteOff: _nowhere(
        *("item", "amount", "asset", "reason", "entered_by", "approved_by"),
        note="between the firm's own accounts",
    ),
    FreezeAccount: _nowhere("account", "freeze_id", "authority", "direction", "amount"),
    UnfreezeAccount: _nowhere("account", "freeze_id"),
    ChangeLimit: _nowhere("account", "limit", "cap", "valid_from", "valid_until", "authority"),
    ChangeHolder: _nowhere("account", "authority", note="acmt.003 asks for it"),
    CloseAccount: _nowhere("account", "authority", note="acmt.019 asks for it"),
    ReopenAccount: _nowhere("account", "reason", "entered_by", "approved_by"),
    OpenBusinessDay: _nowhere("entity", "booking_date"),
    ClosePeriod: _nowhere("entity", "first_day", "last_day", "state"),
    Charge: {
        "amount": _at(pacs_008="ChrgsInf/Amt", camt_053=f"{_CHARGE}/Amt"),
        "asset": _at(pacs_008="ChrgsInf/Amt/@Ccy", camt_053=f"{_CHARGE}/Amt/@Ccy", note=_CURRENCY),
        "kind": _at(camt_053=f"{_CHARGE}/Tp/Prtry/Id"),
        "taken": _at(
            pacs_008="ChrgBr",
            camt_053=f"{_CHARGE}/ChrgInclInd {_CHARGE}/Br",
            note="`on_top`: DEBT, not included; `deducted`: CRED, included; both in one: SHAR",
        ),
    },
    Payment: {
        "debtor": _at(pacs_008="Dbtr", camt_053=f"{_ENTRY}/RltdPties/Dbtr/Pty"),
        "creditor": _at(pacs_008="Cdtr", camt_053=f"{_ENTRY}/RltdPties/Cdtr/Pty"),
        "ultimate_debtor": _at(pacs_008="UltmtDbtr", camt_053=f"{_ENTRY}/RltdPties/UltmtDbtr/Pty"),
        "ultimate_creditor": _at(pacs_008="UltmtCdtr", camt_053=f"{_ENTRY}/RltdPties/UltmtCdtr/Pty"),
        "debtor_agent": _at(
            pacs_008="DbtrAgt/FinInstnId/BICFI", camt_053=f"{_ENTRY}/RltdAgts/DbtrAgt/FinInstnId/BICFI"
        ),
        "creditor_agent": _at(
            pacs_008="CdtrAgt/FinInstnId/BICFI", camt_053=f"{_ENTRY}/RltdAgts/CdtrAgt/FinInstnId/BICFI"
        ),
        "end_to_end_id": _at(
            pacs_008="PmtId/EndToEndId",
            pacs_002="OrgnlEndToEndId",
            camt_053=f"{_ENTRY}/Refs/EndToEndId",
            note=_SHORT_ID,
        ),
        "uetr": _at(pacs_008="PmtId/UETR", pacs_002="OrgnlUETR", camt_053=f"{_ENTRY}/Refs/UETR"),
        "instructed_amount": _at(pacs_008="InstdAmt", camt_053=f"{_ENTRY}/AmtDtls/InstdAmt/Amt"),
        "instructed_asset": _at(
            pacs_008="InstdAmt/@Ccy", camt_053=f"{_ENTRY}/AmtDtls/InstdAmt/Amt/@Ccy", note=_CURRENCY
        ),
        "charges_bearer": _at(pacs_008="ChrgBr", note="the same four codes"),
        "purpose": _at(
            pacs_008="Purp/Cd Purp/Prtry",
            camt_053=f"{_ENTRY}/Purp/Cd {_ENTRY}/Purp/Prtry",
            note="Cd has 4 characters at most, Prtry 35",
        ),
        "remittance": _at(
            pacs_008="RmtInf/Ustrd",
            camt_053=f"{_ENTRY}/RmtInf/Ustrd",
            note="140 characters at most there, several times",
        ),
    },
    PaymentParty: {
        "name": _at(
            pacs_008=_each(_PARTIES, "{}/Nm"),
            camt_053=_each(_PARTIES, f"{_ENTRY}/RltdPties/{{}}/Pty/Nm"),
            note="140 characters at most there",
        ),
        "country": _at(
            pacs_008=_each(_PARTIES, "{}/PstlAdr/Ctry"),
            camt_053=_each(_PARTIES, f"{_ENTRY}/RltdPties/{{}}/Pty/PstlAdr/Ctry"),
        ),
        "account": _at(
            pacs_008=_each(_HAVE_ACCOUNTS, "{}Acct/Id/IBAN", "{}Acct/Id/Othr/Id"),
            camt_053=_each(
                _HAVE_ACCOUNTS,
                f"{_ENTRY}/RltdPties/{{}}Acct/Id/IBAN",
                f"{_ENTRY}/RltdPties/{{}}Acct/Id/Othr/Id",
            ),
            note="ultimate parties have none there",
        ),
        "identifier": _at(
            pacs_008=_each(_PARTIES, "{}/Id/PrvtId/Othr/Id", "{}/Id/OrgId/Othr/Id"),
            camt_053=_each(
                _PARTIES,
                f"{_ENTRY}/RltdPties/{{}}/Pty/Id/PrvtId/Othr/Id",
                f"{_ENTRY}/RltdPties/{{}}/Pty/Id/OrgId/Othr/Id",
            ),
            note=_SHORT_ID,
        ),
    },
    Party: {
        "kind": _at(
            camt_053="Acct/Ownr/Id/PrvtId Acct/Ownr/Id/OrgId",
            note="`person`: PrvtId, `organisation`: OrgId",
        ),
        "name": _at(camt_053="Acct/Ownr/Nm", note="140 characters at most there"),
        "birth_date": _at(
            camt_053="Acct/Ownr/Id/PrvtId/DtAndPlcOfBirth/BirthDt",
            note="a person's; city and country of birth must stand beside it",
        ),
        "identifier": _at(camt_053="Acct/Ownr/Id/PrvtId/Othr/Id Acct/Ownr/Id/OrgId/Othr/Id", note=_SHORT_ID),
        **_nowhere("country", note="of residence or of nationality is not said"),
        **_nowhere("kyc_reference", "kyc_status", "person"),
    },
    Holder: _nowhere(
        "name",
        "role",
        "birth_date",
        "country",
        "person",
        "since",
        "until",
        note="a statement names one owner",
    ),
    Channel: _nowhere("channel", "device", "cash", "branch", "conductor"),
}
"""Every field of an instruction and its blocks, by its wire name; but `type`, and what is itself a block."""

EVENT_FIELDS: Final[Mapping[type[BaseModel], Mapping[str, Names]]] = {
    Event: {"shard": _NUMBER, "seq": _NUMBER, **_nowhere("recorded_at")},
    LedgerEvent: {
        "instruction_id": _at(pacs_002="OrgnlInstrId", note=f"{_SHORT_ID}: spelt without hyphens"),
        **_nowhere("source", "instruction_type", "owner", "first", "content_hash"),
        **_nowhere("instruction", note="what was asked: its fields are above"),
    },
    TransactionEvent: {
        "booking_date": _at(camt_053="Ntry/BookgDt/Dt"),
        "value_date": _at(camt_053="Ntry/ValDt/Dt"),
    },
    Movement: {
        **_ENTRY_AMOUNT,
        "debit": _at(camt_053="Ntry/CdtDbtInd", note="DBIT in the statement of this account"),
        "credit": _at(camt_053="Ntry/CdtDbtInd", note="CRDT in the statement of this account"),
        **_nowhere("leg", "kind", "scale", "member"),
    },
    Posting: {
        "account": _STATEMENT_ACCOUNT,
        "entity": _ENTITY,
        "class": _CLASS,
        **_nowhere("owner"),
    },
    TransactionVoided: {"reason": _REASON},
    InstructionRejected: {
        "reason": _REASON,
        "detail": _at(pacs_002="StsRsnInf/AddtlInf", note="105 characters at most there, several times"),
        **_nowhere("field", "member"),
    },
}
"""Fields of what the ledger answers, where a status report or a statement is made of it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What an outcome is called: the transaction's status in pacs.002, the entry's in camt.053."""

    transaction: str | None = None
    entry: str | None = None
    note: str = ""


TRANSACTION_STATUS: Final = "TxSts"
ENTRY_STATUS: Final = "Ntry/Sts/Cd"

STATUSES: Final[Mapping[str, Status]] = {
    "posted": Status("ACSC", "BOOK"),
    "pending": Status("PDNG", "PDNG"),
    "scheduled": Status("PDNG", "FUTR", note="it waits for its day"),
    "voided": Status("RJCT"),
    "rejected": Status("RJCT"),
    "applied": Status(note="no payment"),
    "dry_run": Status(note="no payment, only what would come of one"),
    "swept": Status(entry="BOOK", note="no payment: it was booked before to an account that is closed"),
    "booked": Status(
        entry="BOOK", note="no payment: the house's own books, behind what the trade itself comes to"
    ),
    "reopened": Status("PDNG", "PDNG", note="what was settled of it is undone"),
    "closed": Status(note="no payment"),
    "duplicate": Status(note="the first outcome's"),
    "unreadable": Status(note="nobody knows what was asked"),
    "parked": Status(note="it has no outcome yet"),
    "discarded": Status(note="whoever gave it up says what becomes of the payment"),
}
"""Outcomes (`shared.messages.journal.OUTCOMES`) by ExternalPaymentTransactionStatus1Code and
ExternalEntryStatus1Code."""

STATUS_REASONS: Final[Mapping[str, str]] = {
    "AC01": "IncorrectAccountNumber",
    "AC04": "ClosedAccountNumber",
    "AC06": "BlockedAccount",
    "AG01": "TransactionForbidden",
    "AG03": "TransactionNotSupported",
    "AM01": "ZeroAmount",
    "AM02": "NotAllowedAmount",
    "AM03": "NotAllowedCurrency",
    "AM04": "InsufficientFunds",
    "AM05": "Duplication",
    "AM09": "WrongAmount",
    "AM12": "InvalidAmount",
    "AM14": "AmountExceedsAgreedLimit",
    "DS02": "OrderCancelled",
    "DT01": "InvalidDate",
    "DU01": "DuplicateMessageID",
    "DU03": "DuplicateTransaction",
    "DU05": "DuplicateInstructionID",
    "ED05": "SettlementFailed",
    "FF01": "InvalidFileFormat",
    "NARR": "Narrative",
    "RC01": "BankIdentifierIncorrect",
    "RR04": "RegulatoryReason",
}
"""Names in ExternalStatusReason1Code of the codes that our reasons may have."""
