"""All that `gantrans bench` measures of one spec, in the order of its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from gantrans.errors import GantransError
from gantrans.inference import memory
from gantrans.inference.device import choose_device, is_out_of_memory
from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble, with_settings
from gantrans.training.bench.advice import WAITS, advise
from gantrans.training.bench.throughput import Step, Throughput, batches_of, numbered, throughput
from gantrans.training.bench.trials import Trial, candidates, tried
from gantrans.training.bench.work import Share, by_kind, by_phase, floating_point_operations
from gantrans.training.caching import with_caches
from gantrans.training.distributed import refuse_several
from gantrans.training.faults import blaming
from gantrans.training.machine import machine, now
from gantrans.training.step import TrainingStep

Say = Callable[[str], None]

KEPT = 4
"""Steps whose images are kept, for what is measured without loading."""


@dataclass(frozen=True)
class Report:
    """What was measured. Seconds, bytes and operations are those of one step.

    Args:
        name: of the spec.
        device: where it was.
        machine: the GPU, or the processor and its threads.
        torch: its version.
        images: that a step takes, of all domains together.
        steps: in each of the groups whose median is shown.
        throughput: with real loading.
        peak: of the memory of the device, or on a CPU of the process; None if not known.
        operations: of floating point, in convolutions and products.
        work: the time by the kind of work; empty where the device does not tell.
        phases: the time by the phases of the method.
        trials: other settings.
        advice: in words.
    """

    name: str
    device: str
    machine: str
    torch: str
    images: int
    steps: int
    throughput: Throughput
    peak: int | None
    operations: int
    work: list[Share]
    phases: list[Share]
    trials: list[Trial]
    advice: list[str]

    @property
    def images_per_second(self) -> float:
        """Of all domains together."""
        return self.images / self.throughput.seconds

    @property
    def teraflops(self) -> float:
        """10^12 floating-point operations in a second."""
        return self.operations / self.throughput.seconds / 1e12

    def as_json(self) -> dict[str, Any]:
        """All of it, in plain values."""
        rates = {
            "images_per_second": self.images_per_second,
            "teraflops": self.teraflops,
        }
        trials = [{**asdict(t), "times_as_fast": t.times_as_fast} for t in self.trials]
        return {"format_version": 1, **rates, **asdict(self), "trials": trials}


def bench(
    spec: Path | str | Mapping[str, Any],
    *,
    settings: Iterable[str] = (),
    plugins: Iterable[Path | str] = (),
    device: str = "auto",
    steps: int | None = None,
    compiling: bool | None = None,
    say: Say = lambda line: None,
) -> Report:
    """Measure the training of a spec. No run is made, and what was trained is forgotten.

    Images are cached as a run caches them, since it would find or make the same cache.

    Args:
        spec: what to measure.
        settings: `key=value`, which override keys of it.
        plugins: one-file plugins to use too; they are executed.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        steps: in a group; absent: those of about a second.
        compiling: whether compilation is tried (and, if False, not even used if the spec says
            so); absent: on CUDA.
        say: told what is being measured.

    Raises:
        GantransError: whatever the run itself would raise.
    """
    refuse_several("bench measures")
    loaded = load(spec, settings=settings, plugins=[Path(plugin) for plugin in plugins])
    try:
        with blaming(loaded):
            job = assemble(loaded, choose_device(device))
            if compiling is False:
                job = with_settings(job, {"compile": False})
            job = replace(job, samples=with_caches(job, say=say))
            return _measured(job, steps, compiling, say)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise GantransError(
            "there is not enough memory for a step: gantrans run SPEC --dry-run tells how much it "
            "takes; smaller values of train.batch_size, data.transform.crop or generator.width "
            "need less"
        ) from error


def _measured(job: Job, steps: int | None, compiling: bool | None, say: Say) -> Report:
    device, workers = job.device, job.spec.data.workers
    training = TrainingStep(job)
    step = numbered(job, training)
    say("the first steps")
    with closing(batches_of(job, 0)) as batches:
        kept = list(islice(batches, KEPT))
    seconds = _first(step, kept, device)
    steps = steps or max(1, min(50, round(1 / seconds)))
    repeats = 5 if seconds < 1 else 3

    say("speed, with real loading of the data")
    own = throughput(job, step, steps=steps, repeats=repeats, workers=workers)
    peak = memory.peak(device)
    say("where the time goes")
    few = max(1, min(5, steps))
    kinds = by_kind(lambda: step(kept[0]), few, device)
    phases = by_phase(training, lambda: step(kept[0]), few, device)
    # A compiled network hides its operations from the counter.
    plain = step
    if training.execution.compiled:
        plain_job = with_settings(job, {"compile": False})
        plain = numbered(plain_job, TrainingStep(plain_job))
    operations = floating_point_operations(lambda: plain(kept[0]))

    trials = []
    cached = job.samples.ready
    if own.waiting >= WAITS and not cached and (more := _more_workers(workers)):
        say(f"trying data.workers = {more}")
        other = throughput(job, step, steps=steps, repeats=repeats, workers=more)
        setting = f"data.workers = {more}"
        trials.append(Trial("workers", setting, other.seconds, own.seconds))
    may_compile = device.type == "cuda" if compiling is None else compiling
    for candidate in candidates(job, training.execution, compiling=may_compile):
        say(f"trying {candidate.setting}")
        trials.append(tried(job, step, candidate, kept, steps=steps, repeats=repeats))
    return Report(
        name=job.spec.name,
        device=str(device),
        machine=machine(device),
        torch=torch.__version__,
        images=len(job.samples.sources) * job.images_per_step,
        steps=steps,
        throughput=own,
        peak=peak,
        operations=operations,
        work=kinds,
        phases=phases,
        trials=trials,
        advice=advise(own, trials, cached=cached),
    )


def _first(step: Step, kept: list[Any], device: torch.device) -> float:
    """Seconds of a step after two that are slower: memory is allocated, kernels are chosen."""
    step(kept[0])
    step(kept[-1])
    began = now(device)
    step(kept[0])
    return now(device) - began


def _more_workers(workers: int) -> int | None:
    """More processes that load, if there are processors for them."""
    more = min(os.cpu_count() or 1, max(2, 2 * workers))
    return more if more > workers else None
