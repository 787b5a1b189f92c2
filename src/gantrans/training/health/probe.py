"""What only further passes tell: do outputs depend on inputs, do translations hide their inputs?

Each costs a few passes of the generators, and is asked for seldom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.api.method import Method
from gantrans.api.randomness import derived_seed
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.inference.padding import run_padded
from gantrans.training.health import quantities as q
from gantrans.training.in_use import in_use

NOISE = 0.02
"""Standard deviation of the noise on a translation of full contrast: 2.5 levels of 255, which one
hardly sees."""

INPUTS = 4
"""Images of a domain whose translations are compared with each other."""


def variation(
    generators: Mapping[Direction, Generator],
    images: Mapping[Domain, Sequence[Tensor]],
    size: tuple[int, int],
    device: torch.device,
) -> dict[Direction, float]:
    """How much translations of different images differ from each other; 1: as real images do.

    Near 0 they are one picture, whatever goes in. All are made by the same weights: outputs that
    change over training do not count as different.

    Args:
        generators: by direction.
        images: some of each domain, (C, H, W) in [-1, 1]; the same ones at every look.
        size: height and width of which no more is translated of each, from their middle.
        device: of the generators.
    """
    found: dict[Direction, float] = {}
    with in_use(list(generators.values())):
        for way, (source, target) in ENDS.items():
            inputs, real = (images.get(end, ())[:INPUTS] for end in (source, target))
            if way not in generators or min(len(inputs), len(real)) < 2:
                continue
            fakes = [run_padded(generators[way], _middle(x, size).to(device)) for x in inputs]
            usual = _variation([_middle(x, size) for x in real])
            if usual > 0:
                found[way] = _variation(fakes) / usual
    return found


def variation_of_sheets(
    method: Method, images: Mapping[Domain, Sequence[Tensor]]
) -> dict[Domain, float]:
    """The same of a method that translates nothing: how much what it draws on its sheets differs.

    Args:
        method: it reads one domain.
        images: some real ones of that, (C, H, W) in [-1, 1].
    """
    found: dict[Domain, float] = {}
    with in_use(list(method.networks.values())):
        for domain, real in images.items():
            drawn = list(method.sheets(method.networks, INPUTS).values())
            usual = _variation([x[None] for x in real]) if len(real) > 1 else 0.0
            if drawn and usual > 0:
                found[domain] = _variation(drawn) / usual
    return found


def hidden(
    generators: Mapping[Direction, Generator],
    pairs: Mapping[Direction, tuple[Tensor, Tensor]],
    seed: int,
    step: int,
) -> dict[Direction, float]:
    """How much slight noise on a translation upsets the way back.

    The error of the way back with the noise, over its error without and the noise's own size: 1 or
    less where a translation shows what the way back needs. Much more where it hides what it does
    not show in a signal as weak as the noise (Chu et al. 2017, CycleGAN, a Master of
    Steganography). A translation of less contrast than its input gets less noise: to stretch it
    again is no fault of the way back.

    Args:
        generators: by direction.
        pairs: what was translated and its translation, by direction.
        seed: of the run.
        step: names the noise.
    """
    found: dict[Direction, float] = {}
    with in_use(list(generators.values())):
        for way, (real, fake) in pairs.items():
            back: Direction = "ba" if way == "ab" else "ab"
            if back not in generators:
                continue
            drawn = torch.Generator().manual_seed(
                derived_seed(seed, "noise on a translation", step)
            )
            noise = NOISE * torch.randn(fake.shape, generator=drawn).to(fake.device)
            contrast = (fake.std() / real.std().clamp_min(1e-3)).clamp_max(1)
            again = run_padded(generators[back], torch.cat([fake, fake + contrast * noise]))
            clean, noisy = (float(error) for error in (again - real).abs().mean((1, 2, 3)))
            found[way] = noisy / (clean + float(noise.abs().mean()))
    return found


def _variation(images: Sequence[Tensor]) -> float:
    return float(q.variation(torch.cat([q.thumbnails(x).cpu() for x in images])))


def _middle(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, C, at most H, at most W)"""
    top, left = (
        max(0, (have - want) // 2) for have, want in zip(image.shape[1:], size, strict=True)
    )
    return image[None, :, top : top + size[0], left : left + size[1]]
