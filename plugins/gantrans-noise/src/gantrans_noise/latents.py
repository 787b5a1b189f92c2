"""What images are made of when they shall be the same again: z and noise, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gantrans.api.randomness import derived_seed
from gantrans_noise.generator import StyleGenerator


@dataclass(frozen=True)
class Latents:
    """z (N, latent), and noise for each layer of a generator, each (N, 1, h, w)."""

    z: Tensor
    noise: list[Tensor]


def draw_latents(generator: StyleGenerator, seed: int, numbers: range) -> Latents:
    """Those of some images of a seed, on the generator's device.

    Image n of a seed is the same however many are drawn, and whatever else torch has drawn.

    Args:
        generator: for which they are.
        seed: names the images; any integer.
        numbers: which of the seed's images, such as range(0, 16); one at least.
    """
    device = generator.mean_w.device
    drawn = [list(_of_one(generator, derived_seed(seed, "noise", n))) for n in numbers]
    z, *noise = (torch.stack(part).to(device) for part in zip(*drawn, strict=True))
    return Latents(z, noise)


def _of_one(generator: StyleGenerator, seed: int) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(seed)  # on the CPU: the same on all devices
    yield torch.randn(generator.latent, generator=random)
    for side in generator.noise_sides:
        yield torch.randn(1, side, side, generator=random)
