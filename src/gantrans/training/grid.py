"""Labelled grids of images, whose PNG says where each of them lies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from gantrans.api.image import to_image
from gantrans.report.layout import LAYOUT, VERSION

GAP, TILE = 4, 128
BACKGROUND, INK = "white", "black"


@dataclass(frozen=True)
class Block:
    """Rows of images (C, H, W) in [-1, 1] under a heading and, if there are any, column labels."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Tensor]]


def grid(blocks: Sequence[Block]) -> Image.Image:
    """The blocks, one below the other.

    Small images are enlarged by a whole factor, pixel by pixel, so that one can look at them.
    `info[LAYOUT]` says where each lies.
    """
    return _stack([_page(block) for block in blocks])


def save(picture: Image.Image, path: Path) -> None:
    """Write a grid as PNG, with its layout. Raises OSError."""
    text = PngInfo()
    if LAYOUT in picture.info:
        text.add_text(LAYOUT, picture.info[LAYOUT], zip=True)
    picture.save(path, format="PNG", pnginfo=text)


def drawable(image: Tensor) -> Tensor:
    """What can be drawn of (C, H, W): 1 or 3 channels as they are; of 2 the first, as gray; of more
    the first three, as colours.
    """
    shown = {1: 1, 2: 1}.get(len(image), 3)
    return image[:shown]


def _page(block: Block) -> tuple[Image.Image, dict[str, Any]]:
    """A block and where its images lie in it."""
    rows = [[_drawn(tensor) for tensor in row] for row in block.rows]
    width, height = (max(image.size[axis] for row in rows for image in row) for axis in (0, 1))
    font = ImageFont.load_default(max(10, min(20, width // 10)))
    line = round(font.getbbox("Ag")[3]) + 2 * GAP
    head = line * (2 if block.columns else 1)
    across = max(len(row) for row in rows)
    size = (across * (width + GAP) + GAP, head + len(rows) * (height + GAP))
    page = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(page)
    draw.text((GAP, GAP), block.heading, fill=INK, font=font)
    for column, label in enumerate(block.columns):
        at = (GAP + column * (width + GAP), line + GAP)
        draw.text(at, _fitted(label, width, font), fill=INK, font=font)
    places = []
    for y, row in enumerate(rows):
        corners = [(GAP + x * (width + GAP), head + y * (height + GAP)) for x in range(len(row))]
        for image, corner in zip(row, corners, strict=True):
            page.paste(image, corner)
        places.append([[*c, *image.size] for image, c in zip(row, corners, strict=True)])
    return page, {"heading": block.heading, "columns": list(block.columns), "rows": places}


def _drawn(tensor: Tensor) -> Image.Image:
    image = to_image(drawable(tensor)).convert("RGB")
    factor = max(1, TILE // max(image.size))
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.NEAREST)


def _fitted(label: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(label) > width and len(label) > 1:
        label = label[:-2] + "…"
    return label


def _stack(pages: Sequence[tuple[Image.Image, dict[str, Any]]]) -> Image.Image:
    width = max(page.width for page, _ in pages)
    whole = Image.new("RGB", (width, sum(page.height + GAP for page, _ in pages)), BACKGROUND)
    top, blocks = 0, []
    for page, block in pages:
        whole.paste(page, (0, top))
        rows = [[[x, y + top, w, h] for x, y, w, h in row] for row in block["rows"]]
        blocks.append({**block, "rows": rows})
        top += page.height + GAP
    whole.info[LAYOUT] = json.dumps({"version": VERSION, "blocks": blocks})
    return whole
