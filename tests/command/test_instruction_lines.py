"""How the lines of a file become records: as they are, under the right key, readable or not."""

import json
from pathlib import Path
from typing import Final

import pytest

from backoffice.cli.causality import waves
from backoffice.cli.errors import CommandError
from backoffice.cli.instruction import ForcedKey, mark_as_dry_run, read_lines


def lines_of(tmp_path: Path, content: bytes, **options):
    """Return the lines of a file with this content."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    return read_lines(path, options.get("key"), options.get("partition"))


def test_a_line_is_keyed_by_its_owner_and_sent_as_it_is(tmp_path: Path) -> None:
    """Not parsed and written again: what upstream wrote is what the ledger judges."""
    text = b'{ "owner" : "C1",  "amount": 1.0, "instruction_id":"7" }'
    (line,) = lines_of(tmp_path, text + b"\r\n")
    assert (line.key, line.value, line.instruction_id) == (b"C1", text, "7")


@pytest.mark.parametrize(
    "value",
    [
        b"not json", b"[]", b"7", b"null", b'{"owner": 7}', b'{"owner": "two words"}', b'{"owner": "C1\\n"}',
        b'{"owner": "\\ud800"}', b"\xff\xfe", b'{"owner": ["C1"], "type": ["x"]}', b"[" * 100_000,
        b'{"owner": ' + b"9" * 5_000 + b"}",
    ],
    ids=range(12),
)  # fmt: skip
def test_what_has_no_readable_owner_goes_to_the_house(tmp_path: Path, value: bytes) -> None:
    """It must reach the ledger all the same, and have a fate there."""
    (line,) = lines_of(tmp_path, value)
    assert (line.key, line.value, line.broadcast) == (b"house", value, False)


def test_numbers_are_the_files_own_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    """So that an editor finds the line an outcome speaks of."""
    assert [line.number for line in lines_of(tmp_path, b"1\n\n  \n2\n")] == [1, 4]


def test_a_business_day_goes_to_every_partition_unless_told_otherwise(tmp_path: Path) -> None:
    """`--partition` and another key are there to try wrong ones."""
    day = json.dumps({"type": "open_business_day", "owner": "house"}).encode()
    assert lines_of(tmp_path, day)[0].broadcast
    assert not lines_of(tmp_path, day, partition=1)[0].broadcast
    assert not lines_of(tmp_path, day, key=ForcedKey(b"C1"))[0].broadcast


def test_a_forced_key_is_taken_as_it_is(tmp_path: Path) -> None:
    """Even none at all."""
    assert lines_of(tmp_path, b'{"owner":"C1"}', key=ForcedKey(None))[0].key is None
    assert lines_of(tmp_path, b'{"owner":"C1"}', key=ForcedKey(b"\xff"))[0].key == b"\xff"


def test_a_missing_file_is_told_with_what_to_type(tmp_path: Path) -> None:
    """Never a traceback."""
    with pytest.raises(CommandError) as told:
        read_lines(tmp_path / "nothing.jsonl", None, None)
    assert (told.value.error, told.value.exit_code) == ("file_unreadable", 2)
    assert "--file" in told.value.fix


def test_wrong_usage_is_told_before_anything_is_sent(backoffice, monkeypatch, tmp_path: Path) -> None:
    """Status 2, and the sentence names the option."""
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BACKOFFICE_PARTITIONS", "4")
    (tmp_path / "in.jsonl").write_bytes(b"1\n" + b"x" * 1_048_576)
    file = ("--file", tmp_path / "in.jsonl")
    for arguments, error in (
        (("--partition", 4), "usage"),
        (("--key", "a b"), "usage"),
        (("--key", "a", "--raw-key", "b"), "usage"),
        ((), "record_too_large"),
    ):
        ran = backoffice("instruction", "send", *file, *arguments)
        assert (ran.status, ran.out, ran.error["error"]) == (2, "", error)
        assert ran.error["fix"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("instruction", "send", "--file", "in.jsonl"), ("lag",), ("status",), ("parked", "list"),
        ("dead-letters", "list"), ("simulate",), ("account", "show", "C1"), ("ledger", "verify"),
        ("transaction", "trace", "019c2f10-7a02-7c3e-9a51-4d0f6b2e8c02"),
    ],
)  # fmt: skip
def test_without_a_stack_every_command_says_how_to_start_it(backoffice, arguments: tuple[str, ...]) -> None:
    """Status 3."""
    ran = backoffice(*arguments)
    assert (ran.status, ran.out, ran.error["error"]) == (3, "", "stack_not_running")
    assert "backoffice up" in ran.error["fix"]


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        (b'{ "owner":"C1", "amount":1.50}', b'{"dry_run":true, "owner":"C1", "amount":1.50}'),
        (b'{"owner":"C1","dry_run":true}', b'{"owner":"C1","dry_run":true}'),
    ],
)
def test_a_line_is_marked_as_a_dry_run_and_else_left_as_it_is(
    tmp_path: Path, line: bytes, marked: bytes
) -> None:
    """What is tried is what would be sent."""
    (read,) = lines_of(tmp_path, line)
    assert mark_as_dry_run(read).value == marked


@pytest.mark.parametrize("line", [b"not json", b"[]", b"{}", b'{"dry_run":false}', b'{"dry_run":"no"}'])
def test_a_line_that_cannot_be_marked_stops_all(tmp_path: Path, line: bytes) -> None:
    """It would be carried out."""
    (read,) = lines_of(tmp_path, line)
    with pytest.raises(CommandError) as stopped:
        mark_as_dry_run(read)
    assert stopped.value.error == "not_markable"


ANNA, BEN = "anna", "ben"
"""Their shards of four differ."""


def instruction_of(kind: str, number: int, owner: str, **fields: object) -> dict[str, object]:
    """Say an instruction whose id is made of its number."""
    return {
        "type": kind,
        "instruction_id": f"019c2f10-0000-7000-8000-{number:012x}",
        "owner": owner,
        **fields,
    }


ID: Final = {number: f"019C2F100000700080000000{number:08X}" for number in range(4)}
"""The ids in another spelling."""
PAID: Final = instruction_of("transfer", 1, ANNA, debit_account="anna-1", credit_account="ben-1")
OPENED: Final = instruction_of("open_account", 1, BEN, account="ben-1")


@pytest.mark.parametrize(
    ("document", "sizes"),
    [
        ([PAID, instruction_of("reversal", 2, BEN, original_id=ID[1], original_owner=ANNA)], [1, 1]),
        ([OPENED, instruction_of("deposit", 2, ANNA, account="ben-1")], [1, 1]),
        ([OPENED, instruction_of("reserve", 2, ANNA, account="anna-1", credit_account="ben-1")], [1, 1]),
        (
            [
                OPENED,
                instruction_of(
                    "group", 2, ANNA, members=[instruction_of("transfer", 3, ANNA, credit_account="ben-1")]
                ),
            ],
            [1, 1],
        ),
        (
            [
                instruction_of("reserve", 1, ANNA, account="anna-1", credit_account="ben-1"),
                instruction_of("withdrawal", 2, BEN, account="ben-1"),
                instruction_of("post_pending", 3, ANNA, pending_id=ID[1]),
                instruction_of("withdrawal", 0, BEN, account="ben-1"),
            ],
            [1, 1, 1, 1],
        ),
        (
            [
                instruction_of("reserve", 1, ANNA, account="anna-1", credit_account="ben-1"),
                instruction_of("post_pending", 2, ANNA, pending_id=ID[1]),
                instruction_of("withdrawal", 0, BEN, account="ben-1"),
                instruction_of("reversal", 3, ANNA, original_id=ID[2]),
            ],
            [2, 1, 1],
        ),
        ([OPENED, instruction_of("deposit", 2, ANNA, account="anna-1")], [2]),
        ([PAID, instruction_of("return", 2, ANNA, original_id=ID[1])], [2]),
    ],
)
def test_a_line_waits_for_what_it_names_in_another_shard(
    tmp_path: Path, document: list[dict[str, object]], sizes: list[int]
) -> None:
    """Else a reversal of what the file posts before, or a group on an account it opens, would be refused."""
    text = b"\n".join(json.dumps(each).encode() for each in document)
    assert [len(wave) for wave in waves(lines_of(tmp_path, text), 4, 100)] == sizes
