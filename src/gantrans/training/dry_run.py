"""A rehearsal: everything is built and a real step is run, and nothing is written."""

from __future__ import annotations

import statistics
import time
from itertools import islice

import torch

from gantrans.inference import memory
from gantrans.training.assemble import Job
from gantrans.training.data import training_batches
from gantrans.training.faults import blaming
from gantrans.training.health.faults import NO_GRADIENT
from gantrans.training.largest_batch import say_largest
from gantrans.training.ledger import Ledger
from gantrans.training.spec_warnings import spec_warnings
from gantrans.training.standing import clock
from gantrans.training.step import TrainingStep

TIMED = 2
"""Steps that are timed, after slower ones."""


def dry_run(job: Job) -> list[str]:
    """Run the first steps of a job in memory, and say what they took.

    Raises:
        GantransError: whatever the run itself would raise.
    """
    # The first step allocates memory and chooses kernels; with CUDA graphs, the second records.
    slower = 2 if job.execution.compiled and job.device.type == "cuda" else 1
    train, steps = job.spec.train, min(slower + TIMED, job.steps)
    batches = training_batches(
        job.samples,
        batch_size=train.batch_size,
        first=0,
        last=steps * train.accumulate,
        workers=0,
        pin_memory=False,
    )
    training, ledger, taken = TrainingStep(job), Ledger(), list[float]()
    for step in range(steps):
        loaded = list(islice(batches, train.accumulate))
        began = time.perf_counter()
        with blaming(job.loaded):
            terms_now = training(step, loaded)
        ledger.add(step + 1, terms_now, [batch.labels for batch in loaded])
        terms = ledger.read()  # waits for the device
        taken.append(time.perf_counter() - began)
    seconds = statistics.mean(taken[slower:] or taken)
    parameters = {
        name: sum(weight.numel() for weight in network.parameters())
        for name, network in job.method.networks.items()
    }
    parameters |= {
        f"loss {name}": sum(weight.numel() for weight in loss.parameters())
        for name, loss in training.losses.items()
    }
    unreached = dict(training.unreached)
    peak = _peak_memory(job.device)  # before a larger batch is tried
    with blaming(job.loaded):
        largest = say_largest(job, training, loaded, steps)
    return [
        f"{'parameters':<18}{sum(parameters.values()):>14,}",
        *(f"  {name:<16}{count:>14,}" for name, count in parameters.items()),
        *(f"  {curve}: {value:.4f}" for curve, value in terms.items()),
        f"peak memory: {peak}",
        f"a step takes {seconds:.3f} s: about {clock(seconds * job.steps)} for {job.steps} steps "
        f"in {train.epochs} epochs, without loading, samples, metrics and checkpoints",
        largest,
        *spec_warnings(job.loaded, job.steps),
        *(
            f"warning: no gradient reaches {network} from {', '.join(losses)}: {NO_GRADIENT.means}"
            for network, losses in unreached.items()
        ),
        "nothing was written",
    ]


def _peak_memory(device: torch.device) -> str:
    peak = memory.peak(device)
    if peak is None:
        return "not known on this system"
    whose = "of this process" if device.type == "cpu" else f"on {device}"
    return f"{memory.mebibytes(peak)} {whose}"
