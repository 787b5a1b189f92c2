"""Images of any size through a generator that wants multiples of something."""

from __future__ import annotations

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
    y: Tensor = generator(_padded(x, generator.multiple_of, generator.min_size))
    return y[..., :height, :width]


def _padded(x: Tensor, multiple: int, least: int) -> Tensor:
    height, width = (-max(side, least) % multiple + max(side, least) for side in x.shape[-2:])
    x = _pad(x, (0, width - x.shape[-1], 0, 0))
    return _pad(x, (0, 0, 0, height - x.shape[-2]))


def _pad(x: Tensor, amounts: tuple[int, int, int, int]) -> Tensor:
    """(left, right, top, bottom), along one axis; reflection needs more pixels than it adds."""
    if not any(amounts):
        return x
    along = x.shape[-1] if amounts[1] else x.shape[-2]
    return F.pad(x, amounts, mode="reflect" if max(amounts) < along else "replicate")
