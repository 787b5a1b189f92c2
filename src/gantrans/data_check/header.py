"""What the header of an image file says; its pixels are not decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, TiffImagePlugin

from gantrans.api.image import UNREAD_MODES, open_lazily

_KINDS = {
    "1": "1 bit",
    "L": "gray",
    "LA": "gray with alpha",
    "P": "palette",
    "PA": "palette with alpha",
    "RGB": "RGB",
    "RGBA": "RGB with alpha",
    "I": "gray 32 bit",
    "I;16": "gray 16 bit",
    "I;16B": "gray 16 bit",
    "I;16L": "gray 16 bit",
    "F": "floating point",
    "LAB": "CIELAB",
}
UNREAD = frozenset(_KINDS.get(mode, mode) for mode in UNREAD_MODES)
"""How images are stored whose pixels no rule turns into colours."""
_TURNED = range(5, 9)  # the EXIF orientations that swap width and height


@dataclass(frozen=True)
class Header:
    """What a file says of its image.

    Args:
        size: width and height in pixels, upright.
        stored: how it is kept, see `ImageFacts`.
        turned: whether it is kept turned or mirrored.
        several: whether images follow the first, which is the one that is read.
    """

    size: tuple[int, int]
    stored: str
    turned: bool = False
    several: bool = False


def read_header(path: Path) -> Header:
    """The header of an image file. Raises what Pillow does: anything, for a damaged one."""
    with open_lazily(path) as image:
        # Not image.getexif(): that of PNG decodes the whole picture to look behind it.
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
        # Pillow turns the size of a TIFF itself.
        swap = orientation in _TURNED and not isinstance(image, TiffImagePlugin.TiffImageFile)
        size = (image.height, image.width) if swap else image.size
        stored = stored_as(image)
        if "16 bit" not in stored and _bits(image, path) == 16:
            stored += " 16 bit"
        # In MPO, of telephones, previews and maps of brightness follow the photograph.
        several = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
        return Header(size, stored, orientation in range(2, 9), several)


def stored_as(image: Image.Image) -> str:
    """The kind of an image's pixels, in words."""
    kind = _KINDS.get(image.mode, image.mode)
    return f"{kind} with alpha" if image.mode in "RGBL" and _has_alpha(image) else kind


def _has_alpha(image: Image.Image) -> bool:
    return "transparency" in image.info


def _bits(image: Image.Image, path: Path) -> int:
    """Bits of a channel in the file, where Pillow reads 16 of colours as 8."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(25)
        return int(struct.unpack(">B", head[24:25])[0])
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        found = image.tag_v2.get(258, 8)
        return int(found[0] if isinstance(found, tuple) else found)
    return 8
