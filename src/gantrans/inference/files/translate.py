"""Translating files: each is read, translated and written whole, or told to be unusable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gantrans.inference.files.handling import Handling, Outcome
from gantrans.inference.files.pipeline import Pipeline
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.stills import Stills
from gantrans.inference.files.together import Together
from gantrans.inference.translator import Translator


def translate_files(
    translator: Translator,
    jobs: Sequence[FileJob],
    to: str | None = None,
    handling: Handling | None = None,
    watch: Callable[[int], None] = lambda images: None,
    look: Callable[[float], None] = lambda share: None,
) -> Iterator[Outcome]:
    """Translate the jobs, with an outcome for each in order; an unusable input stops nothing.

    An output appears under its name only when it is whole.

    Args:
        translator: with the generators.
        jobs: what to read and to write.
        to: the domain to translate to; may be left out if there is only one.
        handling: absent: one image at a time, two threads, and no larger than 100 megapixels.
        watch: told how many images more are translated, whenever some are.
        look: told which share of an image is done that is translated in pieces.

    Raises:
        UsageError: at once, if there is no such domain, or no way back where one is wanted.
        GantransError: if an output cannot be written; the outputs so far stay.
    """
    handling = handling or Handling()
    source, target = translator.files(to)
    together = Together(translator, to, cycle=any(job.cycle for job in jobs), look=look)
    channels = translator.generators[together.to].in_channels
    stills = Stills(source, target, channels, quality=handling.quality, metadata=handling.metadata)
    if any(job.compare for job in jobs):
        stills.refuse_comparing()
    return Pipeline(stills, together, jobs, handling, watch).outcomes()
