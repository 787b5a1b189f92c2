"""From a valid spec to the parts of a run; what contradicts is refused here, before step 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.method import Method
from gantrans.api.problem import Problem
from gantrans.api.step import DOMAINS, ENDS, Domain
from gantrans.errors import DataError
from gantrans.inference import memory
from gantrans.plugin.carried import FilePlugins
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import RunSpec
from gantrans.training.batch import Sample
from gantrans.training.build import Ends, build_losses, build_method, fit_losses
from gantrans.training.choice_contradictions import refuse_without_test_images
from gantrans.training.contradictions import check
from gantrans.training.data import TrainingSamples
from gantrans.training.distributed import ALONE, Ranks
from gantrans.training.execution import Execution, choose
from gantrans.training.faults import blaming


@dataclass(frozen=True)
class Job:
    """Everything a run is made of, built and checked, on its device."""

    loaded: LoadedSpec
    device: torch.device
    dataset: Dataset
    samples: TrainingSamples
    method: Method
    ends: Mapping[str, Ends]
    execution: Execution
    ranks: Ranks = ALONE

    @property
    def spec(self) -> RunSpec:
        """The validated spec."""
        return self.loaded.run

    @property
    def images_per_step(self) -> int:
        """Images of each domain that a step takes, on all ranks together."""
        return self.spec.train.batch_size * self.spec.train.accumulate

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which the larger domain is seen once."""
        return self.samples.epoch_size // self.images_per_step

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.spec.train.epochs * self.steps_per_epoch


def assemble(loaded: LoadedSpec, device: torch.device, ranks: Ranks = ALONE) -> Job:
    """Build the data, the networks and the losses; on each of the ranks that train together.

    Raises:
        SpecError: if the spec contradicts itself (see `check`), so many ranks cannot share a
            batch, a batch is larger than an epoch, or a step than the memory.
        DataError: if images are missing, or the first of them do not fit the networks.
        PluginError: if a plugin's code fails.
        UsageError: if the device cannot compute as the spec says.
    """
    check(loaded)
    batch_size = loaded.run.train.batch_size
    if batch_size % ranks.count:
        problem = (
            f"a batch of {batch_size} cannot be shared equally by {ranks.count} processes: take a "
            f"multiple of {ranks.count}, as with --set train.batch_size="
            f"{batch_size + -batch_size % ranks.count}"
        )
        raise loaded.source.error([Problem(("train", "batch_size"), problem)])
    with blaming(loaded):
        return _assembled(loaded, device, ranks)


def with_settings(job: Job, train: Mapping[str, object]) -> Job:
    """The job, built anew with other values of keys of `[train]`."""
    settings = job.spec.train.model_copy(update=dict(train))
    run = job.spec.model_copy(update={"train": settings})
    return assemble(replace(job.loaded, run=run), job.device, job.ranks)


def _assembled(loaded: LoadedSpec, device: torch.device, ranks: Ranks) -> Job:
    spec = loaded.run
    execution = choose(spec.train, device)
    dataset: Dataset = spec.data.build(base_dir=loaded.source.base_dir)
    sources = {domain: dataset.source("train", domain) for domain in spec.method.domains}
    for domain, source in sources.items():
        if not len(source):
            raise DataError(f"no training images of {getattr(spec.domains, domain)}")
    refuse_without_test_images(spec.train, dataset, list(sources))
    if len(sources) == len(DOMAINS):
        for split in ("train", "test"):
            _refuse_odd_pairs(dataset, split)
    samples = _samples(loaded, dataset, sources)
    method, ends = build_method(spec, dataset, build_losses(spec), device)
    if method.generators:
        both_ways = len(method.generators) == len(ENDS)
        for metric in spec.measurable(dataset.paired("test"), both_ways=both_ways).values():
            metric.build()  # what cannot be had, such as weights, is missed now
    first = samples[0]
    if isinstance(first, DataError):
        raise first
    _refuse_beyond_memory(loaded, first, device, ranks)
    size = _fits(first, method)
    if wrong := fit_losses(spec, method, size):
        raise loaded.source.error([Problem(("losses", name), why) for name, why in wrong.items()])
    method.parts.losses.to(device)
    job = Job(loaded, device, dataset, samples, method, ends, execution, ranks)
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
    visits = max(len(source) for source in sources.values()) * spec.data.repeat
    if spec.train.batch_size > visits:
        problem = (
            f"more than the {visits} images of an epoch: choose at most that many, or a larger "
            "data.repeat if a batch shall hold an image several times"
        )
        raise loaded.source.error([Problem(("train", "batch_size"), problem)])
    return TrainingSamples(
        FilePlugins(tuple(origin.file for origin in own if origin.file)),
        sources,
        spec.data.transform,
        {domain: dataset.channels(domain) for domain in sources},
        spec.seed,
        epoch_size=math.ceil(visits / images_a_step) * images_a_step,
        paired=len(sources) == len(DOMAINS) and dataset.paired("train"),
    )


def _refuse_beyond_memory(
    loaded: LoadedSpec, first: Sample, device: torch.device, ranks: Ranks
) -> None:
    """Refuse a step whose images alone take more memory than there is.

    The system would end the process, or others, without a word. On a GPU torch says it.
    """
    train, room = loaded.run.train, memory.room()
    cuts = first.cuts.values()
    each = sum(cut.numel() * cut.element_size() for cut in cuts)
    if device.type != "cuda":  # the step has them as float32 too
        each += sum(cut.numel() * 4 for cut in cuts if cut.dtype == torch.uint8)
    here = train.batch_size * train.accumulate * ranks.here[1] // ranks.count
    if room is not None and each * here > room:
        problem = (
            f"the images of a step (batch_size x accumulate) take {memory.mebibytes(each * here)} "
            f"on this machine, and {memory.mebibytes(room)} are free: choose a smaller value, or a "
            "smaller data.transform.crop"
        )
        raise loaded.source.error([Problem(("train", "batch_size"), problem)])


def _fits(first: Sample, method: Method) -> tuple[int, int]:
    """Height and width of the smallest of the first images, if the networks take all of them.

    The loader sees to it that the others are as large as the first.
    """
    images, labels = first.cuts, first.labels
    for domain in images:
        height, width = images[domain].shape[1:]
        what = f"{labels[domain]} is {width} x {height} pixels after the transform"
        side = method.config.side
        if side is not None and (height, width) != (side, side):
            raise DataError(
                f"{what}, and the method {method.name!r} takes {side} x {side}: set "
                f"data.transform.crop = {side}, or the method's own size"
            )
        for network in method.networks.values():
            if not isinstance(network, Generator | Discriminator):
                continue
            if min(height, width) < network.min_size:
                raise DataError(
                    f"{what}, too small for the {network.kind} {network.name!r}, which needs "
                    f"{network.min_size}: set data.transform.resize, or choose a smaller network"
                )
            multiple = getattr(network, "multiple_of", 1)
            if height % multiple or width % multiple:
                raise DataError(
                    f"{what}, no multiple of {multiple}, which the {network.kind} "
                    f"{network.name!r} needs: set data.transform.crop"
                )
    sizes = [(image.shape[1], image.shape[2]) for image in images.values()]
    return min(sizes, key=math.prod)
