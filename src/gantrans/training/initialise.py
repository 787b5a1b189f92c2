"""The weights that a network starts from."""

from __future__ import annotations

import torch
from torch import nn

from gantrans.api.randomness import derived_seed


@torch.no_grad()
def initialise(network: nn.Module, seed: int, name: str, std: float = 0.02) -> None:
    """Convolutions and linear layers from a normal distribution, biases 0 (Zhu et al. 2017).

    The scale of an affine normalisation is drawn around 1, its shift is 0. The draw is a function
    of the run's seed and the network's name alone.
    """
    if getattr(network, "own_weights", False):
        return
    random = torch.Generator().manual_seed(derived_seed(seed, "initialise", name))
    for module in network.modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if isinstance(weight, nn.Parameter):
            convolves = weight.dim() > 1
            weight.copy_(torch.randn(weight.shape, generator=random) * std + (not convolves))
        if isinstance(bias, nn.Parameter):
            bias.zero_()


def seed_torch(seed: int, *key: str | int) -> None:
    """Set torch's generators to a function of (seed, key), as every random draw of a run is."""
    torch.manual_seed(derived_seed(seed, *key))
