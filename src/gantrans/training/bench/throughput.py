"""How fast a run goes with its data, and how long it waits for them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from gantrans.training.assemble import Job
from gantrans.training.batch import LoadedBatch
from gantrans.training.data import training_batches
from gantrans.training.machine import now
from gantrans.training.step import TrainingStep

Step = Callable[[list[LoadedBatch]], object]
"""A training step that counts itself."""

ENDLESS = 2**31


@dataclass(frozen=True)
class Throughput:
    """Of training with real loading.

    Args:
        seconds: of a step, waiting included.
        waiting: share of them spent waiting for data, from 0 to 1.
        spread: from the fastest group of steps to the slowest, as a share of `seconds`.
    """

    seconds: float
    waiting: float
    spread: float


def numbered(job: Job, training: TrainingStep) -> Step:
    """The step, which counts; it begins again where the run would end, for then its rate is 0."""
    done = 0

    def step(loaded: list[LoadedBatch]) -> object:
        nonlocal done
        terms = training(done % job.steps, loaded)
        done += 1
        return terms

    return step


def batches_of(job: Job, workers: int) -> Generator[list[LoadedBatch], None, None]:
    """What each step of the run gets, on and on; close it to end its workers."""
    train = job.spec.train
    batches = training_batches(
        job.samples,
        batch_size=train.batch_size,
        first=0,
        last=ENDLESS,
        workers=workers,
        pin_memory=job.device.type == "cuda",
    )
    with closing(batches):
        while True:
            yield list(islice(batches, train.accumulate))


def throughput(
    job: Job,
    step: Step,
    *,
    steps: int,
    repeats: int,
    workers: int,
) -> Throughput:
    """The medians of `repeats` groups of `steps` steps, after one that is not counted."""
    seconds, waits = list[float](), list[float]()
    with closing(batches_of(job, workers)) as batches:
        step(next(batches))
        for _ in range(repeats):
            began, waited = now(job.device), 0.0
            for _ in range(steps):
                asked = time.perf_counter()
                loaded = next(batches)
                waited += time.perf_counter() - asked
                step(loaded)
            passed = now(job.device) - began
            seconds.append(passed / steps)
            waits.append(min(1.0, waited / passed))
    median = statistics.median(seconds)
    return Throughput(median, statistics.median(waits), (max(seconds) - min(seconds)) / median)
