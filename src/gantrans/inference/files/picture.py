"""Image files of ordinary kinds as networks are given them. Imports no torch.

The rule is that of training (gantrans.api.image), with three things that only a translation wants:
what is transparent keeps its own colours where the result can be transparent too; inks (CMYK) with
a colour profile are turned into colours by it, as a viewer shows them; integers of 32 bits that go
beyond 16 are refused, for nobody knows how bright they are.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from gantrans.api.image import convert, open_lazily
from gantrans.errors import DataError, GantransError
from gantrans.inference.files.keeping import NOTHING, Kept, Metadata, kept_of
from gantrans.inference.files.shown import shown

MEGAPIXEL = 1_000_000
_MOVING = ("GIF", "PNG", "WEBP", "TIFF")
_INTEGERS = ("I", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True)
class Picture:
    """An image, or a frame of several.

    Args:
        image: what the network is given: upright, of mode RGB or L as its domain has channels.
        alpha: how opaque each pixel is, of mode L, if the result is to have that.
        kept: what the result's file keeps of the input's.
    """

    image: Image.Image
    alpha: Image.Image | None = None
    kept: Kept = NOTHING


@contextmanager
def opened(path: Path, content: bytes | None = None) -> Iterator[Image.Image]:
    """An image file, its pixels not yet read.

    Args:
        path: of the file.
        content: of a file that is not on a disk; `path` is then its name, for messages.

    Raises:
        DataError: naming the file, in place of whatever Pillow raises inside.
    """
    try:
        with open_lazily(path if content is None else io.BytesIO(content)) as image:
            yield image
    except DataError as error:
        raise DataError(f"cannot use the image {shown(path)}: {error}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = (Image.MAX_IMAGE_PIXELS or 0) / MEGAPIXEL
        raise DataError(
            f"cannot read the image {shown(path)}: it has more than {most:g} megapixels; if you "
            "trust the file, give a higher --max-megapixels"
        ) from error
    except (GantransError, MemoryError):
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(
            f"cannot read the image {shown(path)}: {error.strerror}; see to it that the file can "
            "be read, or leave it out"
        ) from error
    except Exception as error:  # of damaged files Pillow raises whatever comes up
        raise DataError(
            f"cannot read the image {shown(path)}: {shown(str(error)) or type(error).__name__}; "
            "repair the file, or leave it out"
        ) from error


@contextmanager
def at_most(megapixels: float) -> Iterator[None]:
    """Have Pillow refuse larger images: a small file can unfold to more than memory holds."""
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # of damage that does no harm
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # raised from the limit on
        Image.MAX_IMAGE_PIXELS = int(megapixels * MEGAPIXEL)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def is_moving(image: Image.Image) -> bool:
    """Whether a file has several images: an animation, or a TIFF file with pages."""
    return image.format in _MOVING and bool(getattr(image, "is_animated", False))


def picture(
    image: Image.Image, channels: int, *, alpha: bool = False, metadata: Metadata = "profile"
) -> Picture:
    """What a network with so many channels is given of an image.

    Args:
        image: as Pillow has opened it.
        channels: 1 or 3.
        alpha: whether to keep how opaque pixels are, and with it the colour of transparent ones;
            else they are laid over white.
        metadata: what to keep of the file.

    Raises:
        DataError: if no rule turns its pixels into colours.
    """
    image.load()
    upright = ImageOps.exif_transpose(image)  # first: of unreadable EXIF it raises only once
    kept = kept_of(image, metadata)
    if upright.mode in _INTEGERS:
        _refuse_unknown_range(upright)
        return Picture(convert(upright, channels), None, kept)
    if upright.mode == "CMYK":
        upright = _as_seen(upright)
    opacity = None
    if alpha and upright.has_transparency_data:
        whole = upright.convert("RGBA")
        opacity, upright = whole.getchannel("A"), whole.convert("RGB")
    return Picture(convert(upright, channels), opacity, kept)


def _refuse_unknown_range(image: Image.Image) -> None:
    low, high = image.getextrema()
    if not (isinstance(low, int | float) and isinstance(high, int | float)):
        return
    if low < 0 or high > 65535:
        raise DataError(
            f"its pixels are integers from {low} to {high}, of which none is known to be white: "
            "save it with 16 bits or 8"
        )


def _as_seen(image: Image.Image) -> Image.Image:
    """Inks as sRGB, by the profile of the file if it has one that can be used."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        inks = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        seen = ImageCms.profileToProfile(
            image, inks, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return image if seen is None else seen
