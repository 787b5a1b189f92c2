"""The networks of a run: the method, built from the spec with what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from gantrans.api.component import ComponentConfig, Kind
from gantrans.api.dataset import Dataset
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.loss import Loss
from gantrans.api.method import LossSet, Method, Parts
from gantrans.api.step import DOMAINS, Domain
from gantrans.errors import PluginError
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import RunSpec
from gantrans.training.initialise import initialise, seed_torch

Network = TypeVar("Network", Generator, Discriminator)

META = torch.device("meta")
"""Where networks have shapes, and neither values nor memory."""


@dataclass(frozen=True)
class Ends:
    """Who a network is, and what it reads and writes.

    Args:
        kind: generator, discriminator, or method: one that the method made itself.
        source: the domain that a generator reads, or that a conditional discriminator sees too.
        target: the domain that it writes or judges; None of a method with both.
        in_channels: that it reads.
        out_channels: that it writes; None of a discriminator.
    """

    kind: Kind
    source: Domain | None
    target: Domain | None
    in_channels: int
    out_channels: int | None

    def component(self, spec: RunSpec) -> ComponentConfig:
        """What it was built from."""
        config: ComponentConfig = getattr(spec, self.kind)
        return config


def build_losses(spec: RunSpec) -> LossSet:
    """The losses, on the CPU; only the parameters of those that are trained have gradients."""
    losses: dict[str, Loss] = {}
    for name, config in spec.losses.items():
        seed_torch(spec.seed, "build", "loss", name)
        losses[name] = config.build()
        if not losses[name].trainable:  # it may own a network that it compares features of
            losses[name].requires_grad_(False)
    return LossSet(losses)


def build_method(
    spec: RunSpec, dataset: Dataset, losses: LossSet, device: torch.device
) -> tuple[Method, dict[str, Ends]]:
    """The method with its networks, and who each of them is.

    On the meta device nothing is drawn and no loss is needed: it tells which networks a spec makes,
    before anything is paid for.
    """
    ends: dict[str, Ends] = {}
    channels = {domain: dataset.channels(domain) for domain in DOMAINS}

    def make_generator(name: str, source: Domain, target: Domain) -> Generator:
        ends[name] = Ends("generator", source, target, channels[source], channels[target])
        seed_torch(spec.seed, "build", name)
        made: Generator = spec.generator.build(
            in_channels=channels[source], out_channels=channels[target]
        )
        made.recompute = spec.train.recompute
        return _started(made, name)

    def make_discriminator(name: str, domain: Domain, given: Domain | None = None) -> Discriminator:
        read = channels[domain] + (channels[given] if given else 0)
        ends[name] = Ends("discriminator", given, domain, read, None)
        seed_torch(spec.seed, "build", name)
        made: Discriminator = spec.discriminator.build(in_channels=read)
        return _started(made, name)

    def _started(made: Network, name: str) -> Network:
        if device != META:
            initialise(made, spec.init, spec.seed, name)
        return made.to(device)

    parts = Parts(losses, spec.seed, make_generator, make_discriminator, channels)
    seed_torch(spec.seed, "build", "method")
    with META if device == META else nullcontext():
        method: Method = spec.method.build(parts=parts)
    domains: tuple[Domain, ...] = spec.method.domains
    only = domains[0] if len(domains) == 1 else None
    for name, network in method.networks.items():
        if name not in ends:
            if isinstance(network, Generator | Discriminator):
                raise PluginError(
                    f"the method {method.name!r} has a {network.kind} in networks[{name!r}] that "
                    f"`parts` did not make under this name (it made {', '.join(ends)}): use one"
                )
            ends[name] = Ends("method", None, only, 0, channels[only] if only else None)
            network.to(device)
    return method, ends


def outline(loaded: LoadedSpec) -> tuple[Method, dict[str, Ends]]:
    """The method of a spec as it would be built: networks of shapes alone, and no losses."""
    dataset: Dataset = loaded.run.data.build(base_dir=loaded.source.base_dir)
    return build_method(loaded.run, dataset, LossSet({}), META)


def fit_losses(spec: RunSpec, method: Method, size: tuple[int, int]) -> dict[str, str]:
    """Make what losses own whose shapes depend on the generator's features, and draw it.

    Args:
        spec: the run's.
        method: with generators whose layers the losses read.
        size: height and width of the training images.

    Returns:
        By the name of a loss, why it cannot work on such images.
    """
    wrong: dict[str, str] = {}
    for name, loss in method.parts.losses.by_name.items():
        layers = loss.config.encoder_layers
        if layers:
            seed_torch(spec.seed, "fit", "loss", name)
            try:
                loss.fit_to(shapes(spec, method, layers, size))
            except ValueError as error:
                wrong[name] = str(error)
                continue
        if loss.trainable:
            if not any(weight.requires_grad for weight in loss.parameters()):
                raise PluginError(
                    f"the loss {name!r} is trainable, and has no parameters to train: make them in "
                    "its __init__ or fit_to()"
                )
            initialise(loss, spec.init, spec.seed, f"loss/{name}")
    return wrong


def shapes(
    spec: RunSpec, method: Method, layers: tuple[str, ...], size: tuple[int, int]
) -> Mapping[str, tuple[int, int, int]]:
    """(channels, height, width) of the first generator's features, without computing them."""
    generator = next(iter(method.generators.values()))
    with META:
        twin: Generator = spec.generator.build(
            in_channels=generator.in_channels, out_channels=generator.out_channels
        )
        seen = twin.encoder_features(torch.empty(1, generator.in_channels, *size), layers)
    return {layer: _shape(seen[layer]) for layer in layers}


def _shape(features: Tensor) -> tuple[int, int, int]:
    _, channels, height, width = features.shape
    return channels, height, width
