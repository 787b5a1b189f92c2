from __future__ import annotations

import pytest

from gantrans.cli.columns import aligned

ROWS = [("cycle", "there and back gives the same image", "gantrans 0.1.0"), ("l1", "", "acme 2")]


def test_in_a_pipe_a_row_is_a_line_and_columns_are_aligned() -> None:
    assert aligned(ROWS, None) == [
        ["  cycle  there and back gives the same image  gantrans 0.1.0"],
        ["  l1                                          acme 2"],
    ]


@pytest.mark.parametrize("width", [60, 50, 46])
def test_on_a_narrow_terminal_long_cells_are_wrapped_in_their_column(width: int) -> None:
    lines = [line for block in aligned(ROWS, width) for line in block]
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert sorted(words) == sorted(" ".join(cell for row in ROWS for cell in row).split())
    assert lines[0].startswith("  cycle  there and")


def test_names_are_not_broken_at_their_hyphens() -> None:
    [lines] = aligned([("vgg", "distance of features", "gantrans-perceptual 0.1.0")], 50)
    assert any("gantrans-perceptual" in line for line in lines)


def test_nothing_gives_no_lines() -> None:
    assert aligned([], 80) == []
