"""Aligned columns for terminals and pipes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

NARROWEST = 12
"""Characters below which no column is squeezed."""


def output_width() -> int | None:
    """Characters in a line of the terminal; None for a pipe or a file, whose lines may be long."""
    if sys.stdout is None or not sys.stdout.isatty():  # None: `>&-`
        return None
    return shutil.get_terminal_size().columns


def aligned(
    rows: Sequence[Sequence[str]], width: int | None, indent: str = "  "
) -> list[list[str]]:
    """The lines of each row, its cells in columns with two spaces between them.

    With a `width`, the widest columns are squeezed until a line fits, and their cells are wrapped.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if width is not None:
        _squeeze(widths, width - len(indent) - 2 * (len(widths) - 1))
    blocks = []
    for row in rows:
        cells = [
            wrap(cell, max(w, 1), break_on_hyphens=False)
            for cell, w in zip(row, widths, strict=True)
        ]
        lines = zip_longest(*cells, fillvalue="")
        padded = (zip(line, widths, strict=True) for line in lines)
        blocks.append(
            [(indent + "  ".join(c.ljust(w) for c, w in line)).rstrip() for line in padded]
        )
    return blocks


def _squeeze(widths: list[int], room: int) -> None:
    while sum(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
