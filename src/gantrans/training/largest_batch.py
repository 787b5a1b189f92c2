"""The largest batch that fits into memory: tried on a GPU, told from two batches on a CPU."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

import torch

from gantrans.inference import memory
from gantrans.inference.device import is_out_of_memory
from gantrans.inference.memory import mebibytes
from gantrans.training.assemble import Job, with_settings
from gantrans.training.batch import LoadedBatch
from gantrans.training.step import TrainingStep

MOST = 256
"""Images of each domain; the search stops here."""

SPARE = 0.1
"""Share of the host's memory that an estimate leaves to others."""


def largest(fits: Callable[[int], bool], known: int, most: int) -> int:
    """The largest n from `known`, which fits, to `most` that fits: doubling, then bisection."""
    low, high = known, most + 1  # `low` fits; `high` does not, or is beyond the end
    while 2 * low < high:
        if not fits(2 * low):
            high = 2 * low
            break
        low = 2 * low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def estimate(batch: int, peak: int, doubled: int, room: float) -> tuple[float, int] | None:
    """What an image more takes in bytes, and the largest batch by that; None if nothing shows.

    Args:
        batch: images of each domain in the smaller of two batches.
        peak: of memory, in bytes, with that batch.
        doubled: the same with twice as many.
        room: for the whole process, in bytes.
    """
    price = (doubled - peak) / batch
    if price <= 0:
        return None
    return price, max(batch, batch + int((room * (1 - SPARE) - peak) / price))


def say_largest(job: Job, training: TrainingStep, loaded: Sequence[LoadedBatch], step: int) -> str:
    """A line on the largest batch, after `step` steps of the spec's own.

    Args:
        job: in rehearsal: its networks are of no use afterwards.
        training: what ran the steps.
        loaded: what the last of them trained on.
        step: finished steps.
    """
    if job.device.type == "cuda":
        return _tried(job, training, loaded, step)
    if job.device.type == "cpu":
        return _told(job, training, loaded, step)
    return f"largest batch: not known on {job.device}"


def repeated(loaded: LoadedBatch, count: int) -> LoadedBatch:
    """`count` images of each domain, those of the batch again and again."""
    images, labels = loaded.on(torch.device("cpu")), loaded.labels
    times = -(-count // len(next(iter(images.values()))))
    return LoadedBatch(
        {domain: x.repeat(times, 1, 1, 1)[:count] for domain, x in images.items()},
        {domain: (names * times)[:count] for domain, names in labels.items()},
    )


def _most(job: Job) -> int:
    """The largest batch worth trying: no more than an epoch holds."""
    train = job.spec.train
    return max(train.batch_size, min(MOST, job.samples.epoch_size // train.accumulate))


def _told(job: Job, training: TrainingStep, loaded: Sequence[LoadedBatch], step: int) -> str:
    """Never tried on the host: a system short of memory ends any process."""
    batch, most = job.spec.train.batch_size, _most(job)
    peak, room = memory.peak(job.device), memory.room()
    if peak is None or room is None:
        return "largest batch: not known on this system"
    if room < 2.5 * peak:
        return f"largest batch: {mebibytes(room)} may be too few for twice the batch of {batch}"
    training(step, [repeated(one, 2 * batch) for one in loaded])
    doubled = memory.peak(job.device)
    found = estimate(batch, peak, doubled or peak, room)
    if found is None:
        return f"largest batch: not known, {batch} and {2 * batch} images took as much"
    price, count = found
    told = f"about {count} images of each domain" if count < most else f"{most} or more images"
    return (
        f"largest batch: {told}, by what batches of {batch} and {2 * batch} took "
        f"({mebibytes(price)} an image) and the {mebibytes(room - peak)} that are free"
    )


def _tried(job: Job, training: TrainingStep, loaded: Sequence[LoadedBatch], step: int) -> str:
    batch, most, device = job.spec.train.batch_size, _most(job), job.device
    for network in job.method.networks.values():
        network.to("cpu")  # they and the moments would take the place of images
    for optimizer in [*training.optimizers.values(), *training.loss_optimizers.values()]:
        optimizer.state.clear()
    torch.compiler.reset()  # CUDA graphs hold memory of their own
    # Compiled networks would be compiled anew for each batch; uncompiled ones take no less.
    plain = TrainingStep(with_settings(job, {"compile": False}))

    def fits(count: int) -> bool:
        for optimizer in [*plain.optimizers.values(), *plain.loss_optimizers.values()]:
            optimizer.zero_grad(set_to_none=True)
        gc.collect()
        torch.cuda.empty_cache()
        try:
            plain(step, [repeated(one, count) for one in loaded])
            torch.cuda.synchronize(device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return False
        return True

    count = largest(fits, batch, most)
    more = "more were not tried" if count == most else f"{count + 1} do not"
    compiled = ", without compilation" if training.execution.compiled else ""
    return f"largest batch: {count} images of each domain fit on {device}{compiled}; {more}"
