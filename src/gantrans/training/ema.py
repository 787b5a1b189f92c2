"""A running mean of weights, which often translates better than the newest weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gantrans.api.network import running_statistics


class WeightAverage:
    """mean <- decay * mean + (1 - decay) * weight after each step, n steps in all.

    For the first steps the decay is lower, (1 + n) / (10 + n), so that the beginning is forgotten.

    Running statistics, such as those of batch norm, are averaged as the weights are: they belong to
    the activations of these weights, and those of the newest weights alone do not fit the mean.
    Other buffers are copied: counters, constants, and the vectors of spectral norm, which have to
    stay of length 1.

    Args:
        network: whose weights are averaged.
        decay: of the mean, in [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.mean = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` finished steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        means, newest = _averaged(self.mean), _averaged(self.network)
        # All in a few kernels.
        into = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        into(list(means.values()), list(newest.values()), step)
        buffers = dict(self.network.named_buffers())
        for name, kept in self.mean.named_buffers():
            if name not in means:
                kept.copy_(buffers[name])


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    """Weights and running statistics by name; no counters."""
    statistics = running_statistics(network)
    return {
        **dict(network.named_parameters()),
        **{name: buffer for name, buffer in statistics.items() if buffer.is_floating_point()},
    }
