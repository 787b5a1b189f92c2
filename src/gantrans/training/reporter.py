"""What a run tells of itself while it trains: to the display, the trackers and its own files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from torch import Tensor

from gantrans.api.step import ENDS
from gantrans.training import grid
from gantrans.training.assemble import Job
from gantrans.training.evaluate import Scores
from gantrans.training.health.health import Health
from gantrans.training.health.observation import Observation
from gantrans.training.health.probe import INPUTS
from gantrans.training.progress import Progress
from gantrans.training.rundir import RunDirectory
from gantrans.training.samples import SampleImages, some_images
from gantrans.training.standing import Measured, Pace, Standing, digits, memory_in_use
from gantrans.training.step import TrainingStep
from gantrans.training.trackers import Trackers

T = TypeVar("T")


class Reporter:
    """Tells of one session of a run; the first rank alone has trackers and health.

    Args:
        job: the run.
        run: where its files go.
        progress: the display.
        start_step: finished steps when the session begins.
        looked: what the detectors of earlier sessions have seen, see Health.state.
    """

    def __init__(
        self,
        job: Job,
        run: RunDirectory,
        progress: Progress,
        start_step: int,
        looked: Mapping[str, Tensor],
    ) -> None:
        self.job, self.run, self.progress = job, run, progress
        self.samples = SampleImages(job)
        first, say = job.ranks.first, progress.say
        self.trackers = Trackers(
            job.spec.trackers if first else {}, run_dir=run.path, start_step=start_step, say=say
        )
        self.health: Health | None = None
        if first:
            self.health = self._guarded(lambda: self._health(start_step, looked))
        self._observed: Observation | None = None

    def observation(self, step: int) -> Observation | None:
        """What the step that ends as `step` is shown to, if its numbers will be read."""
        health, due = self.health, step % self.job.spec.train.log_every == 0
        self._observed = self._guarded(lambda: health.observation(step)) if health and due else None
        return self._observed

    def unreached(self, step: int, networks: Mapping[str, Sequence[str]]) -> None:
        """Networks that no gradient has reached so far; see Health.unreached."""
        if health := self.health:
            self._guarded(lambda: health.unreached(step, networks))

    def numbers(
        self, pace: Pace, values: Mapping[str, float], rate: float, measured: Measured | None
    ) -> None:
        """The mean of each curve since the last report.

        Args:
            pace: how fast it is, and where.
            values: by curve.
            rate: the learning rate of the step.
            measured: the newest evaluation.
        """
        health, observed = self.health, self._observed
        seen: dict[str, float] | None = None
        if health and observed:
            seen = self._guarded(lambda: health.read(pace.step, observed, values))
        line, memory = self.health.in_a_line if self.health else "", memory_in_use(self.job.device)
        self.progress.report(Standing(pace, values, measured, line, memory))
        extra = {
            "images_per_second": pace.images_per_second,
            "waiting": pace.waiting,
            "learning_rate": rate,
        }
        self.trackers.scalars(pace.step, {**values, **(seen or {}), **extra})

    def pictures(self, step: int, training: TrainingStep) -> None:
        """Samples, drawn by the first rank; the others wait for it."""
        if self.job.ranks.first:
            self._draw(step, training)
        self.job.ranks.wait()  # also for trackers, which may send pictures far away

    def scores(self, step: int, scores: Scores) -> None:
        """An evaluation."""
        values = {
            f"metrics/{metric}/{direction}": score["value"]
            for direction, metrics in scores.items()
            for metric, score in metrics.items()
        }
        self.trackers.scalars(step, values)
        for direction, metrics in scores.items():
            shown = "  ".join(f"{name} {digits(score['value'])}" for name, score in metrics.items())
            self.progress.say(f"step {step}: {direction}  {shown}")

    def state(self) -> dict[str, Tensor]:
        """What the next session needs, as named tensors."""
        return (self._guarded(self.health.state) if self.health else None) or {}

    def not_finite(self, step: int, what: str) -> None:
        """The run ends for a number that is none."""
        if health := self.health:
            self._guarded(lambda: health.not_finite(step, what))

    def close(self) -> None:
        """The session has ended, well or not."""
        self.trackers.close()
        if self.health:
            self._guarded(self.health.close)

    def _health(self, start_step: int, looked: Mapping[str, Tensor]) -> Health:
        method = self.job.method
        domains = {domain for way in method.generators for domain in ENDS[way]}
        domains = domains or set(method.config.domains)
        health = Health(
            self.job,
            run_dir=self.run.path,
            start_step=start_step,
            images={domain: some_images(self.job, domain, INPUTS) for domain in domains},
            say=self.progress.say,
        )
        health.load_state(looked)
        return health

    def _guarded(self, ask: Callable[[], T]) -> T | None:
        """What health answers; where it fails it is dropped, and training goes on."""
        try:
            return ask()
        except Exception as error:
            if self.health:
                self.health.give_up()
            self.health = None
            why = f"{type(error).__name__}: {error}"
            self.progress.say(f"health is not watched any more, its detectors failed: {why}")
            return None

    def _draw(self, step: int, training: TrainingStep) -> None:
        picture = self.samples.picture(training.translators(), training.for_use())
        try:
            self.run.samples.mkdir(exist_ok=True)
            place = self.run.samples / f"step-{step:08d}.png"
            partial = place.with_suffix(".partial")
            grid.save(picture, partial)
            partial.replace(place)
        except OSError as error:  # a picture is no reason to lose a run
            self.progress.say(f"the samples of step {step} cannot be written: {error}")
        self.trackers.images(step, "samples", picture)
        self.progress.picture(picture)
