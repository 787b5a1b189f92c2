"""From a source's image to what networks get: convert, resize, zoom, crop.

`settle` does what is the same each time an image is seen, and may be kept; `cut` does what a draw
decides, on the host: a crop is a slice, which decides what is read and copied at all. Mirroring,
colours and the like follow for a whole batch, on the device (gantrans.training.variation).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image
from torch import Tensor, uint8
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from gantrans.api.image import convert, normalised, to_pixels, to_tensor
from gantrans.api.transform import DomainTransform
from gantrans.errors import DataError
from gantrans.inference import memory

LARGE = 2**26
"""Pixels from which on the memory for an image is compared with what is free."""


@dataclass(frozen=True)
class Settled:
    """An image that is converted and resized.

    Args:
        image: of mode RGB or L; or a tensor (channels, H, W), uint8 for such a picture, else
            float32 in [-1, 1]. Nothing writes into it.
        size: width and height that it had before.
    """

    image: Image.Image | Tensor
    size: tuple[int, int]


def settle(
    image: Image.Image | Tensor, transform: DomainTransform, *, channels: int, label: str
) -> Settled:
    """Convert and resize.

    Args:
        image: as the source gave it.
        transform: the spec's settings for the image's domain.
        channels: that the domain has.
        label: what to call the image if it does not fit.

    Raises:
        DataError: if it has other channels, pixels of an unknown kind, or would be too large for
            the memory.
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
    width, height = size = size_of(right)
    new = transform.resized(width, height)
    if new == size:
        return Settled(right, size)
    _refuse_beyond_memory(*new, right, f"{label}, after data.transform.resize,")
    if isinstance(right, Image.Image):  # antialiased when it shrinks
        return Settled(right.resize(new, Image.Resampling.BICUBIC), size)
    return Settled(_resized(right, *new), size)


def cut(
    settled: Image.Image | Tensor,
    transform: DomainTransform,
    *,
    channels: int,
    label: str,
    draw: random.Random | None = None,
) -> Tensor:
    """The part that is seen: uint8 (channels, H, W) of a picture, else float32 in [-1, 1].

    Args:
        settled: what `settle` made of an image.
        transform: the spec's settings for the image's domain.
        channels: that the domain has.
        label: what to call the image if it does not fit.
        draw: where zoom and crop come from; absent: the centre, not zoomed.

    Raises:
        DataError: if the image, after the smallest zoom, is smaller than the crop.
    """
    if transform.zoom is not None and draw is not None:
        settled = _zoomed(settled, transform, label, draw)
    elif transform.crop is not None:
        settled = _part(settled, _box(*size_of(settled), transform.crop, label, draw))
    return to_pixels(settled, channels) if isinstance(settled, Image.Image) else settled


def prepare(
    image: Image.Image | Tensor, transform: DomainTransform, *, channels: int, label: str
) -> Tensor:
    """The network's input (channels, H, W) in [-1, 1] outside training: resized, centre crop.

    Raises:
        DataError: as `settle` and `cut`.
    """
    settled = settle(image, transform, channels=channels, label=label)
    x = cut(settled.image, transform, channels=channels, label=label)
    return normalised(x) if x.dtype == uint8 else x


def size_of(image: Image.Image | Tensor) -> tuple[int, int]:
    """Width and height in pixels."""
    return (image.shape[-1], image.shape[-2]) if isinstance(image, Tensor) else image.size


def _part(image: Image.Image | Tensor, box: tuple[int, int, int, int]) -> Image.Image | Tensor:
    left, top, right, bottom = box
    if isinstance(image, Tensor):
        return image[:, top:bottom, left:right]
    return image.crop(box)


def _is_plain(image: Image.Image, channels: int) -> bool:
    mode = {1: "L", 3: "RGB"}.get(channels)
    return image.mode == mode and not image.has_transparency_data


def _zoomed(
    image: Image.Image | Tensor, transform: DomainTransform, label: str, draw: random.Random
) -> Image.Image | Tensor:
    """The crop of the scaled image. Only its pixels are computed: the image may be a large one."""
    assert transform.crop is not None  # the config refuses a zoom without
    if isinstance(image, Tensor) and image.dtype == uint8:
        image = F.to_pil_image(image)
    width, height = _zoomed_size(*size_of(image), transform, label, draw)
    left, top, right, bottom = box = _box(width, height, transform.crop, label, draw)
    if isinstance(image, Tensor):
        _refuse_beyond_memory(width, height, image, f"{label}, after data.transform.zoom,")
        return _part(_resized(image, width, height), box)
    x, y = image.width / width, image.height / height  # pixels of the image to one of the result
    # A crop at the far border would end outside by a rounding error, which Pillow refuses.
    area = (left * x, top * y, min(right * x, image.width), min(bottom * y, image.height))
    return image.resize((transform.crop, transform.crop), Image.Resampling.BICUBIC, area)


def _refuse_beyond_memory(width: int, height: int, image: Image.Image | Tensor, what: str) -> None:
    """Raise DataError if memory cannot hold an image of that size: a system would end the process.

    Args:
        width: of the image to come, in pixels.
        height: likewise.
        image: the image of which it is made.
        what: how a message begins.
    """
    if width * height < LARGE:
        return
    channels = len(image) if isinstance(image, Tensor) else len(image.getbands())
    # Of three channels Pillow keeps a fourth byte; tensors are float32 here.
    pixel = 4 * channels if isinstance(image, Tensor) else 4 if channels > 1 else 1
    room = memory.room()
    if room is not None and width * height * pixel > room:
        raise DataError(
            f"{what} would have {width} x {height} pixels, which take "
            f"{memory.mebibytes(width * height * pixel)}, and {memory.mebibytes(room)} are free: "
            "choose a smaller value"
        )


def _resized(x: Tensor, width: int, height: int) -> Tensor:
    if (height, width) == x.shape[1:]:
        return x
    smooth: Tensor = F.resize(x, [height, width], InterpolationMode.BICUBIC, antialias=True)
    return smooth.clamp(-1, 1)  # it overshoots


def _zoomed_size(
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
