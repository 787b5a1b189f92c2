"""What a file has beside its pixels, and what its translation keeps of that. Imports no torch.

The colour profile says what the numbers of pixels mean. The network saw such numbers without it and
writes numbers of the same kind, so the profile stays right, and is kept unless told otherwise.
All else may say who was where and when, and is kept only when asked for.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image, PngImagePlugin

from gantrans.api.files import saving

Metadata = Literal["none", "profile", "all"]
"""Nothing; the colour profile; or also EXIF, resolution and the texts of PNG."""

DESCRIBING = (270, 271, 272, 305, 306, 315, 33432)
"""Tags of EXIF that are kept: description, make, model, software, date, artist, copyright. The
others of their folder say how the pixels lie, or which way is up."""

FOLDERS = (0x8769, 0x8825)
"""Folders of EXIF that are kept: how the photograph was taken, and where."""

HIGHEST_RESOLUTION = 65535
"""Pixels an inch: what the field of JPEG can hold. More, such as 4294967295, is no resolution."""

_NAMES = {"icc_profile": "colour profile", "exif": "EXIF", "dpi": "resolution", "pnginfo": "texts"}

_SPACES = {b"RGB ": ("RGB", "RGBA"), b"GRAY": ("L", "LA")}


@dataclass(frozen=True)
class Kept:
    """What a translation keeps of its input.

    Args:
        profile: the ICC profile.
        exif: EXIF as Pillow writes it.
        dpi: pixels an inch, across and down.
        texts: of a PNG file, by keyword.
        notes: sentences on what could not be read, and is left out.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def options(
        self, format: str, mode: str, note: Callable[[str], None] = lambda text: None
    ) -> dict[str, Any]:
        """Return options for Pillow to save an image of `mode` with: what the format can hold.

        A profile of other colours than the image has, such as of inks, is left out.

        Args:
            format: Pillow's name of it.
            mode: of the image.
            note: called with a sentence for each part that is there and cannot be written.
        """
        found: dict[str, Any] = {}
        if self.profile and mode in _SPACES.get(self.profile[16:20], ()):
            found["icc_profile"] = self.profile
        if self.exif and format in ("JPEG", "PNG", "WEBP"):
            found["exif"] = self.exif
        elif self.exif and format == "TIFF":
            found["exif"] = _without_folders(self.exif)
        if self.dpi and format in ("JPEG", "PNG", "TIFF", "BMP"):
            across, down = map(float, self.dpi)
            if 0 < across <= HIGHEST_RESOLUTION and 0 < down <= HIGHEST_RESOLUTION:  # and no NaN
                found["dpi"] = self.dpi
            else:
                note(f"its resolution, {across:g} x {down:g} pixels an inch, is left out")
        if self.texts and format == "PNG":
            chunks = PngImagePlugin.PngInfo()
            for keyword, text in self.texts.items():
                chunks.add_itxt(keyword, text)
            found["pnginfo"] = chunks
        for text in self.notes:
            note(text)
        for name in list(found):
            if reason := _failure(format, mode, {name: found[name]}):
                del found[name]
                note(f"its {_NAMES[name]} cannot be written as {format}, and is left out: {reason}")
        return found


NOTHING = Kept()


def kept_of(image: Image.Image, metadata: Metadata) -> Kept:
    """What is kept of an image file as Pillow has loaded it."""
    if metadata == "none":
        return NOTHING
    profile = image.info.get("icc_profile")
    if metadata == "profile":
        return Kept(profile)
    texts = {
        str(keyword): str(text)
        for keyword, text in getattr(image, "text", {}).items()
        if not keyword.startswith(("XML:", "Raw profile"))  # other programs' notes on the pixels
    }
    exif: bytes | None = None
    notes: tuple[str, ...] = ()
    try:
        exif = _exif(image)
    except MemoryError:
        raise
    except Exception as error:  # of damaged EXIF Pillow raises whatever comes up
        notes = (f"its EXIF cannot be read, and is left out: {error or type(error).__name__}",)
    return Kept(profile, exif, image.info.get("dpi"), texts, notes)


def _failure(format: str, mode: str, option: dict[str, Any]) -> str:
    """Say why one pixel cannot be saved with the option; empty if it can."""
    try:
        Image.new(mode, (1, 1)).save(io.BytesIO(), **saving(format), **option)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises whatever comes up
        return str(error) or type(error).__name__
    return ""


def _without_folders(exif: bytes) -> Image.Exif:
    """The first folder alone: Pillow cannot write the others into a compressed TIFF file."""
    given, kept = Image.Exif(), Image.Exif()
    given.load(exif)
    for tag in DESCRIBING:
        if tag in given:
            kept[tag] = given[tag]
    return kept


def _exif(image: Image.Image) -> bytes | None:
    given, kept = image.getexif(), Image.Exif()
    for tag in DESCRIBING:
        if tag in given:
            kept[tag] = given[tag]
    for folder in FOLDERS:
        if inner := given.get_ifd(folder):
            kept.get_ifd(folder).update(inner)
    return kept.tobytes() if len(kept) or any(kept.get_ifd(f) for f in FOLDERS) else None
