from __future__ import annotations

import pytest

from gantrans.io.text import printable, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("summer -> Winter, 12 °C, 夏", "summer -> Winter, 12 °C, 夏"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b2J", "\\x9b2J"),
        ("\x07\r\x7f", "\\x07\\r\\x7f"),
        ("gpj.\u202egnp", "gpj.\\u202egnp"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_steers_a_terminal_is_written_out(text: str, expected: str) -> None:
    assert printable(text) == shown(text) == expected
    assert printable(text).encode()


def test_a_message_keeps_its_lines_and_a_name_has_one() -> None:
    assert printable("two\n\tlines") == "two\n\tlines"
    assert shown("two\n\tlines") == "two\\n\\tlines"
