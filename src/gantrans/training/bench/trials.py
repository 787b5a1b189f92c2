"""Other settings, each measured beside those of the spec on the same images."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from gantrans.errors import GantransError
from gantrans.inference import memory
from gantrans.inference.device import is_out_of_memory
from gantrans.training.assemble import Job, with_settings
from gantrans.training.batch import LoadedBatch
from gantrans.training.bench.throughput import Step, numbered
from gantrans.training.execution import Execution
from gantrans.training.largest_batch import repeated
from gantrans.training.machine import now
from gantrans.training.step import TrainingStep


@dataclass(frozen=True)
class Candidate:
    """A setting to try.

    Args:
        key: what it changes.
        setting: in the words of a spec, or of a shell.
        train: keys of `[train]` that differ from the spec's.
        batch: how many times as many images a step has.
        threads: of the CPU; absent: as many as there are.
    """

    key: str
    setting: str
    train: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 1
    threads: int | None = None


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Args:
        key: what was changed.
        setting: to what.
        seconds: for as many images as a step of the spec has.
        before: of the spec's own step, measured in turns with it.
        peak: of memory on the device, in bytes; None on a CPU, where it is not known apart.
        peak_before: the same with the spec's settings.
        first: seconds of the first step, in which torch compiles.
        failed: why there are no numbers; empty if there are.
    """

    key: str
    setting: str
    seconds: float = 0.0
    before: float = 0.0
    peak: int | None = None
    peak_before: int | None = None
    first: float = 0.0
    failed: str = ""

    @property
    def times_as_fast(self) -> float:
        """Images in a second, as a multiple of those with the spec's settings; 0 if it failed."""
        return self.before / self.seconds if self.seconds else 0.0


def candidates(job: Job, now_used: Execution, *, compiling: bool) -> Iterator[Candidate]:
    """What may make this job faster, or smaller, on its device.

    Args:
        job: with the spec's settings.
        now_used: what these are here.
        compiling: whether compilation may be tried, which takes minutes.
    """
    device, batch = job.device.type, job.spec.train.batch_size
    for precision in ("tf32", "bf16") if device == "cuda" else ("bf16",):
        if now_used.precision not in (precision, "bf16"):
            yield _trying(precision=precision)
    if device == "cpu" and now_used.precision == "bf16":
        yield _trying(precision="fp32")
    if device == "cuda":  # elsewhere it is refused
        yield _trying(channels_last=not now_used.channels_last)
    if device == "cuda" and now_used.precision != "bf16" and not now_used.channels_last:
        yield _trying(precision="bf16", channels_last=True)
    if compiling:
        yield _trying(compile=not now_used.compiled)
    threads = torch.get_num_threads()
    if device == "cpu" and threads > 1:
        yield Candidate("threads", f"OMP_NUM_THREADS={threads // 2}", threads=threads // 2)
    if device != "cpu":
        yield Candidate("batch_size", f"train.batch_size = {2 * batch}", batch=2)
    can = all(generator.recomputes for generator in job.method.generators.values())
    if device == "cuda" and job.method.generators and can and not job.spec.train.recompute:
        yield _trying(recompute=True)


def _trying(**train: Any) -> Candidate:
    def shown(value: Any) -> str:
        return f'"{value}"' if isinstance(value, str) else str(value).lower()

    words = [f"train.{key} = {shown(value)}" for key, value in train.items()]
    return Candidate(next(iter(train)), ", ".join(words), train)


def tried(
    job: Job,
    own: Step,
    candidate: Candidate,
    loaded: Sequence[list[LoadedBatch]],
    *,
    steps: int,
    repeats: int,
) -> Trial:
    """Both in turns, so that whatever else the machine does slows both down; medians.

    Args:
        job: with the spec's settings.
        own: its step, which has been run before.
        candidate: what to try beside it.
        loaded: what steps train on, in turn.
        steps: in a group.
        repeats: groups of each.
    """
    device = job.device
    result = Trial(candidate.key, candidate.setting)
    more = loaded
    if candidate.batch > 1:
        size = candidate.batch * job.spec.train.batch_size
        more = [[repeated(one, size) for one in batches] for batches in loaded]
    try:
        with _threads(candidate.threads):
            other_job = with_settings(job, candidate.train) if candidate.train else job
            other = own if other_job is job else numbered(other_job, TrainingStep(other_job))
            began = now(device)
            other(more[0])
            first = now(device) - began
            began = now(device)
            other(more[0])
            second = now(device) - began
        fewer = max(1, min(steps, round(1 / second)))  # what is much slower needs no more
        seconds: tuple[list[float], list[float]] = ([], [])
        peaks: tuple[list[int], list[int]] = ([], [])
        for turn in range(2 * repeats):
            which = (turn + turn // 2) % 2  # 0 1 1 0: neither is always the first
            with _threads(candidate.threads if which else None):
                step, images, count = ((own, loaded, steps), (other, more, fewer))[which]
                taken, peak = _group(step, images, count, device)
            seconds[which].append(taken)
            peaks[which].append(peak)
    except (GantransError, RuntimeError, MemoryError) as error:
        if isinstance(error, GantransError):
            return replace(result, failed=str(error))
        if not is_out_of_memory(error):
            raise
        return replace(result, failed="there is not enough memory")
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    on_gpu = device.type == "cuda"
    return replace(
        result,
        seconds=statistics.median(seconds[1]) / candidate.batch,
        before=statistics.median(seconds[0]),
        peak=max(peaks[1]) if on_gpu else None,
        peak_before=max(peaks[0]) if on_gpu else None,
        first=first,
    )


def _group(
    step: Step,
    loaded: Sequence[list[LoadedBatch]],
    steps: int,
    device: torch.device,
) -> tuple[float, int]:
    """Seconds a step, and the peak of a GPU's memory meanwhile."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = now(device)
    for n in range(steps):
        step(loaded[n % len(loaded)])
    seconds = (now(device) - began) / steps
    return seconds, (memory.peak(device) or 0) if device.type == "cuda" else 0


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
