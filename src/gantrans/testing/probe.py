"""Probe: a network under test, built once, and how it is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantrans.testing.subject import Subject

ORDINARY = 16
"""Pixels: the side of an image that is no special case, where a network can take it."""


@dataclass(frozen=True)
class Probe:
    """A network, with what is needed to try it.

    Args:
        subject: the component that it is of.
        network: built after torch was seeded with 0, in training mode.
        build: builds another one.
        shape: (C, H, W) of an image that suits it.
    """

    subject: Subject
    network: nn.Module
    build: Callable[[], nn.Module]
    shape: tuple[int, int, int]

    def fresh(self, seed: int) -> nn.Module:
        """Another one, built after torch was seeded, in training mode."""
        torch.manual_seed(seed)
        return self.build().train()

    def images(self, count: int = 1) -> Tensor:
        """(count, C, H, W) in [-1, 1], always the same."""
        return noise(count, *self.shape)


def probe_of(
    subject: Subject, build: Callable[[], nn.Module], shape: Callable[[Any], Any]
) -> Probe:
    """A probe, made once for a subject; `shape` says what suits the built network."""

    def make() -> Probe:
        torch.manual_seed(0)
        network = build().train()
        return Probe(subject, network, build, shape(network))

    return subject.once("probe", make)


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Uniform in [-1, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def legal_side(network: nn.Module, at_least: int) -> int:
    """The smallest side, from `at_least` on, that the network says it can take."""
    multiple = int(getattr(network, "multiple_of", 1))
    return -(-max(at_least, int(getattr(network, "min_size", 1))) // multiple) * multiple


def maps(result: Any) -> list[Tensor]:
    """The tensors of a result: one, or several scales."""
    return [result] if isinstance(result, Tensor) else list(result)


@contextmanager
def in_mode(network: nn.Module, *, training: bool) -> Iterator[None]:
    """In training or in use; running statistics and the mode are afterwards as they were."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    mode = network.training
    network.train(training)
    try:
        yield
    finally:
        network.train(mode)
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(before[name])


def in_use(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What a network that is not in training makes of `x`."""
    with in_mode(network, training=False), torch.no_grad():
        return [y.clone() for y in maps(network(x))]


def in_training(network: nn.Module, x: Tensor, seed: int = 3) -> list[Tensor]:
    """What a network in training makes of `x`, after torch was seeded."""
    torch.manual_seed(seed)
    with in_mode(network, training=True), torch.no_grad():
        return [y.clone() for y in maps(network(x))]


def seeds_torch(doing: Callable[[], object]) -> bool:
    """Whether torch draws the same after `doing`, whatever it was seeded with before."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        doing()
        states.append(torch.get_rng_state())
    return torch.equal(*states)


def rms(tensors: Sequence[Tensor]) -> float:
    """The root mean square of all values."""
    return float(torch.cat([t.double().flatten() for t in tensors]).square().mean().sqrt())


def distance(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """The root mean square of the difference, as a share of the first."""
    differences = [a.double() - b.double() for a, b in zip(some, others, strict=True)]
    return rms(differences) / max(rms(some), 1e-12)


def equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """The same tensors to the last bit."""
    return len(some) == len(others) and all(map(torch.equal, some, others))
