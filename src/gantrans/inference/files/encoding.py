"""Images as the bytes of a file. Imports no torch."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from gantrans.api.files import saving
from gantrans.errors import DataError
from gantrans.inference.files.formats import WITH_ALPHA
from gantrans.inference.files.keeping import NOTHING, Kept

LONGEST = {"WEBP": 16383, "JPEG": 65500, "GIF": 65535}
"""The longest side, in pixels, that a format can have; others go beyond any image."""


MOST_LOOPS = {"GIF": 2**16 - 1, "WEBP": 2**16 - 1, "PNG": 2**32 - 1}
"""How often an animation can be said to be played."""

LONGEST_TIME = {"GIF": 655_350, "WEBP": 2**24 - 1, "PNG": 65_535_000}
"""How long a frame can be said to stand, in milliseconds."""


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
    note: Callable[[str], None] = lambda text: None,
) -> bytes:
    """One image, or several in one file, in the format of that name in Pillow.

    Args:
        frames: of mode L, LA, RGB or RGBA; the alpha is dropped where the format has none.
        format: such as "PNG".
        quality: 1 to 100, of JPEG and WebP; absent: JPEG 95, WebP without loss.
        kept: what to write beside the pixels.
        timing: of several frames; absent: they are pages.
        note: called with a sentence for each part of `kept` and `timing` that the format cannot
            hold, and that is left out or shortened.

    Raises:
        DataError: if the format cannot hold the images.
    """
    refuse_what_cannot_be(format, [frame.size for frame in frames])
    if format not in WITH_ALPHA:
        frames = [frame.convert(frame.mode.rstrip("A")) for frame in frames]
    options = saving(format, quality) | kept.options(format, frames[0].mode, note)
    if len(frames) == 1:
        return _saved(frames, options)
    options |= {"save_all": True, "append_images": frames[1:]}
    if format == "TIFF" or timing is None:
        return _saved(frames, options)
    options |= _looping(frames, format, timing, note)
    # Pillow makes one frame of frames that are alike, and one may not be able to stand so long.
    longest = LONGEST_TIME[format]
    try:
        content = _saved(frames, options | _standing(format, timing, longest))
    except DataError:
        longest //= len(frames)
        content = _saved(frames, options | _standing(format, timing, longest))
    if max(timing.durations) > longest:
        note(f"a frame of it stands {longest / 1000:g} s at most, what {format} can say")
    return content


def _saved(frames: Sequence[Image.Image], options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    try:
        frames[0].save(stream, **options)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises whatever comes up
        reason = error or type(error).__name__
        raise DataError(f"it cannot be written as {options['format']}: {reason}") from error
    return stream.getvalue()


def refuse_what_cannot_be(format: str, sizes: Sequence[tuple[int, int]], what: str = "it") -> None:
    """Raise DataError if one file of the format cannot hold images of these sizes.

    Args:
        format: Pillow's name of it.
        sizes: width and height of each image.
        what: the file, for messages.
    """
    longest = LONGEST.get(format)
    width, height = max(sizes, key=max)
    if longest and max(width, height) > longest:
        raise DataError(
            f"{what} has {width} x {height} pixels, and {format} files hold at most {longest} a "
            "side: use --format png"
        )
    if len(sizes) > 1 and format in ("JPEG", "BMP"):
        raise DataError(
            f"{what} has {len(sizes)} images, and {format} files hold one: use --format png, webp "
            "or tiff, or leave out --format"
        )
    if format != "TIFF" and len(set(sizes)) > 1:
        raise DataError(
            f"{what} has pages of {len(set(sizes))} sizes, and all images of a {format} file have "
            "one: use --format tiff, or leave out --format"
        )


def _looping(
    frames: Sequence[Image.Image], format: str, timing: Timing, note: Callable[[str], None]
) -> dict[str, Any]:
    """Options for Pillow on how often an animation is played, and what its frames leave behind."""
    options: dict[str, Any] = {}
    if timing.loops is not None:
        options["loop"] = min(timing.loops, MOST_LOOPS[format])
        if timing.loops > MOST_LOOPS[format]:
            note(f"it is played {MOST_LOOPS[format]} times, the most that {format} can say")
    elif format != "GIF":  # which plays once if nothing is said
        options["loop"] = 1
    if format == "GIF" and frames[0].mode.endswith("A"):
        options["disposal"] = 2  # else what is transparent shows the frame before
    return options


def _standing(format: str, timing: Timing, longest: int) -> dict[str, Any]:
    """Option for Pillow on how long each frame stands, up to `longest` milliseconds."""
    times = [round(min(duration, longest)) for duration in timing.durations]
    return {"duration": times if format != "PNG" else [_fraction(time) for time in times]}


def _fraction(time: int) -> int:
    """The time rounded such that PNG can say it: seconds as a fraction of two 16-bit numbers."""
    unit = next(unit for unit in (1, 10, 100, 1000) if time <= 65535 * unit)
    return round(time / unit) * unit
