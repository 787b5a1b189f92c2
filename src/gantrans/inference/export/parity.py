"""Whether an exported file gives what torch gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.errors import GantransError
from gantrans.inference.export.tracing import in_short

Run = Callable[[Tensor], Tensor]
"""Translates: (N, C_in, H, W) in [-1, 1] -> (N, C_out, H, W) in [-1, 1], on the CPU."""

LARGEST_DIFFERENCE = 1e-3
"""Of values in [-1, 1]; one step of 8 bits is 7.8e-3."""


class Size(NamedTuple):
    """Of a batch of images."""

    images: int
    height: int
    width: int

    def __str__(self) -> str:
        """Such as "2 images of 64 x 48", width first."""
        images = "1 image" if self.images == 1 else f"{self.images} images"
        return f"{images} of {self.width} x {self.height}"


@dataclass(frozen=True)
class Parity:
    """What was compared, and the largest difference of two values in [-1, 1]."""

    sizes: tuple[Size, ...]
    difference: float


def sizes_for(generator: Generator) -> tuple[Size, ...]:
    """A batch that needs no padding, an image that needs some, and a small one that needs more."""
    multiple = generator.multiple_of
    side = -(-max(64, generator.min_size) // multiple) * multiple
    small = generator.min_size // 2 + 1
    return (
        Size(2, side, side),
        Size(1, side + side // 2 | 1, side + 1),
        Size(1, small | 1, side - 1),
    )


def compare(exported: Run, original: Run, generator: Generator) -> Parity:
    """Run both on the same noise, at the sizes for this generator.

    Raises:
        GantransError: if the exported one cannot be run, or a value differs by more than
            LARGEST_DIFFERENCE.
    """
    sizes = sizes_for(generator)
    differences = [_difference(exported, original, generator, size) for size in sizes]
    return Parity(sizes, max(differences))


def _difference(exported: Run, original: Run, generator: Generator, size: Size) -> float:
    draws = torch.Generator().manual_seed(0)
    images = torch.rand(size.images, generator.in_channels, *size[1:], generator=draws) * 2 - 1
    wanted = original(images)
    try:
        found = exported(images)
    except Exception as error:  # whatever the runtime raises
        raise GantransError(
            f"the exported generator {generator.name!r} cannot run on {size}: {in_short(error)}"
        ) from error
    if found.shape != wanted.shape:
        raise GantransError(
            f"the exported generator {generator.name!r} makes {tuple(found.shape)} of {size}, and "
            f"the original {tuple(wanted.shape)}"
        )
    difference = (found - wanted).abs().max().item()
    if not difference <= LARGEST_DIFFERENCE:  # or it is no number
        raise GantransError(
            f"the exported generator {generator.name!r} gives another picture than the original: "
            f"on {size} the largest difference is {difference:.2g}, and {LARGEST_DIFFERENCE:g} is "
            "allowed; a generator that draws random numbers, or decides by an image's values, "
            "cannot be exported"
        )
    return difference
