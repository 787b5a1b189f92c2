"""Style mixing: some images get the styles of two z (Karras et al. 2019, section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor


def mix_styles(first: Tensor, second: Tensor, layers: int, probability: float) -> Tensor:
    """For each image the style of each layer; drawn from torch's generator.

    With `probability`, an image has `second` from a layer on that is drawn for it, so that a layer
    cannot count on what the layers before it were told.

    Args:
        first: (N, latent).
        second: (N, latent).
        layers: how many styles an image takes, 2 at least.
        probability: in [0, 1].

    Returns:
        (N, layers, latent).
    """
    shape, device = (len(first), 1, 1), first.device
    mixed = torch.rand(shape, device=device) < probability
    crossover = torch.randint(1, layers, shape, device=device)
    layer = torch.arange(layers, device=device)[None, :, None]
    return torch.where(mixed & (layer >= crossover), second[:, None], first[:, None])
