"""Bytes shown to people are harmless, and to programs exact."""

import base64

import pytest

from backoffice.cli.records import record_text, text_fields


def test_text_is_text_and_other_bytes_are_base64() -> None:
    """A program gets back exactly what was there."""
    assert text_fields("value", "Grünewalt".encode()) == {"value": "Grünewalt"}
    assert text_fields("value", b"\xff\x00") == {"value_base64": base64.b64encode(b"\xff\x00").decode()}
    assert text_fields("key", None) == {"key": None}


@pytest.mark.parametrize("content", [b"\x1b[2J", b"\x00\x07", "\u202eabc".encode(), b"\xff\xfe", b"a\nb"])
def test_a_terminal_does_not_act_on_what_is_shown(content: bytes) -> None:
    """A record may carry escape sequences or text that runs backwards."""
    assert record_text(content).isprintable()


def test_a_long_record_is_cut_with_its_size() -> None:
    """A megabyte on the terminal helps nobody."""
    assert record_text(b"x" * 5_000).endswith("(5000 bytes)")
