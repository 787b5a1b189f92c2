"""From a valid spec to the parts of a run; what contradicts is refused here, before step 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.loss import Loss
from gantrans.api.method import LossSet, Method, Parts
from gantrans.api.problem import Problem
from gantrans.api.step import DOMAINS, Domain
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import RunSpec
from gantrans.training.contradictions import check
from gantrans.training.data import TrainingSamples
from gantrans.training.faults import blaming
from gantrans.training.initialise import initialise, seed_torch


@dataclass(frozen=True)
class Ends:
    """What a network reads and writes; a discriminator judges `target`, and has no source."""

    source: Domain | None
    target: Domain


@dataclass(frozen=True)
class Job:
    """Everything a run is made of, built and checked, on its device."""

    loaded: LoadedSpec
    device: torch.device
    dataset: Dataset
    samples: TrainingSamples
    method: Method
    ends: Mapping[str, Ends]

    @property
    def spec(self) -> RunSpec:
        """The validated spec."""
        return self.loaded.run

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which the larger domain is seen once."""
        train = self.spec.train
        return self.samples.epoch_size // (train.batch_size * train.accumulate)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.spec.train.epochs * self.steps_per_epoch


def assemble(loaded: LoadedSpec, device: torch.device) -> Job:
    """Build the data, the networks and the losses.

    Raises:
        SpecError: if the spec contradicts itself (see `check`).
        DataError: if images are missing, or the first of them do not fit the networks.
        PluginError: if a plugin's code fails.
    """
    check(loaded)
    with blaming(loaded):
        return _assembled(loaded, device)


def _assembled(loaded: LoadedSpec, device: torch.device) -> Job:
    spec = loaded.run
    dataset: Dataset = spec.data.build(base_dir=loaded.source.base_dir)
    sources = {domain: dataset.source("train", domain) for domain in DOMAINS}
    for domain, source in sources.items():
        if not len(source):
            raise DataError(f"no training images of {getattr(spec.domains, domain)}")
    if spec.train.decay == "plateau" and not all(len(dataset.source("test", d)) for d in DOMAINS):
        raise DataError('train.decay = "plateau" needs test images, and there are none')
    for metric in spec.measurable(dataset.paired("test")).values():
        metric.build()  # what cannot be had, such as weights, is missed now
    for split in ("train", "test"):
        _refuse_odd_pairs(dataset, split)
    samples = _samples(loaded, dataset, sources)
    method, ends = _method(spec, dataset, device)
    _fits(samples, method)
    job = Job(loaded, device, dataset, samples, method, ends)
    if spec.train.warmup >= job.steps:
        problem = f"the run has {job.steps} steps, and would end while its rate still rises"
        raise loaded.source.error([Problem(("train", "warmup"), problem)])
    return job


def _refuse_odd_pairs(dataset: Dataset, split: Split) -> None:
    if not dataset.paired(split):
        return
    a, b = (len(dataset.source(split, domain)) for domain in DOMAINS)
    if a != b:
        raise DataError(
            f"the data set {dataset.name!r} says that its {split} images are pairs, but there are "
            f"{a} of the first domain and {b} of the second"
        )


def _samples(
    loaded: LoadedSpec, dataset: Dataset, sources: Mapping[Domain, ImageSource]
) -> TrainingSamples:
    spec, own = loaded.run, loaded.registry.file_plugins()
    images_a_step = spec.train.batch_size * spec.train.accumulate
    largest = max(len(source) for source in sources.values())
    return TrainingSamples(
        FilePlugins(tuple(origin.file for origin in own if origin.file)),
        sources,
        spec.data.transform,
        {domain: dataset.channels(domain) for domain in DOMAINS},
        spec.seed,
        epoch_size=math.ceil(largest / images_a_step) * images_a_step,
        paired=dataset.paired("train"),
    )


def _method(
    spec: RunSpec, dataset: Dataset, device: torch.device
) -> tuple[Method, dict[str, Ends]]:
    """The method with its networks made, and what each of them reads and writes."""
    ends: dict[str, Ends] = {}
    losses: dict[str, Loss] = {}
    for name, config in spec.losses.items():
        seed_torch(spec.seed, "build", "loss", name)
        losses[name] = config.build()

    def make_generator(name: str, source: Domain, target: Domain) -> Generator:
        ends[name] = Ends(source, target)
        seed_torch(spec.seed, "build", name)
        made: Generator = spec.generator.build(
            in_channels=dataset.channels(source), out_channels=dataset.channels(target)
        )
        initialise(made, spec.init, spec.seed, name)
        return made.to(device)

    def make_discriminator(name: str, domain: Domain) -> Discriminator:
        ends[name] = Ends(None, domain)
        seed_torch(spec.seed, "build", name)
        made: Discriminator = spec.discriminator.build(in_channels=dataset.channels(domain))
        initialise(made, spec.init, spec.seed, name)
        return made.to(device)

    # What a loss owns, such as a network that it compares features of, is not trained.
    frozen = LossSet(losses).to(device).requires_grad_(False)
    parts = Parts(frozen, spec.seed, make_generator, make_discriminator)
    method: Method = spec.method.build(parts=parts)
    return method, ends


def _fits(samples: TrainingSamples, method: Method) -> None:
    """Whether the first images have a size that the networks take; the loader sees to the rest."""
    first = samples[0]
    if isinstance(first, DataError):
        raise first
    images, labels = first
    for domain in DOMAINS:
        height, width = images[domain].shape[1:]
        what = f"{labels[domain]} is {width} x {height} pixels after the transform"
        for network in method.networks.values():
            least = getattr(network, "min_size", 1)
            if min(height, width) < least:
                raise DataError(
                    f"{what}, too small for the {network.kind} {network.name!r}, which needs "
                    f"{least}: set data.transform.resize, or choose a smaller network"
                )
            multiple = getattr(network, "multiple_of", 1)
            if height % multiple or width % multiple:
                raise DataError(
                    f"{what}, no multiple of {multiple}, which the {network.kind} "
                    f"{network.name!r} needs: set data.transform.crop"
                )
