"""Looking at one image: it is read once, and a few numbers are kept of it.

The look of a picture is its dHash (Krawetz 2013, "Kind of like that", hackerfactor.com): scaled to
9 x 8 gray levels, 64 bits that say of each level whether it is darker than its right neighbour.
Scaling, recompressing, brightening and small retouches change few of them.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat, UnidentifiedImageError

from gantrans.api.dataset import ImageSource
from gantrans.api.image import IMAGE_SUFFIXES, convert
from gantrans.api.transform import DomainTransform
from gantrans.data_check.facts import ImageFacts
from gantrans.data_check.header import Header, read_header, stored_as
from gantrans.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

THUMBNAIL = 16
"""Side of the thumbnails, in pixels."""
CHROMA = 8
"""Gray levels that the channels of a pixel may be apart, in a thumbnail of a gray picture."""
FLAT = 10
"""Gray levels between the darkest and the brightest of the 9 x 8, below which they are noise."""

_MIDDLE = (72, 64)
_ORDER = np.argsort([(row + column) % 4 for row in range(8) for column in range(8)], kind="stable")
"""Every 16 bits hold some of each row and each column: see `near`."""


def look(
    source: ImageSource, index: int, transform: DomainTransform | None, channels: int
) -> ImageFacts:
    """The facts of one image; if it cannot be read, that is one."""
    label = source.label(index)
    try:
        image = source.image(index)
        if not isinstance(image, Image.Image):
            return _of_tensor(label, image)
        origin, header = source.origin(index), Header(image.size, stored_as(image))
        if isinstance(origin, Path) and origin.suffix.lower() in IMAGE_SUFFIXES:
            header = read_header(origin)
        return _of_picture(label, image, header, transform, channels)
    except Exception as error:  # of damaged files, and of anyone's data set
        return ImageFacts(label, error=reason(error))


def reason(error: Exception) -> str:
    """Why an image cannot be read, without its path and what to do, which a finding says too."""
    cause = error.__cause__ if isinstance(error, DataError) and error.__cause__ else error
    if isinstance(cause, UnidentifiedImageError):
        return "it is no image of a known format"
    if isinstance(cause, Image.DecompressionBombError):
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return f"it has more than {most:,} pixels, the most that Pillow reads"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split()) or type(cause).__name__


def _of_picture(
    label: str,
    image: Image.Image,
    header: Header,
    transform: DomainTransform | None,
    channels: int,
) -> ImageFacts:
    right = image.mode == {1: "L", 3: "RGB"}[channels] and not image.has_transparency_data
    picture = image if right else convert(image, channels)
    digest = blake2b(picture.tobytes(), digest_size=16, key=_shape(picture.mode, picture.size))
    seen = picture
    if transform is not None:  # nearly as its resize leaves it, which would take much longer
        times = min(picture.size) // min(transform.resized(*picture.size))
        seen = picture.reduce(times) if times > 1 else picture
    dhash, thumbnail = _appearance(seen.convert("L"))
    return ImageFacts(
        label,
        size=image.size,
        stored=header.stored,
        turned=header.turned,
        several=header.several,
        contrast=max(ImageStat.Stat(seen).stddev) / 127.5,
        colourful=_shows_colour(seen) if channels == 3 else None,
        digest=digest.digest(),
        dhash=dhash,
        thumbnail=thumbnail,
    )


def _of_tensor(label: str, image: Tensor) -> ImageFacts:
    """Of (channels, H, W) in [-1, 1]; nothing is known of how it is stored."""
    pixels: NDArray[np.float32] = np.ascontiguousarray(image.float().numpy())
    channels, height, width = pixels.shape
    if not np.isfinite(pixels).all():
        return ImageFacts(label, error="it has pixels that are no finite numbers")
    gray = np.clip((pixels.mean(axis=0) + 1) * 127.5, 0, 255).astype(np.uint8)
    dhash, thumbnail = _appearance(Image.fromarray(gray))
    return ImageFacts(
        label,
        size=(width, height),
        stored=f"tensor of {channels}",
        contrast=float(pixels.std(axis=(1, 2)).max()),
        digest=blake2b(pixels.data, digest_size=16, key=_shape("", pixels.shape)).digest(),
        dhash=dhash,
        thumbnail=thumbnail,
    )


def _shape(mode: str, size: tuple[int, ...]) -> bytes:
    """What tells apart two pictures of equal bytes."""
    return f"{mode} {size}".encode()


def _appearance(gray: Image.Image) -> tuple[int | None, bytes]:
    """The dHash and the thumbnail of a picture of mode L."""
    middle = gray.resize(_MIDDLE, Image.Resampling.BOX, reducing_gap=2.0)
    thumbnail = middle.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).tobytes()
    small = middle.resize((9, 8), Image.Resampling.BOX)
    levels = np.frombuffer(small.tobytes(), np.uint8).reshape(8, 9)
    if int(levels.max()) - int(levels.min()) < FLAT:
        return None, thumbnail
    bits = (levels[:, :-1] < levels[:, 1:]).reshape(-1)[_ORDER]
    return int.from_bytes(np.packbits(bits).tobytes(), "big"), thumbnail


def _shows_colour(picture: Image.Image) -> bool:
    """Whether the channels of an RGB picture differ anywhere by more than compression makes."""
    small = picture.resize((32, 32), Image.Resampling.BOX, reducing_gap=2.0)
    levels = np.frombuffer(small.tobytes(), np.uint8).reshape(-1, 3)
    return int((levels.max(axis=1) - levels.min(axis=1)).max()) > CHROMA
