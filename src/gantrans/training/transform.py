"""From a source's image to the network's input: resize, crop, flip."""

from __future__ import annotations

import random

from PIL import Image, ImageOps
from torch import Tensor

from gantrans.api.dataset import Transform
from gantrans.api.image import convert, to_tensor
from gantrans.errors import DataError


def prepare(
    image: Image.Image,
    transform: Transform,
    *,
    channels: int,
    label: str,
    draw: random.Random | None = None,
) -> Tensor:
    """The network's input (channels, H, W) in [-1, 1].

    Args:
        image: as the source gave it.
        transform: the spec's settings.
        channels: 3 or 1.
        label: what to call the image if it does not fit.
        draw: where training's crop and flip come from; absent for test images, which are cropped
            at the centre and not flipped.

    Raises:
        DataError: if the image is smaller than the crop.
    """
    try:
        image = convert(image, channels)  # before bicubic mixing: palettes cannot be mixed
    except DataError as error:
        raise DataError(f"cannot use the image {label}: {error}") from None
    if transform.resize is not None:
        image = _shorter_side(image, transform.resize)
    if transform.crop is not None:
        image = _crop(image, transform.crop, label, draw)
    if draw is not None and transform.flip and draw.random() < 0.5:
        image = ImageOps.mirror(image)
    return to_tensor(image, channels)


def _shorter_side(image: Image.Image, size: int) -> Image.Image:
    """Scale so that the shorter side is `size`; bicubic, antialiased when it shrinks."""
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    if (width, height) == image.size:
        return image
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _crop(image: Image.Image, size: int, label: str, draw: random.Random | None) -> Image.Image:
    spare_x, spare_y = image.width - size, image.height - size
    if min(spare_x, spare_y) < 0:
        raise DataError(
            f"{label} is {image.width} x {image.height} pixels, smaller than the crop of {size}: "
            f"set data.transform.resize to {size} or more, or data.transform.crop to less"
        )
    left = draw.randint(0, spare_x) if draw else spare_x // 2
    top = draw.randint(0, spare_y) if draw else spare_y // 2
    return image.crop((left, top, left + size, top + size))
