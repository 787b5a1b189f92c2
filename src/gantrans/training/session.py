"""A whole run from a spec: `gantrans run`, and `gantrans.run` in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console

from gantrans.errors import GantransError, UsageError
from gantrans.inference.device import choose_device, is_out_of_memory
from gantrans.report.running import running
from gantrans.spec.load import LoadedSpec, load
from gantrans.training import rundir
from gantrans.training.alike import refuse_unequal
from gantrans.training.assemble import Job, assemble
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.data import training_batches
from gantrans.training.distributed import all_ranks, refuse_several
from gantrans.training.dry_run import dry_run
from gantrans.training.evaluate import Scores
from gantrans.training.evaluation_check import check_test_images
from gantrans.training.farewell import leave_report, noting_the_end
from gantrans.training.first_look import first_look
from gantrans.training.image_manifest import MANIFEST, image_manifest
from gantrans.training.opening import opening
from gantrans.training.preview import check_way
from gantrans.training.progress import LoggedProgress, PlainProgress, Progress, progress_for
from gantrans.training.reopening import (
    Spec,
    circumstances,
    named_run,
    prepare,
    reopen,
    writing_in,
)
from gantrans.training.rundir import SUMMARY, RunDirectory
from gantrans.training.samples import batch_picture
from gantrans.training.stop import StopRequest
from gantrans.training.summary import in_words
from gantrans.training.trainer import Trainer


@dataclass(frozen=True)
class RunResult:
    """What a finished run gives.

    Args:
        path: the run directory.
        steps: how many there were.
        seconds: of training, over all sessions.
        metrics: by direction ("summer->winter") and metric: the value, and that of doing nothing.
        stopped: why the run ended before its last step; None if it did not.
    """

    path: Path
    steps: int
    seconds: float
    metrics: Scores
    stopped: str | None = None


def run(
    spec: Spec | None = None,
    *,
    settings: Iterable[str] = (),
    run_dir: Path | str | None = None,
    resume: Path | str | None = None,
    plugins: Iterable[Path | str] = (),
    device: str = "auto",
    console: Console | None = None,
    preview: str = "none",
) -> RunResult:
    """Train what a spec says, to the end.

    Args:
        spec: a TOML file or a table; may be absent with `resume`.
        settings: overrides, each "KEY=VALUE".
        run_dir: the run directory to make; absent: runs/<name>-NNN.
        resume: a run directory to go on with, or one of its checkpoint folders.
        plugins: one-file plugins beside those that the spec names.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        console: where progress is shown; absent: nowhere.
        preview: how the newest samples are shown on a terminal: "none", "auto" (as the terminal
            can), "kitty", "iterm" or "sixel".

    Raises:
        GantransError: with one message that says what to do; see gantrans.errors.
    """
    if resume is not None and run_dir is not None:
        raise UsageError("--run-dir makes a new run, --resume goes on with one: give one of them")
    check_way(preview)
    console = console or Console(quiet=True)
    with StopRequest() as stop, all_ranks() as ranks:
        files = [Path(plugin) for plugin in plugins]
        say = PlainProgress(console if ranks.first else Console(quiet=True)).say
        resumed, named = None, None
        if resume is None:
            loaded = _load(spec, settings, files)
            with _memory_advice():
                job = assemble(loaded, choose_device(device, *ranks.here), ranks)
            refuse_unequal(job)
            check_test_images(job, say)
            directory = _created(job, Path(run_dir) if run_dir else None)
        else:
            directory, named = named_run(Path(resume))
        with running(directory.path) if ranks.first else nullcontext():
            if resume is not None:
                job, resumed = reopen(directory, named, spec, settings, files, device, ranks)
                check_test_images(job, say)
            progress: Progress = PlainProgress(Console(quiet=True))
            if ranks.first:
                shown = progress_for(console, preview)
                progress = LoggedProgress(shown, directory.path / "log.txt")
            return _trained(job, directory, resumed, progress, stop, new=resume is None)


def _trained(
    job: Job,
    directory: RunDirectory,
    resumed: Checkpoint | None,
    progress: Progress,
    stop: StopRequest,
    *,
    new: bool,
) -> RunResult:
    """Train to the end, and say and write how that was."""
    first = job.ranks.first
    try:
        trainer = Trainer(job, directory, progress, resumed)
        if first and not new:
            prepare(directory, job, resumed, progress.say)
        for line in opening(job, directory, resumed):
            progress.say(line)
        if first and new:
            with writing_in(directory):
                directory.write_json(MANIFEST, image_manifest(job, progress.say), indent=None)
            for line in first_look(job, directory):
                progress.say(line)
        noting = noting_the_end(directory, progress.say) if first else nullcontext()
        with noting, _memory_advice(job, directory):
            trainer.train(stop)
    finally:
        progress.close()
    result = RunResult(
        directory.path,
        trainer.step,
        trainer.stopwatch.seconds,
        trainer.scores,
        trainer.stopped,
    )
    if first:
        _conclude(trainer, result)
        leave_report(directory, progress.say)
    return result


def _conclude(trainer: Trainer, result: RunResult) -> None:
    """Write and say how it ended."""
    best = trainer.choice.best
    summary = {
        "steps": result.steps,
        "seconds": result.seconds,
        "metrics": result.metrics,
        "best_by": trainer.choice.metric if result.metrics else None,
        "best": best,
        "best_step": best["step"] if best else None,
        "stopped": result.stopped,
    }
    with writing_in(trainer.run):
        trainer.run.write_json(SUMMARY, summary)
    for line in in_words(
        trainer.job,
        result.path,
        result.steps,
        result.seconds,
        result.metrics,
        best["step"] if best else None,
        result.stopped,
    ):
        trainer.progress.say(line)


def rehearse(
    spec: Spec,
    *,
    settings: Iterable[str] = (),
    plugins: Iterable[Path | str] = (),
    device: str = "auto",
) -> list[str]:
    """`gantrans run --dry-run`: build everything, run a real step, write nothing.

    Returns:
        The lines to show: parameters, terms, peak memory, and an estimate of the time.
    """
    refuse_several("--dry-run rehearses")
    loaded = load(spec, settings=settings, plugins=[Path(plugin) for plugin in plugins])
    with _memory_advice():
        job = assemble(loaded, choose_device(device))
        check_test_images(job)
        return dry_run(job)


def first_batch(
    spec: Spec,
    *,
    settings: Iterable[str] = (),
    plugins: Iterable[Path | str] = (),
    count: int = 8,
) -> Image.Image:
    """`gantrans show-batch`: the first `count` images of each domain, as training will see them."""
    loaded = load(spec, settings=settings, plugins=[Path(plugin) for plugin in plugins])
    job = assemble(loaded, torch.device("cpu"))
    count = min(count, job.samples.epoch_size)
    batches = training_batches(
        job.samples, batch_size=count, first=0, last=1, workers=0, pin_memory=False
    )
    return batch_picture(job, next(batches))


def _load(spec: Spec | None, settings: Iterable[str], plugins: list[Path]) -> LoadedSpec:
    if spec is None:
        raise UsageError("name a spec to run, or a run to go on with: --resume RUN")
    return load(spec, settings=settings, plugins=plugins)


def _created(job: Job, wanted: Path | None) -> RunDirectory:
    """The directory of a new run, which the first rank makes."""
    made = None
    if job.ranks.first:
        made = str(rundir.create(job.loaded, wanted, Path("runs"), circumstances(job)).path)
    return RunDirectory(Path(job.ranks.from_first(made)))


@contextmanager
def _memory_advice(job: Job | None = None, directory: RunDirectory | None = None) -> Iterator[None]:
    """Around what may run out of memory, before a run has its directory or while it trains."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if job is None or directory is None:
            advice = (
                "Smaller values of data.transform.crop, generator.width or train.batch_size need "
                "less (train.accumulate makes up for a smaller batch)"
            )
        else:
            advice = _less_memory(job, f"{job.ranks.command} --resume {directory.path}")
        raise GantransError(
            f"there is not enough memory. {advice}; gantrans run SPEC --dry-run tells how much a "
            "step takes"
        ) from error


def _less_memory(job: Job, go_on: str) -> str:
    """How a run that has begun goes on with less memory: its steps must stay what they are."""
    train, count = job.spec.train, job.ranks.count
    shares = range(count, train.batch_size, count)
    smaller = max((n for n in shares if train.batch_size % n == 0), default=None)
    if smaller is not None:
        batches = job.images_per_step // smaller
        return (
            "The same steps in smaller batches need less. Go on with: "
            f"{go_on} --set train.batch_size={smaller} --set train.accumulate={batches}"
        )
    generators = job.method.generators.values()
    if generators and not train.recompute and all(one.recomputes for one in generators):
        return (
            "Generators that compute again what they need for gradients need less. Go on with: "
            f"{go_on} --set train.recompute=true"
        )
    return (
        "If others use it too, go on when they have ended: "
        f"{go_on}. Else begin a new run, with a smaller data.transform.crop or generator.width"
    )
