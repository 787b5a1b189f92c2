"""Where the time of a run goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gantrans.training.assemble import Job
from gantrans.training.standing import Pace


class Stopwatch:
    """Measures the pace of training, and the share of it spent waiting for data.

    Args:
        job: how long the run is and how many images a step takes.

    Attributes:
        before: seconds of training in the run's earlier sessions.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.before = job, 0.0
        self.start(0)

    def start(self, step: int) -> None:
        """This session's training begins, at `step` finished steps."""
        self._started = self._mark = time.perf_counter()
        self._first_step = self._marked_step = step
        self._waited = 0.0

    @property
    def seconds(self) -> float:
        """Of training, over all sessions of the run: steps, samples, metrics and checkpoints."""
        return self.before + time.perf_counter() - self._started

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what waits for data."""
        began = time.perf_counter()
        yield
        self._waited += time.perf_counter() - began

    def pace(self, step: int) -> Pace:
        """The pace since the last call."""
        train, now = self.job.spec.train, time.perf_counter()
        passed = max(now - self._mark, 1e-9)
        images_a_step = len(self.job.samples.sources) * self.job.images_per_step
        images = (step - self._marked_step) * images_a_step
        a_step = (now - self._started) / max(1, step - self._first_step)
        pace = Pace(
            step=step,
            steps=self.job.steps,
            epoch=min((step - 1) // self.job.steps_per_epoch + 1, train.epochs),
            epochs=train.epochs,
            images_per_second=images / passed,
            waiting=min(1.0, self._waited / passed),
            seconds_left=a_step * (self.job.steps - step),
        )
        self._mark, self._marked_step, self._waited = now, step, 0.0
        return pace
