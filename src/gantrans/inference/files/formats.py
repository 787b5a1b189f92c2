"""Which files translation reads and writes, by how their names end. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.api.image import IMAGE_SUFFIXES

ANIMATION_SUFFIXES = frozenset({".gif", ".apng"})
"""Of images that training does not read; they may have one frame or more."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi"})

FORMATS = {
    ".png": "PNG",
    ".apng": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
}
"""Pillow's names of the formats of images."""

WITH_ALPHA = frozenset({"PNG", "WEBP", "TIFF", "GIF"})
"""Formats that can say how transparent a pixel is; GIF only whether it is."""


def is_video(path: Path) -> bool:
    """Whether the name is a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def format_of(path: Path) -> str:
    """Pillow's name of the format that an image of this name has."""
    return FORMATS[path.suffix.lower()]


def suffixes_of(files: ImageFiles) -> frozenset[str]:
    """How the names of a domain's files end, those of moving pictures included."""
    if files == ORDINARY:
        return IMAGE_SUFFIXES | ANIMATION_SUFFIXES | VIDEO_SUFFIXES
    return frozenset(files.suffixes)


def renamed(path: Path, files: ImageFiles, format: str | None) -> str:
    """The name that the translation of `path` gets among `files`.

    Args:
        path: of the input.
        files: of the target domain.
        format: a suffix without its dot; absent: that of the input, if the files can have it.
    """
    suffix = path.suffix.lower()
    if format is None:
        return path.name if suffix in suffixes_of(files) else path.stem + files.suffixes[0]
    wanted = f".{format}"
    if suffix in VIDEO_SUFFIXES or FORMATS.get(suffix, suffix) == FORMATS.get(wanted, wanted):
        return path.name
    return path.stem + wanted
