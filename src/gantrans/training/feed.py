"""What each step gets: its batches, if all ranks have theirs and none is asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import islice
from signal import Signals

from gantrans.errors import DataError
from gantrans.training.assemble import Job
from gantrans.training.batch import LoadedBatch
from gantrans.training.caching import Caches, Sources, open_caches
from gantrans.training.data import TrainingSamples, training_batches
from gantrans.training.stop import StopRequest
from gantrans.training.stopwatch import Stopwatch

CANNOT_LOAD = 255
"""What a rank tells the others instead of the number of a signal."""


def cached(job: Job, sources: Sources, say: Callable[[str], None], stop: StopRequest) -> Caches:
    """Caches as of `open_caches`: the first rank of each machine makes them for the others.

    Raises DataError, on all ranks, for an image that cannot be read.
    """
    caches: Caches = {}
    error = None
    makes = job.ranks.here[0] == 0
    if makes:
        try:
            caches = open_caches(job, sources, say=say, stop=lambda: bool(stop.asked))
        except DataError as wrong:
            error = wrong
    job.ranks.wait()
    job.ranks.raise_any(error)
    return caches if makes else open_caches(job, sources)


class Feed:
    """The batches of the steps that are left; the time spent waiting for them is noted.

    Args:
        job: the run.
        samples: where its images come from.
        step: finished steps.
        stopwatch: what notes the time.
    """

    def __init__(self, job: Job, samples: TrainingSamples, step: int, stopwatch: Stopwatch) -> None:
        self.job, self.stopwatch = job, stopwatch
        self._compared = False
        self._steps = self._load(samples, step)

    def take(self, stop: StopRequest) -> list[LoadedBatch] | Signals:
        """The batches of the next step; or the signal that asked a rank to stop.

        Raises DataError, on all ranks, for an image that one of them cannot use.
        """
        ranks, batches, error = self.job.ranks, list[LoadedBatch](), None
        asked = Signals[stop.asked] if stop.asked else 0
        if not asked:
            try:
                batches = next(self._steps)
            except DataError as wrong:
                error = wrong
        said = ranks.largest(CANNOT_LOAD if error else asked)
        if said == CANNOT_LOAD:
            ranks.raise_any(error)
        if said:
            return Signals(said)
        if not self._compared:
            self._compare(batches[0])
        return batches

    def close(self) -> None:
        """Let go of what loads."""
        self._steps.close()

    def _compare(self, batch: LoadedBatch) -> None:
        """A rank's loader compares its own images; those of the others are compared once."""
        found = self.job.ranks.exchange([list(images.shape) for images in batch.real.values()])
        if any(shapes != found[0] for shapes in found):
            raise DataError(
                "the images do not have one size after the transform: set data.transform.crop (and "
                "resize) so that all are alike"
            )
        self._compared = True

    def _load(
        self, samples: TrainingSamples, step: int
    ) -> Generator[list[LoadedBatch], None, None]:
        job, train = self.job, self.job.spec.train
        loaded = training_batches(
            samples,
            batch_size=train.batch_size,
            first=step * train.accumulate,
            last=job.steps * train.accumulate,
            workers=job.spec.data.workers,
            pin_memory=job.device.type == "cuda",
            rank=job.ranks.rank,
            ranks=job.ranks.count,
        )
        for _ in range(step, job.steps):
            with self.stopwatch.waiting():
                batches = list(islice(loaded, train.accumulate))
            yield batches
