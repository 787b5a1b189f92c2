"""Mean, variance, least and largest value of each channel of a map, gathered tile by tile."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Count, mean, sum of squared deviations, least and largest value of each channel (Chan et al.
    1979, "Updating formulae and a pairwise algorithm for computing sample variances")."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(1, dtype=torch.float64)
        self.squares = torch.zeros(1, dtype=torch.float64)
        self.low = torch.full((1,), float("inf"))
        self.high = torch.full((1,), float("-inf"))

    def add(self, tile: Tensor) -> None:
        """Take in a tile (1, C, h, w)."""
        var, mean = torch.var_mean(tile.float(), dim=(0, 2, 3), correction=0)
        var, mean = var.cpu().double(), mean.cpu().double()  # not every device knows float64
        count = tile.shape[2] * tile.shape[3]
        total = self.count + count
        apart = mean - self.mean
        self.squares = self.squares + var * count + apart.square() * self.count * count / total
        self.mean = self.mean + apart * count / total
        self.count = total
        self.low = torch.minimum(self.low, tile.amin((0, 2, 3)).float().cpu())
        self.high = torch.maximum(self.high, tile.amax((0, 2, 3)).float().cpu())

    @property
    def var(self) -> Tensor:
        """The mean squared deviation of each channel, (C,)."""
        return self.squares / self.count

    def of_groups(self, groups: int) -> tuple[Tensor, Tensor]:
        """Mean and variance of each group of neighbouring channels, for each channel, (C,)."""
        channels = len(self.mean)
        means, variances = self.mean.view(groups, -1), self.var.view(groups, -1)
        mean = means.mean(dim=1, keepdim=True)
        var = variances.mean(dim=1, keepdim=True) + (means - mean).square().mean(1, keepdim=True)
        across = channels // groups
        return mean.expand(-1, across).reshape(-1), var.expand(-1, across).reshape(-1)
