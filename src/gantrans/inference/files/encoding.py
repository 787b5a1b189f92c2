"""Images as the bytes of a file. Imports no torch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from gantrans.api.files import saving
from gantrans.errors import DataError
from gantrans.inference.files.formats import WITH_ALPHA
from gantrans.inference.files.keeping import NOTHING, Kept

LONGEST = {"WEBP": 16383, "JPEG": 65500, "GIF": 65535}
"""The longest side, in pixels, that a format can have; others go beyond any image."""


@dataclass(frozen=True)
class Timing:
    """Of an animation.

    Args:
        durations: how long each frame stands, in milliseconds.
        loops: how often it is played, as Pillow says it: 0 for ever, None once.
    """

    durations: Sequence[float]
    loops: int | None = 0


def encoded(
    frames: Sequence[Image.Image],
    format: str,
    *,
    quality: int | None = None,
    kept: Kept = NOTHING,
    timing: Timing | None = None,
) -> bytes:
    """One image, or several in one file, in the format of that name in Pillow.

    Args:
        frames: of mode L, LA, RGB or RGBA; the alpha is dropped where the format has none.
        format: such as "PNG".
        quality: 1 to 100, of JPEG and WebP; absent: JPEG 95, WebP without loss.
        kept: what to write beside the pixels.
        timing: of several frames; absent: they are pages.

    Raises:
        DataError: if the format cannot hold them.
    """
    refuse_what_cannot_be(format, frames[0].size, len(frames))
    if format not in WITH_ALPHA:
        frames = [frame.convert(frame.mode.rstrip("A")) for frame in frames]
    options = saving(format, quality) | kept.options(format, frames[0].mode)
    if len(frames) > 1:
        options |= _of_several(frames, format, timing)
    stream = io.BytesIO()
    try:
        frames[0].save(stream, **options)
    except (OSError, ValueError) as error:
        raise DataError(f"it cannot be written as {format}: {error}") from error
    return stream.getvalue()


def refuse_what_cannot_be(format: str, size: tuple[int, int], frames: int = 1) -> None:
    """Raise DataError if the format cannot hold so many images of this size."""
    longest = LONGEST.get(format)
    if longest and max(size) > longest:
        raise DataError(
            f"it has {size[0]} x {size[1]} pixels, and {format} files hold at most {longest} a "
            "side: use --format png"
        )
    if frames > 1 and format in ("JPEG", "BMP"):
        raise DataError(
            f"it has {frames} images, and {format} files hold one: use --format png, webp or "
            "tiff, or leave out --format"
        )


def _of_several(
    frames: Sequence[Image.Image], format: str, timing: Timing | None
) -> dict[str, Any]:
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    if format == "TIFF" or timing is None:
        return options
    options["duration"] = [round(duration) for duration in timing.durations]
    if timing.loops is not None:
        options["loop"] = timing.loops
    elif format != "GIF":  # which plays once if nothing is said
        options["loop"] = 1
    if format == "GIF" and frames[0].mode.endswith("A"):
        options["disposal"] = 2  # else what is transparent shows the frame before
    return options
