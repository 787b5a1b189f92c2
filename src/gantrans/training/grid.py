"""Labelled grids of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gantrans.api.image import to_image

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
    """
    return _stack([_page(block) for block in blocks])


def drawable(image: Tensor) -> Tensor:
    """What can be drawn of (C, H, W): 1 or 3 channels as they are; of 2 the first, as gray; of more
    the first three, as colours.
    """
    shown = {1: 1, 2: 1}.get(len(image), 3)
    return image[:shown]


def _page(block: Block) -> Image.Image:
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
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            page.paste(image, (GAP + x * (width + GAP), head + y * (height + GAP)))
    return page


def _drawn(tensor: Tensor) -> Image.Image:
    image = to_image(drawable(tensor)).convert("RGB")
    factor = max(1, TILE // max(image.size))
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.NEAREST)


def _fitted(label: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(label) > width and len(label) > 1:
        label = label[:-2] + "…"
    return label


def _stack(pages: Sequence[Image.Image]) -> Image.Image:
    width = max(page.width for page in pages)
    whole = Image.new("RGB", (width, sum(page.height + GAP for page in pages)), BACKGROUND)
    y = 0
    for page in pages:
        whole.paste(page, (0, y))
        y += page.height + GAP
    return whole
