"""What a run is, before it begins, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from gantrans.training.assemble import Job
from gantrans.training.checkpoint import Checkpoint
from gantrans.training.rundir import RunDirectory
from gantrans.training.spec_warnings import spec_warnings
from gantrans.training.summary import ways


def opening(job: Job, directory: RunDirectory, resumed: Checkpoint | None) -> list[str]:
    """What a run is, before it begins."""
    spec, device = job.spec, job.device
    counts = " and ".join(
        f"{len(source)} of {getattr(spec.domains, domain)}"
        for domain, source in job.samples.sources.items()
    )
    begins = f"going on at step {resumed.facts['step']}" if resumed else "beginning"
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    several = f", {job.ranks.count} processes" if job.ranks.count > 1 else ""
    return [
        f"{spec.name}: {ways(spec, job.method)}, {spec.method.component.name}, "
        f"on {device}{threads}{several}",
        f"{counts} to train on, {job.steps} steps in {spec.train.epochs} epochs; {begins} in "
        f"{directory.path}",
        *job.execution.notes,
        *_passed_over(job),
        *spec_warnings(job.loaded, job.steps),
    ]


def _passed_over(job: Job) -> Iterator[str]:
    """Of which components that the spec names a plugin's claim was passed over."""
    used = {(c.component.kind, c.component.name) for c in job.spec.components()}
    registry = job.loaded.registry
    for entry in registry:
        kind, name = entry.ref.kind, entry.ref.name
        if (kind, name) in used and (why := registry.conflict(entry)):
            yield f"the {kind} {name!r} of {entry.origin} is not used: {why}"
