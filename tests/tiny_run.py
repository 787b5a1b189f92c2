"""Runs so small that a step takes milliseconds: drawn seasons at 32 px, networks of width 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from gantrans.api.step import Domain
from gantrans.errors import DataError
from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble
from gantrans.training.batch import LoadedBatch, together
from gantrans.training.data import training_batches

SPEC: dict[str, dict[str, Any]] = {
    "data": {"type": "seasons", "size": 32, "train": 6, "test": 2, "workers": 0},
    "generator": {"type": "resnet", "width": 4, "blocks": 1},
    "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
    "losses": {"adversarial": {}, "cycle": {}, "identity": {}},
    "train": {"epochs": 2},
}


def tiny_spec(**changes: Any) -> dict[str, Any]:
    """The spec with some keys of its tables changed; None takes a key out."""
    spec: dict[str, Any] = {key: dict(table) for key, table in SPEC.items()}
    for key, change in changes.items():
        if isinstance(change, Mapping):
            merged = {**spec.get(key, {}), **change}
            spec[key] = {name: value for name, value in merged.items() if value is not None}
        else:
            spec[key] = change
    return spec


def tiny_job(**changes: Any) -> Job:
    """The same, assembled on the CPU."""
    return assemble(load(tiny_spec(**changes)), torch.device("cpu"))


def steps_of(job: Job, count: int) -> list[list[LoadedBatch]]:
    """What the first `count` training steps see, in [-1, 1]."""
    train = job.spec.train
    loaded = training_batches(
        job.samples,
        batch_size=train.batch_size,
        first=0,
        last=count * train.accumulate,
        workers=0,
        pin_memory=False,
    )
    seen = (LoadedBatch(batch.on(job.device), batch.labels) for batch in loaded)
    return [list(islice(seen, train.accumulate)) for _ in range(count)]


def whole_sample(job: Job, number: int) -> tuple[dict[Domain, Tensor], dict[Domain, str]]:
    """The images of a sample, in [-1, 1] as training sees them, and what to call them."""
    sample = job.samples[number]
    assert not isinstance(sample, DataError), sample
    batch = together([sample])
    assert not isinstance(batch, DataError)
    return {d: x[0] for d, x in batch.on(torch.device("cpu")).items()}, sample.labels


def watch_gradients(
    networks: Mapping[str, nn.Module], optimizers: Iterable[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """Fills, at each step, with the gradients that the optimizers get: "generator_ab.<tensor>"."""
    seen: dict[str, Tensor] = {}
    names = {
        id(weight): f"{name}.{key}"
        for name, network in networks.items()
        for key, weight in network.named_parameters()
    }

    def note(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    seen[names[id(weight)]] = weight.grad.clone()

    for optimizer in optimizers:
        optimizer.register_step_pre_hook(note)
    return seen
