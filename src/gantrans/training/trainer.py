"""The loop: steps, and at their cadences numbers, samples, metrics and checkpoints."""

from __future__ import annotations

from contextlib import closing
from signal import Signals
from typing import Any, NoReturn

import torch

from gantrans.errors import (
    CheckpointError,
    DataError,
    GantransError,
    NonFiniteError,
    PluginError,
    RunInterruptedError,
)
from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint, retention
from gantrans.training.assemble import Job
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.distributed import CommonDataError, LostRankError, noticing_loss
from gantrans.training.evaluate import Evaluation, Scores
from gantrans.training.faults import blaming
from gantrans.training.feed import Feed, cached
from gantrans.training.headers import headers
from gantrans.training.ledger import Ledger
from gantrans.training.progress import Progress
from gantrans.training.rundir import RunDirectory
from gantrans.training.samples import SampleImages
from gantrans.training.step import TrainingStep
from gantrans.training.stop import StopRequest
from gantrans.training.stopwatch import Stopwatch
from gantrans.training.summary import digits
from gantrans.training.trackers import Trackers
from gantrans.training.workers import lost_worker


class Trainer:
    """Trains a job in a run directory, from the beginning or from a checkpoint.

    Where several ranks train, all of them do the same, with their own images; the first one writes.

    Args:
        job: what to train.
        run: where its files go.
        progress: what shows that it goes on.
        resumed: the checkpoint to go on from.
    """

    def __init__(
        self, job: Job, run: RunDirectory, progress: Progress, resumed: Checkpoint | None = None
    ) -> None:
        self.job, self.run, self.progress = job, run, progress
        self.training = TrainingStep(job)
        self.evaluation, self.samples = Evaluation.of(job), SampleImages(job)
        self.ranks = job.ranks
        self.ledger, self.stopwatch = Ledger(job.ranks), Stopwatch(job)
        self.step = 0
        self.scores: Scores = {}
        self.best: dict[str, Any] | None = None
        if resumed is not None:
            self._take_up(resumed)
        self.saved_at = self.step
        self.in_step = False  # then networks are half way to the next step, and cannot be saved

    def train(self, stop: StopRequest) -> None:
        """Do the steps that are left.

        Raises:
            RunInterruptedError: when asked to stop; the run is saved.
            NonFiniteError: a term or a weight is not finite; the last good checkpoint is kept.
            DataError: an image cannot be used; the run is saved up to the step before, if it was
                noticed in time.
            CheckpointError: a checkpoint cannot be written.
            LostRankError: another rank has ended.
        """
        self.stopwatch.start(self.step)
        self.trackers = Trackers(
            self.job.spec.trackers if self.ranks.first else {},
            run_dir=self.run.path,
            start_step=self.step,
            say=self.progress.say,
        )
        try:
            with blaming(self.job.loaded), noticing_loss():
                self._steps(stop)
        except DataError as error:
            raise DataError(f"{error}. {self._rescue(error)}") from error
        except PluginError as error:  # in the middle of a step, which cannot be saved
            # The run has a copy of each one-file plugin; the mended file takes its place.
            more = " --plugin FILE" if self.job.loaded.registry.file_plugins() else ""
            raise PluginError(f"{error}. {self._how_to_go_on('Mend it', more)}") from error
        except LostRankError as error:
            raise LostRankError(f"{error}. {self._how_to_go_on()}") from error
        except NonFiniteError as error:
            # As it was, it would come to the same step again.
            again = self._how_to_go_on(more=" --set KEY=VALUE")
            raise NonFiniteError(f"{error}. {again}") from None
        except (RuntimeError, ConnectionError, EOFError) as error:
            if not lost_worker(error):
                raise
            # It may come in the middle of a step, so this step cannot be saved.
            raise DataError(
                f"a process that loads images was ended from outside ({error}). If memory ran out: "
                f"a smaller data.workers needs less. {self._how_to_go_on()}"
            ) from error
        finally:
            self.trackers.close()

    def _steps(self, stop: StopRequest) -> None:
        if self.step == self.job.steps:
            return  # killed between the last checkpoint and the end
        samples = cached(self.job, self.progress.say, stop)
        self.stopwatch.start(self.step)
        with closing(Feed(self.job, samples, self.step, self.stopwatch)) as feed:
            while self.step < self.job.steps:
                batches = feed.take(stop)
                if isinstance(batches, Signals):
                    self._stop(batches.name)
                self.in_step = True
                terms = self.training(self.step, batches)
                self.step, self.in_step = self.step + 1, False
                self.ledger.add(self.step, terms, [batch.labels for batch in batches])
                self.progress.advance(self.step, self.job.steps)
                self._look()

    def _stop(self, signal: str) -> NoReturn:
        try:
            self._save()
        except GantransError as error:
            raise type(error)(f"stopped by {signal}, but {error}") from error
        raise RunInterruptedError(f"stopped by {signal}. {self._how_to_go_on()}")

    def _rescue(self, error: DataError) -> str:
        """Save what was done; how to go on. A second error must not hide the first."""
        everyone = self.ranks.count == 1 or isinstance(error, CommonDataError)
        try:
            if everyone and not self.in_step:
                self._save()
        except GantransError as second:
            return f"Nor could that be saved: {second}"
        return self._how_to_go_on()

    def _look(self) -> None:
        """Whatever is due after this step; all of it after the last."""
        train, last = self.job.spec.train, self.step == self.job.steps

        def due(every: int) -> bool:
            return last or bool(every and self.step % every == 0)

        if due(train.sample_every) or due(train.evaluate_every):
            self.ledger.check()
        if due(train.log_every):
            values = self.ledger.read()
            pace = self.stopwatch.pace(self.step)
            self.progress.report(pace, values)
            extra = {
                "images_per_second": pace.images_per_second,
                "waiting": pace.waiting,
                "learning_rate": self.training.rate(self.step - 1),
            }
            self.trackers.scalars(self.step, {**values, **extra})
        if due(train.sample_every):
            if self.ranks.first:
                self._sample()
            self.ranks.wait()  # also for trackers, which may send pictures far away
        improved = due(train.evaluate_every) and self._evaluate()
        if due(train.checkpoint_every) or improved:
            self._save()

    def _sample(self) -> None:
        training = self.training
        picture = self.samples.picture(training.translators(), training.for_use())
        try:
            self.run.samples.mkdir(exist_ok=True)
            place = self.run.samples / f"step-{self.step:08d}.png"
            partial = place.with_suffix(".partial")
            picture.save(partial, format="PNG")
            partial.replace(place)
        except OSError as error:  # a picture is no reason to lose a run
            self.progress.say(f"the samples of step {self.step} cannot be written: {error}")
        self.trackers.images(self.step, "samples", picture)

    def _evaluate(self) -> bool:
        """Measure; whether this is the best so far."""
        scores = self.evaluation.measure(self.training.translators())
        if not scores:
            return False
        self.scores = scores
        values = {
            f"metrics/{metric}/{direction}": score["value"]
            for direction, metrics in scores.items()
            for metric, score in metrics.items()
        }
        self.trackers.scalars(self.step, values)
        for direction, metrics in scores.items():
            shown = "  ".join(f"{name} {digits(score['value'])}" for name, score in metrics.items())
            self.progress.say(f"step {self.step}: {direction}  {shown}")
        headline = self.evaluation.headline(scores)
        if headline is None:
            return False
        improved = self.best is None or headline > self.best["value"]
        if improved:
            self.best = {"step": self.step, "value": headline}
        plateau = self.training.plateau
        if self.job.spec.train.decay == "plateau" and plateau.evaluated(improved):
            self.progress.say(f"no better in {plateau.patience} evaluations: the rate falls")
        return improved

    def _save(self) -> None:
        """A checkpoint of this step, unless there is one; never of numbers that are not finite."""
        if self.saved_at == self.step:
            return
        self.ledger.check()
        if self.ranks.first:
            self._write()
        self.saved_at = self.step
        self.ranks.wait()  # none says that it is saved, and ends, before it is

    def _write(self) -> None:
        networks = {name: network.state_dict() for name, network in self.training.for_use().items()}
        state = self.training.state()
        for name, tensors in {**networks, "the training state": state}.items():
            for key, value in tensors.items():
                if not torch.isfinite(value).all():
                    raise NonFiniteError(f"{key} of {name} is not finite at step {self.step}")
        described = headers(self.job, self.step)
        facts = {
            "step": self.step,
            "seconds": self.stopwatch.seconds,
            "best": self.best,
            "scores": self.scores,
            "plateau": self.training.plateau.state(),
            "images": self._counts(),
        }
        weights = {name: (tensors, described[name]) for name, tensors in networks.items()}
        checkpoint.save(self.run.checkpoints, weights, state, facts)
        retention.prune(self.run.checkpoints, self.job.spec.train.keep_last, facts)

    def _take_up(self, resumed: Checkpoint) -> None:
        checkpoint.fits(resumed, headers(self.job, 0))
        try:
            self.training.load_state(resumed.networks, resumed.state)
            self.training.plateau.load_state(resumed.facts.get("plateau", {}))
        except (LookupError, RuntimeError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"{resumed.folder} does not fit the spec ({error}): go on with the spec that the "
                "run began with, or begin a new run"
            ) from error
        self.step = int(resumed.facts["step"])
        self.stopwatch.before = float(resumed.facts["seconds"])
        self.best, self.scores = resumed.facts["best"], resumed.facts["scores"]
        if resumed.facts["images"] != self._counts():
            self.progress.say(
                "the training images are not those that the run began with: it goes on, but will "
                "not equal an uninterrupted one"
            )

    def _counts(self) -> dict[str, int]:
        return {domain: len(source) for domain, source in self.job.samples.sources.items()}

    def _how_to_go_on(self, first: str = "", more: str = "") -> str:
        kept = checkpoint_folders(self.run.checkpoints)
        where = f"The run is saved in {kept[-1]}. " if kept else "Nothing was saved yet. "
        go_on = f"{first}, then go on with" if first else "Go on with"
        return where + f"{go_on}: {self.ranks.command} --resume {self.run.path}{more}"
