"""An earlier run, taken up again: `gantrans run --resume`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gantrans.errors import CheckpointError, GantransError, UsageError
from gantrans.inference.device import choose_device
from gantrans.inference.model_files import checkpoint_folders
from gantrans.spec.load import load
from gantrans.training import checkpoint, retention, rundir
from gantrans.training.alike import refuse_unequal
from gantrans.training.assemble import Job, assemble
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.choice import Choice
from gantrans.training.distributed import Ranks
from gantrans.training.image_manifest import MANIFEST, image_manifest, manifest_changes
from gantrans.training.machine import machine
from gantrans.training.rundir import SUMMARY, RunDirectory

Spec = Path | str | Mapping[str, Any]
Say = Callable[[str], None]


def named_run(resume: Path) -> tuple[RunDirectory, Path | None]:
    """The run that is meant, and its checkpoint if one is named; a UsageError if it is none."""
    named = resume.absolute() if resume.absolute().parent.name == "checkpoints" else None
    return rundir.reopen(named.parent.parent if named else resume), named


def reopen(
    directory: RunDirectory,
    named: Path | None,
    spec: Spec | None,
    settings: Iterable[str],
    plugins: list[Path],
    device: str,
    ranks: Ranks,
) -> tuple[Job, Checkpoint | None]:
    """A run to go on with, and the checkpoint to go on from.

    Args:
        directory: of the run, which no other process trains.
        named: the checkpoint; None: the newest.
        spec: another spec than the one that the run has recorded.
        settings: overrides, each "KEY=VALUE".
        plugins: one-file plugins; the run's copies are used beside them.
        device: where to compute.
        ranks: who trains.

    Raises:
        UsageError: if the run is finished, or its steps would take another number of images.
        GantransError: as of loading a spec and a checkpoint.
    """
    if spec is None:
        source, copies = rundir.recorded(directory)
        given = {file.name for file in plugins}  # such a file takes the place of the run's copy
        kept_files = [copy for copy in copies if copy.name not in given]
        loaded = load(source, settings=settings, plugins=[*kept_files, *plugins])
    else:
        loaded = load(spec, settings=settings, plugins=plugins)
    job = assemble(loaded, choose_device(device, *ranks.here), ranks)
    refuse_unequal(job)
    kept = [named] if named else checkpoint_folders(directory.checkpoints)
    newest = ranks.from_first(str(kept[-1]) if kept else None)  # a shared disk may be behind
    resumed = checkpoint.load(Path(newest), torch.device("cpu")) if newest else None
    done = resumed.facts["step"] if resumed else 0
    if resumed:
        if missing := {"done", "images_per_step", "steps_per_epoch"} - resumed.facts.keys():
            raise CheckpointError(
                f"{resumed.folder} was saved by another version of gantrans: its training.json "
                f"lacks {', '.join(sorted(missing))}; begin a new run"
            )
        _refuse_other_steps(job, resumed)
    # One that was killed between its last checkpoint and its summary still has to end.
    concluded = (directory.path / SUMMARY).exists()
    if resumed and concluded and done < job.steps:
        _refuse_stopped(job, directory, resumed)
    if done > job.steps or (done == job.steps and concluded):
        raise UsageError(
            f"the run {directory.path} is finished: {done} of {job.steps} steps are done. "
            "Train longer with a larger --set train.epochs=N"
        )
    return job, resumed


def _refuse_stopped(job: Job, directory: RunDirectory, resumed: Checkpoint) -> None:
    """A run that ended for want of a better metric, and would end again at once."""
    choice = Choice.of(job)
    choice.load_state(resumed.facts)
    if choice.stopped:
        raise UsageError(
            f"the run {directory.path} stopped early, at step {resumed.facts['step']} of "
            f"{job.steps}: {choice.why_stopped()}. Go on with a larger --set train.stop_after=N, "
            "or without an end before the last step: --set train.stop_after=0"
        )


def _refuse_other_steps(job: Job, resumed: Checkpoint) -> None:
    """Refuse steps of another size: all that follows from the step would move in time."""
    before, now = resumed.facts["images_per_step"], job.images_per_step
    if before == now:
        return
    accumulate, rest = divmod(before, job.spec.train.batch_size)
    keep = f"choose a train.batch_size that divides {before}, and train.accumulate to match"
    if not rest:
        keep = f"--set train.accumulate={accumulate}"
    raise UsageError(
        f"the run's steps take {before} images of each domain, and train.batch_size x "
        f"train.accumulate is now {now}: its {resumed.facts['step']} steps would be another part "
        f"of the training, at another learning rate. Keep the product: {keep}; or begin a new run"
    )


def prepare(directory: RunDirectory, job: Job, resumed: Checkpoint | None, say: Say) -> None:
    """Make an earlier run's directory ready to go on from `resumed`, now that all of it fits."""
    images = image_manifest(job, say)
    if resumed is None:
        say("there is no checkpoint: the run begins again")
    else:
        names = job.spec.domains.model_dump()
        for line in manifest_changes(directory.path / MANIFEST, images, names):
            say(line)
        before, now = resumed.facts["steps_per_epoch"], job.steps_per_epoch
        if before != now:
            step = resumed.facts["step"]
            say(
                f"an epoch has {now} steps, and had {before}: the {step} steps that are done are "
                f"{step / now:.2f} epochs instead of {step / before:.2f}, and the learning rate "
                "follows"
            )
    with writing_in(directory):
        directory.write_json(MANIFEST, images, indent=None)
        rundir.record(directory, job.loaded, circumstances(job))
        (directory.path / SUMMARY).unlink(missing_ok=True)
        found = (resumed.folder, resumed.facts) if resumed else None
        retention.rewind(directory.checkpoints, found, say)


def circumstances(job: Job) -> dict[str, Any]:
    """What the spec does not say."""
    return {"steps": job.steps, "device": str(job.device), "machine": machine(job.device)}


@contextmanager
def writing_in(directory: RunDirectory) -> Iterator[None]:
    """Around what writes in a run directory: a GantransError that says how to go on."""
    try:
        yield
    except OSError as error:
        raise GantransError(
            f"cannot write in the run directory {directory.path}: {error}; make room or mend its "
            f"permissions, then go on with: gantrans run --resume {directory.path}"
        ) from error
