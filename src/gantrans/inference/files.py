"""Translating image files, one after another, each written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gantrans.api.files import ImageFiles
from gantrans.errors import DataError, GantransError, NonFiniteError
from gantrans.inference.plan import FileJob
from gantrans.inference.translator import Translator


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `error` is why its input could not be translated, None if it was."""

    job: FileJob
    error: GantransError | None = None


def translate_files(
    translator: Translator, jobs: Sequence[FileJob], to: str | None = None
) -> Iterator[Outcome]:
    """Translate the jobs in order, with an outcome after each; an unusable input stops nothing.

    An output appears under its name only when it is whole.

    Raises:
        UsageError: at once, if there is no such domain.
        GantransError: if an output cannot be written; the outputs so far stay.
    """
    source, target = translator.files(to)
    return _work(translator, jobs, to, source, target)


def _work(
    translator: Translator,
    jobs: Sequence[FileJob],
    to: str | None,
    source: ImageFiles,
    target: ImageFiles,
) -> Iterator[Outcome]:
    for number, job in enumerate(jobs, start=1):
        try:
            image = source.read(job.source)
        except DataError as error:
            yield Outcome(job, error)
            continue
        try:
            result = translator.translate_image(image, to)
        except (DataError, NonFiniteError) as error:
            yield Outcome(job, type(error)(f"{job.source}: {error}"))
            continue
        try:
            _save(result, job.target, target)
        except OSError as error:
            raise GantransError(
                f"cannot write {job.target}: {error.strerror or error}; stopped at image {number} "
                f"of {len(jobs)}, those before it are there: make room, or give another --out"
            ) from error
        yield Outcome(job)


def _save(image: Tensor, target: Path, files: ImageFiles) -> None:
    """Write beside, then rename: nobody ever sees half an image."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".translated-{os.getpid()}.partial{target.suffix}")
    try:
        files.write(image, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
