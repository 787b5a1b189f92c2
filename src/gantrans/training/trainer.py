"""The loop: steps, and at their cadences numbers, samples, metrics and checkpoints."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from signal import Signals
from typing import Any, NoReturn

import torch
from torch import Tensor

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
from gantrans.training.caching import Sources
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.choice import Choice
from gantrans.training.distributed import CommonDataError, LostRankError, noticing_loss
from gantrans.training.evaluate import Evaluation, Scores
from gantrans.training.faults import blaming
from gantrans.training.feed import Feed, cached
from gantrans.training.headers import headers
from gantrans.training.ledger import Ledger
from gantrans.training.progress import Progress
from gantrans.training.reporter import Reporter
from gantrans.training.rundir import RunDirectory
from gantrans.training.step import TrainingStep
from gantrans.training.stop import StopRequest
from gantrans.training.stopwatch import Stopwatch
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
        self.evaluation = Evaluation.of(job, progress.say)
        self.ranks = job.ranks
        self.ledger, self.stopwatch = Ledger(job.ranks), Stopwatch(job)
        self.step = 0
        self.scores: Scores = {}
        self.choice = Choice.of(job)
        self.looked: dict[str, Tensor] = {}  # what the detectors of earlier sessions saw
        self.done = set[str]()  # of the periodic tasks, those that this step has had
        if resumed is not None:
            self._take_up(resumed)
        self.began = self.step
        self.saved: tuple[int, set[str]] = self.step, set(self.done)
        self.in_step = False  # then networks are half way to the next step, and cannot be saved

    def train(self, stop: StopRequest) -> None:
        """Do the steps that are left, or fewer if the metric that chooses gets no better.

        Raises:
            RunInterruptedError: when asked to stop; the run is saved.
            NonFiniteError: a term or a weight is not finite; the last good checkpoint is kept.
            DataError: an image cannot be used; the run is saved up to the step before, if it was
                noticed in time.
            CheckpointError: a checkpoint cannot be written.
            LostRankError: another rank has ended.
        """
        self.stopwatch.start(self.step)
        self.reporter = Reporter(self.job, self.run, self.progress, self.step, self.looked)
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
            self.reporter.not_finite(self.step, str(error))
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
            self.reporter.close()

    @property
    def finished(self) -> bool:
        """Whether no step is left to do."""
        return self.step == self.job.steps or self.choice.stopped

    @property
    def stopped(self) -> str | None:
        """Why the run ended before its last step, in plain words; None if it did not."""
        return self.choice.why_stopped() if self.step < self.job.steps else None

    def _steps(self, stop: StopRequest) -> None:
        if self.step:
            self._look()  # an error may have left something open at the step that was saved
        if self.finished:
            return  # killed between the last checkpoint and the end
        caches = cached(self.job, self._sources(), self.progress.say, stop)
        samples = replace(self.job.samples, caches=caches["train"])
        self.evaluation.use_caches(caches)
        self.stopwatch.start(self.step)
        with closing(Feed(self.job, samples, self.step, self.stopwatch)) as feed:
            while not self.finished:
                batches = feed.take(stop)
                if isinstance(batches, Signals):
                    self._stop(batches.name)
                self.in_step = True
                observed = self.reporter.observation(self.step + 1)
                terms = self.training(self.step, batches, observed)
                self.step, self.in_step = self.step + 1, False
                self.done.clear()
                self.ledger.add(self.step, terms, [batch.labels for batch in batches])
                self.progress.advance(self.step, self.job.steps)
                self._look()

    def _sources(self) -> Sources:
        """The images that are read again and again."""
        test = self.evaluation.images.images.sources if self.evaluation.possible else {}
        return {"train": self.job.samples.sources, "test": test}

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
        """Do what is due after this step and not done; after the last step all of it is due."""
        train = self.job.spec.train
        rate = self.training.rate(self.step - 1)  # before an evaluation lets it fall
        best = False

        def due(every: int) -> bool:
            return self.finished or bool(every and self.step % every == 0)

        def awaits(task: str, every: int) -> bool:
            return task not in self.done and due(every)

        def report_and_draw() -> None:
            if awaits("log", train.log_every):
                if self.step > self.began:  # the terms of an earlier session are gone
                    self._report(rate)
                self.done.add("log")
            if awaits("sample", train.sample_every):
                self.reporter.pictures(self.step, self.training)
                self.done.add("sample")

        if awaits("sample", train.sample_every) or awaits("evaluate", train.evaluate_every):
            self.ledger.check()
        report_and_draw()
        if awaits("evaluate", train.evaluate_every):
            best = self._evaluate()
            self.done.add("evaluate")
        report_and_draw()  # the evaluation may have made this step the last
        if due(train.checkpoint_every) or best or self.saved[0] == self.step:
            self._save()

    def _report(self, rate: float) -> None:
        values, pace = self.ledger.read(), self.stopwatch.pace(self.step)
        self.reporter.unreached(self.step, self.training.unreached)
        self.reporter.numbers(pace, values, rate, self.choice.measured())

    def _evaluate(self) -> bool:
        """Measure; whether this is one of the best so far, and worth a checkpoint."""
        scores = self.evaluation.measure(self.training.translators())
        if not scores:
            return False
        self.scores = scores
        self.reporter.scores(self.step, scores)
        if self.choice.metric is None:
            return False
        kept = self.choice.evaluated(self.step, scores)
        self.progress.evaluated(self.choice.measured())
        plateau, improved = self.training.plateau, self.choice.waited == 0
        if self.job.spec.train.decay == "plateau" and plateau.evaluated(improved):
            self.progress.say(f"no better in {plateau.patience} evaluations: the rate falls")
        if self.stopped:
            self.progress.say(f"the run ends at step {self.step}: {self.stopped}")
        return kept

    def _save(self) -> None:
        """Save a checkpoint of this step as it is now; never of numbers that are not finite."""
        now = self.step, set(self.done)
        if self.saved == now:
            return
        self.ledger.check()
        if self.ranks.first:
            if self.saved[0] == self.step:
                checkpoint.amend(self.run.checkpoints, self._facts())
            else:
                self._write()
            best = [one["step"] for one in self.choice.ranking]
            retention.prune(self.run.checkpoints, self.job.spec.train, best)
        self.saved = now
        self.ranks.wait()  # none says that it is saved, and ends, before it is

    def _write(self) -> None:
        networks = {name: network.state_dict() for name, network in self.training.for_use().items()}
        state = self.training.state()
        for name, tensors in {**networks, "the training state": state}.items():
            for key, value in tensors.items():
                if not torch.isfinite(value).all():
                    raise NonFiniteError(f"{key} of {name} is not finite at step {self.step}")
        state |= {f"health/{key}": value for key, value in self.reporter.state().items()}
        described = headers(self.job, self.step)
        weights = {name: (tensors, described[name]) for name, tensors in networks.items()}
        checkpoint.save(self.run.checkpoints, weights, state, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "done": sorted(self.done),
            "seconds": self.stopwatch.seconds,
            "best": self.choice.best,
            "choice": self.choice.state(),
            "scores": self.scores,
            "plateau": self.training.plateau.state(),
            "images_per_step": self.job.images_per_step,
            "steps_per_epoch": self.job.steps_per_epoch,
        }

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
        self.step, self.done = int(resumed.facts["step"]), set(resumed.facts["done"])
        self.stopwatch.before = float(resumed.facts["seconds"])
        self.scores = resumed.facts["scores"]
        looked = {key.partition("/"): value for key, value in resumed.state.items()}
        self.looked = {key: value for (part, _, key), value in looked.items() if part == "health"}
        if not self.choice.load_state(resumed.facts):
            self.progress.say(f"{self.choice.metric} chooses the best from here on")

    def _how_to_go_on(self, first: str = "", more: str = "") -> str:
        kept = checkpoint_folders(self.run.checkpoints)
        where = f"The run is saved in {kept[-1]}. " if kept else "Nothing was saved yet. "
        go_on = f"{first}, then go on with" if first else "Go on with"
        return where + f"{go_on}: {self.ranks.command} --resume {self.run.path}{more}"
