"""A picture of the suspicious images: a row for each finding, with captions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath

from PIL import Image, ImageDraw, ImageFont

from gantrans.api.dataset import ImageSource
from gantrans.api.image import convert, to_image
from gantrans.data_check.finding import Finding
from gantrans.data_check.plan import Plan
from gantrans.data_check.reading import quiet_about_large_ones
from gantrans.inference.files.shown import shown

TILE, GAP, ACROSS = 128, 8, 8
"""Side of an image, room between, and images in a row: the picture is 1096 pixels wide."""
ROWS = 2
"""Rows of a finding at most."""
_WIDTH = ACROSS * (TILE + GAP) + GAP
_MARKS = {"error": "#b3261e", "warning": "#8a5a00", "note": "#3d5a80"}
_INK, _FAINT, _EMPTY = "#202020", "#606060", "#e6e6e6"


def picture(plan: Plan, found: Sequence[Finding]) -> Image.Image:
    """The first images of each finding that is about images.

    Duplicates stand beside each other, with a bar over each group. What cannot be read is an empty
    tile. At most `ROWS` rows a finding, so the picture's size is bounded.
    """
    places = {
        part.source.label(n): (part.source, n)
        for part in plan.parts
        for n in range(len(part.source))
    }
    with quiet_about_large_ones():
        rows = [_row(finding, places) for finding in found if finding.files]
    if not rows:
        rows = [_heading("No finding is about single images.", _INK)]
    page = Image.new("RGB", (_WIDTH, sum(row.height for row in rows) + GAP), "white")
    y = 0
    for row in rows:
        page.paste(row, (0, y))
        y += row.height
    return page


def _row(finding: Finding, places: Mapping[str, tuple[ImageSource, int]]) -> Image.Image:
    tiles = _chosen(finding)
    mark = _MARKS[finding.severity]
    head = _heading(f"{finding.severity}: {finding.kind}: {finding.text}", mark)
    font = ImageFont.load_default(11)
    line = 3 * 14 + GAP
    rows = -(-len(tiles) // ACROSS)
    page = Image.new("RGB", (_WIDTH, head.height + rows * (TILE + GAP + line)), "white")
    page.paste(head, (0, 0))
    draw = ImageDraw.Draw(page)
    for n, (label, group) in enumerate(tiles):
        x = GAP + n % ACROSS * (TILE + GAP)
        y = head.height + n // ACROSS * (TILE + GAP + line) + GAP
        if group is not None:
            colour = _FAINT if group % 2 else mark
            draw.rectangle((x - GAP // 2, y - 5, x + TILE + GAP // 2 - 1, y - 3), fill=colour)
        tile, size = _tile(label, places)
        page.paste(tile, (x + (TILE - tile.width) // 2, y + (TILE - tile.height) // 2))
        caption = f"{_two_lines(label, font)}\n{size}"
        draw.multiline_text((x, y + TILE + 2), caption, fill=_FAINT, font=font, spacing=2)
    return page


def _chosen(finding: Finding) -> list[tuple[str, int | None]]:
    """Labels, and the number of their group; of a large group the first four."""
    room = ROWS * ACROSS
    if not finding.groups:
        return [(label, None) for label in finding.files[:room]]
    tiles = [(label, n) for n, group in enumerate(finding.groups) for label in group[:4]]
    return list(tiles[:room])


def _heading(text: str, colour: str) -> Image.Image:
    font = ImageFont.load_default(15)
    lines = textwrap.wrap(shown(text), 140)[:3]
    page = Image.new("RGB", (_WIDTH, 2 * GAP + 19 * len(lines)), "white")
    draw = ImageDraw.Draw(page)
    draw.multiline_text((GAP, GAP), "\n".join(lines), fill=colour, font=font, spacing=4)
    return page


def _tile(label: str, places: Mapping[str, tuple[ImageSource, int]]) -> tuple[Image.Image, str]:
    with suppress(Exception):  # what is wrong with it, the finding says
        source, index = places[label]
        found = source.image(index)
        if not isinstance(found, Image.Image):
            channels = {1: 1, 2: 1}.get(len(found), 3)
            found = to_image(found[:channels])
        size = f"{found.width} x {found.height}"
        if max(found.size) > TILE:
            found.thumbnail((TILE, TILE), reducing_gap=2.0)
        else:
            times = max(1, TILE // max(found.size))
            new = (found.width * times, found.height * times)
            found = convert(found, 3).resize(new, Image.Resampling.NEAREST)
        return convert(found, 3), size
    return Image.new("RGB", (TILE, TILE), _EMPTY), "cannot be read"


def _two_lines(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The folder and the file, each cut to a tile's width at its beginning."""
    path = PurePath(shown(label))
    return "\n".join(_fitted(text, font) for text in (str(path.parent), path.name))


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(text) > TILE and len(text) > 2:
        text = f"…{text[2:]}"
    return text
