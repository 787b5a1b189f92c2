"""A run so small that a step takes milliseconds: drawn seasons, networks of width 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from gantrans.api.component import ComponentRef
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep
from gantrans.plugin.registry import Entry, Origin, Registry
from gantrans.spec.load import LoadedSpec, Source, validate
from gantrans.testing.check import CheckFailed, blamed
from gantrans.testing.loss_trial import FEATURES
from gantrans.testing.subject import Subject
from gantrans.training.assemble import Job, assemble
from gantrans.training.batch import LoadedBatch
from gantrans.training.build import outline
from gantrans.training.data import training_batches
from gantrans.training.step import TrainingStep

READER = "reader_of_everything"

DATA = {"type": "seasons", "size": 32, "train": 6, "test": 0, "workers": 0}

NETWORKS = {
    "generator": {"type": "resnet", "width": 4, "blocks": 1},
    "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
}

LAYERS = ("image", "down1", "block1")
"""Of the small generator, whose features are read."""

LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "adversarial": ("fake", {}),
    "cycle": ("cycle", {}),
    "identity": ("identity", {}),
    "patch_nce": ("identity_features", {"layers": LAYERS, "patches": 32, "width": 8}),
}
"""Which losses a method is tried with: those that read what it provides."""


def job(subject: Subject, **changes: Any) -> Job:
    """A run of the method, assembled. Raises Unusable if that fails."""

    def make() -> Job:
        provides = set(subject.component.provides)
        table = {
            "method": {**subject.settings, "type": subject.name},
            "data": {**DATA, "pairs": subject.config.needs_pairs},
            **NETWORKS,
            "losses": {loss: table for loss, (need, table) in LOSSES.items() if need in provides},
            "train": {"epochs": 2, "evaluate_every": 0},
            **changes,
        }
        loaded = _loaded(subject, table)
        made = {ends.kind for ends in outline(loaded)[1].values()}
        unused = NETWORKS.keys() - made  # settings of which are refused
        if unused:
            loaded = _loaded(subject, {key: t for key, t in table.items() if key not in unused})
        return assemble(loaded, torch.device("cpu"))

    _ = subject.config  # says what is wrong with the settings
    return subject.building("the networks of a small run", make)


def _loaded(subject: Subject, table: dict[str, Any]) -> LoadedSpec:
    registry = _with_reader(subject)
    source = Source(table, "the kit's spec", subject.base_dir)
    spec = validate(source, registry).model_copy(update={"method": subject.config})
    return LoadedSpec(spec, source, registry)


def steps_of(made: Job, count: int) -> list[list[LoadedBatch]]:
    """What the first `count` training steps see, in [-1, 1]."""
    loaded = training_batches(
        made.samples,
        batch_size=made.spec.train.batch_size,
        first=0,
        last=count * made.spec.train.accumulate,
        workers=0,
        pin_memory=False,
    )
    seen = (LoadedBatch(batch.on(made.device), batch.labels) for batch in loaded)
    return [list(islice(seen, made.spec.train.accumulate)) for _ in range(count)]


def trained(subject: Subject, steps: int) -> TrainingStep:
    """A run after its first steps."""
    step = TrainingStep(job(subject))
    for number, batches in enumerate(steps_of(step.job, steps)):
        step_once(subject, step, number, batches)
    return step


def step_once(
    subject: Subject, step: TrainingStep, number: int, batches: Sequence[LoadedBatch]
) -> dict[str, Tensor]:
    """The terms of one training step. Raises CheckFailed if it raises."""
    try:
        return step(number, batches)
    except Exception as error:
        raise CheckFailed(f"a training step raises {blamed(error, subject.code)}") from error


def differing(some: TrainingStep, others: TrainingStep) -> list[str]:
    """Names of tensors, of networks, losses and the method's state, that are not the same."""

    def tensors(step: TrainingStep) -> Mapping[str, Tensor]:
        weights = {
            f"{name}.{key}": value
            for name, network in step.method.networks.items()
            for key, value in network.state_dict().items()
        }
        for name, loss in step.losses.items():
            weights |= {f"the loss {name}.{key}": v for key, v in loss.state_dict().items()}
        return weights | {f"state()[{k!r}]": v for k, v in step.method.state().items()}

    a, b = tensors(some), tensors(others)
    return [name for name in a if name not in b or not torch.equal(a[name], b[name])]


def _with_reader(subject: Subject) -> Registry:
    """The registry, with a loss that reads all that the method provides."""
    everything = frozenset(subject.component.provides)

    class Reader(Loss):
        """Reads everything."""

        name = READER
        requires = everything

        class Config(LossConfig):
            """Settings."""

            @property
            def encoder_layers(self) -> tuple[str, ...]:
                """Some, if there are any."""
                return LAYERS if everything & FEATURES else ()

        def generator(self, step: TranslationStep) -> Tensor:
            """The sum of the means of all that there is."""
            passes = [step.real, *(getattr(step, n) for n in sorted(everything - FEATURES))]
            found = [x.mean() for images in passes for x in images.values()]
            for name in sorted(everything & FEATURES):
                for pair in getattr(step, name).values():
                    found += [of[layer].mean() for of in pair for layer in LAYERS]
            return torch.stack(found).sum()

    registry = Registry(list(subject.registry.plugins))
    for entry in subject.registry:
        registry.add(entry)
    ref = ComponentRef("loss", READER, "gantrans.testing.small_run:Reader", "reads everything")
    registry.add(Entry(ref, Origin("the kit"), lambda: Reader))
    return registry
