"""A generator that takes any size itself, in a form that can be exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator


class AnySize(nn.Module):
    """What `run_padded` does with a generator, as one graph for all sizes.

    `run_padded` decides in Python by the size of the image, and an exported graph holds only what
    was decided for one size. Here the same is said by arithmetic on the places of pixels.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, images: Tensor) -> Tensor:
        """(N, C_in, H, W) in [-1, 1], of any size -> (N, C_out, H, W) in [-1, 1]."""
        height, width = images.shape[-2:]
        multiple, least = self.generator.multiple_of, self.generator.min_size
        x = _continued(_continued(images, 3, multiple, least), 2, multiple, least)
        y: Tensor = self.generator(x)
        return y[..., :height, :width]


def _continued(x: Tensor, axis: int, multiple: int, least: int) -> Tensor:
    """Continued along one axis to the next multiple that is at least `least`.

    By reflection, or where that would need more pixels than there are, by repeating the last.
    """
    size = x.shape[axis]
    wanted = (torch.sym_max(size, least) + multiple - 1) // multiple * multiple
    places = torch.arange(wanted, device=x.device)
    last = size - 1
    reflected = last - (places - last).abs()
    is_enough = reflected[-1:] >= 0
    return x.index_select(axis, torch.where(is_enough, reflected, places.clamp(max=last)))
