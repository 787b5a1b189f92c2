"""Files of several images: animated GIF, WebP and PNG, and the pages of TIFF files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from gantrans.errors import DataError
from gantrans.inference.files.encoding import Timing, refuse_what_cannot_be
from gantrans.inference.files.formats import format_of
from gantrans.inference.files.moving import translated
from gantrans.inference.files.picture import MEGAPIXEL, Picture, opened, picture
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.stills import Stills
from gantrans.inference.files.together import Together

STANDARD = 100
"""Milliseconds that a frame stands where its file says nothing, as viewers do."""


def translate_animation(
    job: FileJob,
    stills: Stills,
    together: Together,
    *,
    batch_size: int = 1,
    megapixels: float = 100,
    watch: Callable[[int], None] = lambda images: None,
) -> tuple[int, tuple[str, ...]]:
    """Translate a file of several images frame by frame.

    All frames are held in memory, as bytes. Durations and the number of loops stay, as far as the
    format can say them.

    Returns the number of frames, and sentences on what could not be kept of the input.

    Raises:
        DataError: if the file cannot be read, has more pixels than that, or if the format to write
            holds one image only.
        NonFiniteError: if the generator gives no numbers.
        OSError: if an output cannot be written.
    """
    if not stills.ordinary:
        raise DataError("it has several images, and the files of this model's domains have one")
    frames, timing = _frames(job, stills, megapixels)
    pairs = list(translated(frames, stills, together, batch_size, watch))
    notes = stills.write_several(
        job, [frame for frame, _ in pairs], [drawn for _, drawn in pairs], timing
    )
    return len(pairs), notes


def _frames(job: FileJob, stills: Stills, megapixels: float) -> tuple[list[Picture], Timing | None]:
    with opened(job.source) as image:
        count: int = image.n_frames  # type: ignore[attr-defined]  # of all formats that move
        format = format_of(job.target)
        refuse_what_cannot_be(format, [image.size] * count)  # before all frames are decoded
        if image.format != "TIFF":  # all frames have one size; pages may have any
            _refuse_many(count * image.width * image.height, count, megapixels)
        pixels = 0
        alpha = stills.alpha(job.target)
        frames: list[Picture] = []
        durations: list[float] = []
        # The first image of a PNG may be for viewers without animations only.
        for number in range(1 if image.info.get("default_image") else 0, count):
            image.seek(number)
            pixels += image.width * image.height
            _refuse_many(pixels, count, megapixels)
            image.load()
            durations.append(image.info.get("duration") or STANDARD)
            frames.append(picture(image, stills.channels, alpha=alpha, metadata=stills.metadata))
        stills.refuse_outputs(job, [frame.image.size for frame in frames])
        loops = image.info.get("loop")
        timing = None if image.format == "TIFF" else Timing(durations, loops)
    return _alike(frames), timing if format != "TIFF" else None


def _refuse_many(pixels: int, count: int, megapixels: float) -> None:
    if pixels > megapixels * MEGAPIXEL:
        raise DataError(
            f"its {count} frames have {pixels / MEGAPIXEL:.3g} megapixels or more in all: give a "
            "higher --max-megapixels, or make it a video"
        )


def _alike(frames: list[Picture]) -> list[Picture]:
    """All with alpha, if one has it: a file has one kind of pixels."""
    if all(frame.alpha is None for frame in frames):
        return frames
    return [
        replace(frame, alpha=frame.alpha or Image.new("L", frame.image.size, 255))
        for frame in frames
    ]
