"""What a new run says of its data before the first step, and a picture of what it will see."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.method import Method
from gantrans.data_check.plan import of_dataset
from gantrans.data_check.quick import quick_look
from gantrans.data_check.record import record
from gantrans.data_check.rules import findings
from gantrans.errors import DataError
from gantrans.training.assemble import Job
from gantrans.training.batch import together
from gantrans.training.grid import save
from gantrans.training.rundir import RunDirectory
from gantrans.training.samples import batch_picture

SHOWN = 4
"""Images of each domain in the picture."""


def first_look(job: Job, directory: RunDirectory) -> Iterator[str]:
    """Write data.json and batch.png; a line for each finding, and for what could not be done.

    Never stops a run: what is wrong enough for that does so by itself, with its own message.
    """
    for name, write in (("data.json", _data), ("batch.png", _batch)):
        try:
            yield from write(job, directory.path / name)
        except Exception as error:  # anyone's data set, a full disk
            yield f"{name} was not written: {str(error) or repr(error)}"


def needs(method: Method) -> tuple[int, int]:
    """Pixels that the networks need of each side, and of what each has to be a multiple."""
    drawn = [n for n in method.networks.values() if isinstance(n, Generator | Discriminator)]
    least = max((network.min_size for network in drawn), default=1)
    return least, math.lcm(*(getattr(network, "multiple_of", 1) for network in drawn))


def _data(job: Job, path: Path) -> Iterator[str]:
    plan = of_dataset(job.loaded, job.dataset, job.samples.sources)
    collection = quick_look(plan, needs(job.method))
    found = findings(collection)
    RunDirectory(path.parent).write_json(path.name, record(plan, collection, found))
    for finding in found:
        yield f"data, {finding.severity}: {finding.text}; {finding.do}"


def _batch(job: Job, path: Path) -> Iterator[str]:
    """Not by the loader of the training batches, which would draw from torch's generator."""
    batch = together([job.samples[n] for n in range(min(SHOWN, job.samples.epoch_size))])
    if isinstance(batch, DataError):
        raise batch
    save(batch_picture(job, batch), path)
    yield from ()
