"""An earlier run, taken up again: `gantrans run --resume`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gantrans.errors import GantransError, UsageError
from gantrans.inference.device import choose_device
from gantrans.inference.model_files import checkpoint_folders
from gantrans.plugin.trust import Trust, check_trust
from gantrans.spec.load import load
from gantrans.training import checkpoint, retention, rundir
from gantrans.training.alike import refuse_unequal
from gantrans.training.assemble import Job, assemble
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.choice import Choice
from gantrans.training.distributed import Ranks
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
    trust: Trust,
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
        trust: whether the run's copies may be executed; nobody is asked where there are several
            ranks.

    Raises:
        UsageError: if the run is finished, or brings code that is not trusted.
        GantransError: as of loading a spec and a checkpoint.
    """
    if spec is None:
        source, copies = rundir.recorded(directory)
        given = {file.name for file in plugins}  # such a file takes the place of the run's copy
        kept_files = {copy: digest for copy, digest in copies.items() if copy.name not in given}
        _check_trust(kept_files, trust, ranks)
        loaded = load(source, settings=settings, plugins=[*kept_files, *plugins])
    else:
        loaded = load(spec, settings=settings, plugins=plugins)
    job = assemble(loaded, choose_device(device, *ranks.here), ranks)
    refuse_unequal(job)
    kept = [named] if named else checkpoint_folders(directory.checkpoints)
    newest = ranks.from_first(str(kept[-1]) if kept else None)  # a shared disk may be behind
    resumed = checkpoint.load(Path(newest), torch.device("cpu")) if newest else None
    done = resumed.facts["step"] if resumed else 0
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


def _check_trust(copies: Mapping[Path, str], trust: Trust, ranks: Ranks) -> None:
    """See `check_trust`. The first rank decides for all: the others may run on other machines."""
    refused = None
    if ranks.first:
        try:
            check_trust(copies, trust if ranks.count == 1 else trust is True)
        except UsageError as error:
            refused = str(error)
    if said := ranks.from_first(refused):
        raise UsageError(said)


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


def prepare(directory: RunDirectory, job: Job, resumed: Checkpoint | None, say: Say) -> None:
    """Make an earlier run's directory ready to go on from `resumed`, now that all of it fits."""
    if resumed is None:
        say("there is no checkpoint: the run begins again")
    with writing_in(directory):
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
