"""Images of any size through a generator that wants multiples of something."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from gantrans.api.generator import Generator


def run_padded(generator: Generator, x: Tensor) -> Tensor:
    """The generator on images of any size: (N, C_in, H, W) -> (N, C_out, H, W), both in [-1, 1].

    Where the size does not fit, the images are continued to the right and downwards, by reflection,
    up to the next multiple of `generator.multiple_of` that is at least `generator.min_size`; the
    result is cropped back.
    """
    height, width = x.shape[-2:]
    y: Tensor = generator(padded(generator, x))
    return y[..., :height, :width]


def padded(generator: Generator, x: Tensor) -> Tensor:
    """Images (..., C_in, H, W) continued to the size that the generator is run at for them."""
    height, width = x.shape[-2:]
    down, across = padded_size(generator, height, width)
    x = _continued(x, (0, across - width, 0, 0), side=width)
    return _continued(x, (0, 0, 0, down - height), side=height)


def padded_size(generator: Generator, height: int, width: int) -> tuple[int, int]:
    """The height and width that the generator is run at for images of that size."""
    multiple, least = generator.multiple_of, generator.min_size
    down, across = (-max(s, least) % multiple + max(s, least) for s in (height, width))
    return down, across


def continued_by(side: int, padded: int) -> Literal["reflect", "replicate"]:
    """How a side is continued to its padded length: reflection needs more pixels than it adds."""
    return "reflect" if padded - side < side else "replicate"


def _continued(x: Tensor, amounts: tuple[int, int, int, int], side: int) -> Tensor:
    """More to the right, or below."""
    if not any(amounts):
        return x
    return F.pad(x, amounts, mode=continued_by(side, side + max(amounts)))
