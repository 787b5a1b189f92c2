"""Images beside each other in one. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from gantrans.api.image import convert


def side_by_side(images: Sequence[Image.Image]) -> Image.Image:
    """From left to right in one RGB image; what is transparent is laid over white."""
    whole = Image.new("RGB", (sum(i.width for i in images), max(i.height for i in images)), "white")
    left = 0
    for image in images:
        whole.paste(convert(image, 3), (left, 0))
        left += image.width
    return whole
