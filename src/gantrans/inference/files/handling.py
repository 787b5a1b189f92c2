"""How the files of a translation are handled, and what became of each. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.keeping import Metadata
from gantrans.inference.files.plan import FileJob


@dataclass(frozen=True)
class Handling:
    """How files are handled.

    Args:
        batch_size: images of one size in the network that are translated at once.
        workers: threads that read and write.
        quality: 1 to 100, of JPEG and WebP; absent: JPEG 95, WebP without loss.
        metadata: what outputs keep of inputs.
        megapixels: larger images and frames of videos are refused, and animations that have more
            in all.

    Raises:
        UsageError: if `megapixels` is no limit.
    """

    batch_size: int = 1
    workers: int = 2
    quality: int | None = None
    metadata: Metadata = "profile"
    megapixels: float = 100

    def __post_init__(self) -> None:
        if not 0 < self.megapixels < math.inf:
            raise UsageError(
                f"--max-megapixels {self.megapixels:g} is no limit: give a number above 0"
            )


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Args:
        job: the job.
        error: why its input could not be translated; None if it was.
        images: how many were translated, the frames of what moves counted apart.
        notes: sentences on what could not be kept of the input.
    """

    job: FileJob
    error: GantransError | None = None
    images: int = 1
    notes: tuple[str, ...] = ()
