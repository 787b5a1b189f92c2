"""A running mean of weights, which often translates better than the newest weights."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """mean <- decay * mean + (1 - decay) * weight after each step; buffers are copied.

    For the first steps the decay is lower, (1 + n) / (10 + n), so that the beginning is forgotten.

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
        # All weights in a few kernels.
        into = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        into(list(self.mean.parameters()), list(self.network.parameters()), step)
        for kept, buffer in zip(self.mean.buffers(), self.network.buffers(), strict=True):
            kept.copy_(buffer)
