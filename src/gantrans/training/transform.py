"""From a source's image to the network's input: resize, zoom, crop, flip, rotation, colours."""

from __future__ import annotations

import math
import random

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from gantrans.api.image import convert, to_tensor
from gantrans.api.transform import DomainTransform, Jitter
from gantrans.errors import DataError


def prepare(
    image: Image.Image | Tensor,
    transform: DomainTransform,
    *,
    channels: int,
    label: str,
    draw: random.Random | None = None,
) -> Tensor:
    """The network's input (channels, H, W) in [-1, 1].

    Args:
        image: as the source gave it.
        transform: the spec's settings for the image's domain.
        channels: that the domain has.
        label: what to call the image if it does not fit.
        draw: where training's zoom, crop, flip, rotation and colours come from; absent for test
            images, which are cropped at the centre and otherwise left alone.

    Raises:
        DataError: if the image, after the smallest zoom, is smaller than the crop, or if it has
            other channels.
    """
    right: Image.Image | Tensor
    try:
        if isinstance(image, Image.Image):
            # Before bicubic mixing: palettes cannot be mixed. Converting what is right already
            # would copy it, which for a crop of a large photograph is most of the work.
            right = image if _is_plain(image, channels) else convert(image, channels)
        else:
            right = to_tensor(image, channels)
    except DataError as error:
        raise DataError(f"cannot use the image {label}: {error}") from None
    if isinstance(right, Tensor):
        x = _cut_tensor(right, transform, label, draw)
    else:
        x = to_tensor(_cut_picture(right, transform, label, draw), channels)
    return x if draw is None else _vary(x, transform, draw)


def _is_plain(image: Image.Image, channels: int) -> bool:
    mode = {1: "L", 3: "RGB"}.get(channels)
    return image.mode == mode and not image.has_transparency_data


def _cut_picture(
    image: Image.Image, transform: DomainTransform, label: str, draw: random.Random | None
) -> Image.Image:
    if transform.zoom is not None and draw is not None:
        return _zoomed_picture(image, transform, label, draw)
    size = transform.resized(*image.size)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)  # antialiased when it shrinks
    if transform.crop is None:
        return image
    return image.crop(_box(*image.size, transform.crop, label, draw))


def _zoomed_picture(
    image: Image.Image, transform: DomainTransform, label: str, draw: random.Random
) -> Image.Image:
    """The crop of the scaled image. Only its pixels are computed: the image may be a large one."""
    assert transform.crop is not None  # the config refuses a zoom without
    width, height = _zoomed(*image.size, transform, label, draw)
    left, top, right, bottom = _box(width, height, transform.crop, label, draw)
    x, y = image.width / width, image.height / height  # pixels of the image to one of the result
    # A crop at the far border would end outside by a rounding error, which Pillow refuses.
    box = (left * x, top * y, min(right * x, image.width), min(bottom * y, image.height))
    return image.resize((transform.crop, transform.crop), Image.Resampling.BICUBIC, box)


def _zoomed(
    width: int, height: int, transform: DomainTransform, label: str, draw: random.Random
) -> tuple[int, int]:
    """The width and height after resize and a drawn zoom, with the smallest of which a crop fits.

    Raises DataError if it does not, whatever is drawn: not only in the middle of a run.
    """
    assert transform.zoom is not None and transform.crop is not None
    smallest, largest = transform.zoom
    small = transform.zoomed(width, height, smallest)
    if min(small) < transform.crop:
        least = transform.crop / min(transform.resized(width, height))
        raise DataError(
            f"{label} is {small[0]} x {small[1]} pixels after a zoom of {smallest:g}, smaller than "
            f"the crop of {transform.crop}: set the first number of data.transform.zoom to "
            f"{math.ceil(1000 * least) / 1000:g} or more, or data.transform.crop to less"
        )
    return transform.zoomed(width, height, draw.uniform(smallest, largest))


def _cut_tensor(
    x: Tensor, transform: DomainTransform, label: str, draw: random.Random | None
) -> Tensor:
    width, height = transform.resized(x.shape[2], x.shape[1])
    if transform.zoom is not None and draw is not None:
        width, height = _zoomed(x.shape[2], x.shape[1], transform, label, draw)
    if (height, width) != x.shape[1:]:
        bicubic = InterpolationMode.BICUBIC
        x = F.resize(x, [height, width], bicubic, antialias=True).clamp(-1, 1)  # it overshoots
    if transform.crop is None:
        return x
    left, top, right, bottom = _box(width, height, transform.crop, label, draw)
    return x[:, top:bottom, left:right]


def _box(
    width: int, height: int, size: int, label: str, draw: random.Random | None
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the square that is cut out."""
    spare_x, spare_y = width - size, height - size
    if min(spare_x, spare_y) < 0:
        raise DataError(
            f"{label} is {width} x {height} pixels, smaller than the crop of {size}: set "
            f"data.transform.resize (by its shorter side) to {size} or more, or "
            "data.transform.crop to less"
        )
    left = draw.randint(0, spare_x) if draw else spare_x // 2
    top = draw.randint(0, spare_y) if draw else spare_y // 2
    return left, top, left + size, top + size


def _vary(x: Tensor, transform: DomainTransform, draw: random.Random) -> Tensor:
    if transform.flip and draw.random() < 0.5:
        x = x.flip(-1)
    if transform.rotate:
        square = x.shape[1] == x.shape[2]
        x = x.rot90(draw.randrange(4) if square else 2 * draw.randrange(2), (1, 2))
    return _jitter(x, transform.jitter, draw) if transform.jitter else x


def _jitter(x: Tensor, jitter: Jitter, draw: random.Random) -> Tensor:
    """Brightness, contrast, saturation and hue, in this order; (1 or 3, H, W) in [-1, 1]."""

    def factor(most: float) -> float:
        return draw.uniform(1 - most, 1 + most)

    # All four are drawn whatever they are, so that one setting does not change another's draws.
    brightness, contrast = factor(jitter.brightness), factor(jitter.contrast)
    saturation, turn = factor(jitter.saturation), draw.uniform(-jitter.hue, jitter.hue)
    colours = (x + 1) / 2
    colours = F.adjust_brightness(colours, brightness)
    colours = F.adjust_contrast(colours, contrast)
    if len(colours) == 3:
        colours = F.adjust_hue(F.adjust_saturation(colours, saturation), turn)
    result: Tensor = torch.clamp(2 * colours - 1, -1, 1)
    return result
