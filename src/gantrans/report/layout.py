"""Where the images of a sample grid lie: a text of its PNG. Training writes it, others read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gantrans.io.received import parse_json
from gantrans.report.values import count

LAYOUT, VERSION = "gantrans", 1
"""The text's key, also in `Image.info`. It is JSON:
{"version": 1, "blocks": [{"heading", "columns": [...], "rows": [[[x, y, width, height], ...]]}]}"""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placed:
    """Rows of images under a heading.

    Args:
        heading: such as "summer -> winter -> summer".
        columns: their labels; none of images that only belong together.
        rows: left, top, width and height of each image, in pixels.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Box]]


def placed(text: Any, size: tuple[int, int]) -> list[Placed]:
    """What a text says of a picture of that size (width, height).

    Nothing, where it is no text, of another version, or where an image would lie outside.
    """
    try:
        said = parse_json(text)
        if said["version"] != VERSION:
            return []
        return [
            Placed(
                str(block["heading"]),
                [str(column) for column in block["columns"]],
                [[_box(box, size) for box in row] for row in block["rows"] if row],
            )
            for block in said["blocks"]
            if any(block["rows"])
        ]
    except (ValueError, LookupError, TypeError):
        return []


def _box(box: Any, size: tuple[int, int]) -> Box:
    x, y, width, height = (_whole(n) for n in box)
    if not (width and height and x + width <= size[0] and y + height <= size[1]):
        raise ValueError("it lies outside")
    return x, y, width, height


def _whole(value: Any) -> int:
    found = count(value)
    if found is None:
        raise ValueError("it is no number of pixels")
    return found
