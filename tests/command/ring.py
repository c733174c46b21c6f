"""Money goes round over several shards, through Kafka, until the command shows the alert."""

import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from shared.messages.partitioner import shard_of

PARTITIONS: Final = 4
ASSET: Final = "EUR"


def go_round(backoffice: Callable[..., Any], folder: Path, until: Callable[..., Any]) -> None:
    """A ring of small amounts is found by a version in shadow alone, one of large amounts is alerted."""
    parameters = ("compliance", "parameters")
    told = ("--asset", ASSET, "--reason", "small rings", "--actor", "ann")
    proposed = backoffice(*parameters, "propose", "CYC-1", "--set", "amount_min=50.00", *told)
    version = proposed.records[0]["result"]["proposal_id"]
    by_ben = (version, "--reason", "seen", "--actor", "ben")
    assert backoffice(*parameters, "shadow", *by_ben).records[0]["status"] == "shadow"

    few, many = _over_shards("C71"), _over_shards("C72")
    _pay_round(backoffice, folder, few, "60.00")
    found = until(
        lambda: backoffice(*parameters, "findings", version).records,
        lambda rows: rows[-1]["findings"] == 1,
    )
    assert (found[0]["owner"], found[-1]["live_too"], found[-1]["would_hold"]) == (few[-1], 0, 0)
    assert backoffice(*parameters, "withdraw", *by_ben).records[0]["status"] == "withdrawn"

    _pay_round(backoffice, folder, many, "5000.00")
    alerts = ("alerts", "list", "--rule", "CYC-1", "--owner")
    [alert] = until(lambda: backoffice(*alerts, many[-1]).records, bool)
    [finding] = alert["findings"]
    assert finding["sentence"] == "Money came back to where it began, by 3 payments within 5 days."
    assert {each.partition("-")[0] for each in finding["values"]["events"]} == {"0", "1", "2"}
    assert [row for owner in (*few, *many[:-1]) for row in backoffice(*alerts, owner).records] == []


def _over_shards(prefix: str) -> list[str]:
    """Name a customer of each of three shards."""
    names = [f"{prefix}{number:04}" for number in range(1000)]
    return [next(each for each in names if shard_of(each, PARTITIONS) == shard) for shard in range(3)]


def _pay_round(backoffice: Callable[..., Any], folder: Path, owners: Sequence[str], amount: str) -> None:
    """Let each pay the next, and the last one the first; the ledger books one after another."""
    accounts = [f"{owner}-{ASSET}" for owner in owners]
    ends = list(zip(owners, accounts, strict=True))
    opened = [_line("open_account", owner, account=account, entity="BANK") for owner, account in ends]
    funds = [_line("deposit", owner, account=account, amount=amount) for owner, account in ends]
    assert _sent(backoffice, folder, opened) == {"applied"}
    assert _sent(backoffice, folder, funds) == {"posted"}
    for (owner, account), other in zip(ends, [*accounts[1:], accounts[0]], strict=True):
        paid = _line("transfer", owner, debit_account=account, credit_account=other, amount=amount)
        assert _sent(backoffice, folder, [paid]) == {"posted"}


def _line(kind: str, owner: str, **fields: Any) -> str:
    identity = str(uuid.uuid4())
    return json.dumps({"type": kind, "instruction_id": identity, "owner": owner, "asset": ASSET, **fields})


def _sent(backoffice: Callable[..., Any], folder: Path, lines: Sequence[str]) -> set[str]:
    """Send instructions, and return what came of them."""
    file = folder / "ring.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sent = backoffice("instruction", "send", "--file", file, "--wait", "--until", "final")
    return {each["outcome"] for each in sent.records}
