"""What is looked at in one training step, kept on its device until it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.method import Batch
from gantrans.api.randomness import derived_seed
from gantrans.api.step import DOMAINS, ENDS, Direction, Domain
from gantrans.inference.padding import run_padded
from gantrans.training.health import quantities as q
from gantrans.training.in_use import in_use

NOISE = 0.02
"""Standard deviation of the noise on a translation before its way back: 2.5 levels of 255, which
one hardly sees."""


@dataclass(frozen=True)
class Look:
    """What one look at a translation of one direction shows, on the CPU.

    Args:
        numbers: by quantity.
        fake, real: thumbnails (1, C, 8, 8) of a translation, and of a real image of its domain.
        lattice: the pattern (4, 4) in the translation.
    """

    numbers: Mapping[str, float]
    fake: Tensor
    real: Tensor
    lattice: Tensor


class Observation:
    """Takes in what a step shows it; TrainingStep calls.

    Of the images the first of the batch counts, which is the same one on any number of ranks.
    Nothing is computed that changes training, and nothing waits for the device before `looks`,
    `gradients` and `hidden` are asked for.

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
        found = [weight.grad for weight in weights if weight.grad is not None]
        if found:
            self._norms[network] = torch.stack(torch._foreach_norm(found)).norm()
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
        if self._batch is None:
            return {}
        return {
            where: _look(None if source is None else source[:1], fake[:1], real[:1])
            for where, source, fake, real in self._made(self._batch)
        }

    def hidden(self, seed: int, step: int) -> dict[Direction, float]:
        """How much slight noise on a translation upsets the way back.

        The error of the way back with the noise, over its error without and the noise's own size:
        1 or less where a translation shows what the way back needs. Much more where it hides what
        it does not show in a signal as weak as the noise (Chu et al. 2017, CycleGAN, a Master of
        Steganography). In directions that have a way back.
        """
        if self._batch is None or len(self.generators) < len(ENDS):
            return {}
        found: dict[Direction, float] = {}
        with in_use(list(self.generators.values())):
            for direction, (source, target) in ENDS.items():
                real, fake = self._batch.real[source][:1], self._batch.fake[target][:1]
                generator = torch.Generator().manual_seed(
                    derived_seed(seed, "noise on a translation", step)
                )
                noise = torch.randn(fake.shape, generator=generator).to(fake.device) * NOISE
                back = self.generators["ba" if direction == "ab" else "ab"]
                again = run_padded(back, torch.cat([fake, fake + noise]))
                clean, noisy = (float(error) for error in (again - real).abs().mean((1, 2, 3)))
                found[direction] = noisy / (clean + float(noise.abs().mean()))
        return found

    def _made(
        self, batch: Batch
    ) -> Iterator[tuple[Direction | Domain, Tensor | None, Tensor, Tensor]]:
        """Where, input, output and real images, of each domain that something was made of."""
        for domain in DOMAINS:
            if domain not in batch.fake:
                continue
            fake, real = batch.fake[domain], batch.real[domain]
            ways = [way for way in self.generators if ENDS[way][1] == domain]
            if not ways:
                yield domain, None, fake, real
            for way in ways:
                source = batch.real[ENDS[way][0]]
                yield way, source if source.shape == fake.shape else None, fake, real


@torch.no_grad()
def _look(source: Tensor | None, fake: Tensor, real: Tensor) -> Look:
    numbers = {"saturated": q.saturation(fake) - q.saturation(real)}
    if source is not None:
        numbers["unchanged"] = q.unchanged(source, fake)
        numbers["likeness"] = q.likeness(source, fake)
    return Look(
        {name: float(number) for name, number in numbers.items()},
        q.thumbnails(fake).cpu(),
        q.thumbnails(real).cpu(),
        q.lattice(fake).cpu(),
    )
