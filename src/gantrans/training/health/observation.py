"""What is looked at in one training step, kept on its device until it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.method import Batch
from gantrans.api.step import DOMAINS, ENDS, Direction, Domain
from gantrans.training.health import quantities as q


@dataclass(frozen=True)
class Look:
    """What one look at a translation of one direction shows, on the CPU.

    Args:
        numbers: by quantity.
        fake, real: the pattern (4, 4) in the translation, and in a real image of its domain; None
            where they are too small.
    """

    numbers: Mapping[str, float]
    fake: Tensor | None
    real: Tensor | None


class Observation:
    """Takes in what a step shows it; TrainingStep calls.

    Of the images the first of the batch counts, which is the same one on any number of ranks.
    Nothing is computed that changes training, and nothing waits for the device before `looks` and
    `gradients` are asked for.

    Args:
        generators: those that translate, by direction.
    """

    def __init__(self, generators: Mapping[Direction, Generator]) -> None:
        self.generators = generators
        self._norms: dict[str, Tensor] = {}
        self._sizes: dict[str, int] = {}
        self._batch: Batch | None = None

    def gradients_of(self, network: str, weights: Sequence[nn.Parameter]) -> None:
        """The gradients of a network's weights, before the optimizer takes them."""
        found = [w.grad for w in weights if w.grad is not None and not w.grad.is_sparse]
        if found:
            norms = [norm.float().to(found[0].device) for norm in torch._foreach_norm(found)]
            self._norms[network] = torch.stack(norms).norm()
            self._sizes[network] = sum(gradient.numel() for gradient in found)

    def images_of(self, batch: Batch) -> None:
        """What a batch held and what was made of it."""
        self._batch = batch

    def gradients(self) -> dict[str, float]:
        """The root mean square of the gradient's elements, by network."""
        return {
            name: float(norm) / math.sqrt(self._sizes[name]) for name, norm in self._norms.items()
        }

    def looks(self) -> dict[Direction | Domain, Look]:
        """By direction; by domain where something is made that is no translation."""
        return {where: _look(source, fake, real) for where, source, fake, real in self._made()}

    def pairs(self) -> dict[Direction, tuple[Tensor, Tensor]]:
        """What was translated and its translation, each (1, C, H, W), by direction."""
        real, fake = (self._batch.real, self._batch.fake) if self._batch else ({}, {})
        return {
            way: (real[source][:1], fake[target][:1])
            for way, (source, target) in ENDS.items()
            if way in self.generators and source in real and target in fake
        }

    def _made(self) -> Iterator[tuple[Direction | Domain, Tensor | None, Tensor, Tensor]]:
        """Where, input, output and a real image, of each domain that something was made of."""
        pairs = self.pairs()
        real, fake = (self._batch.real, self._batch.fake) if self._batch else ({}, {})
        for domain in DOMAINS:
            if domain not in fake or domain not in real:
                continue
            ways = [way for way in pairs if ENDS[way][1] == domain]
            if not ways:
                yield domain, None, fake[domain][:1], real[domain][:1]
            for way in ways:
                source, made = pairs[way]
                same = source.shape == made.shape
                yield way, source if same else None, made, real[domain][:1]


@torch.no_grad()
def _look(source: Tensor | None, fake: Tensor, real: Tensor) -> Look:
    numbers = {"saturated": q.saturation(fake) - q.saturation(real)}
    if source is not None:
        numbers["unchanged"] = q.unchanged(source, fake)
        numbers["likeness"] = q.likeness(source, fake)
    patterns = [None if (found := q.lattice(x)) is None else found.cpu() for x in (fake, real)]
    return Look({name: float(number) for name, number in numbers.items()}, *patterns)
