"""The sliced Wasserstein distance: how much work makes one set of points another, direction by
direction (Rabin et al. 2011)."""

from __future__ import annotations

import torch
from torch import Tensor

AT_ONCE = 64
"""Directions whose values are sorted together, which bounds the memory."""


def directions(size: int, count: int, seed: int) -> Tensor:
    """Unit vectors (size, count), evenly distributed; the same ones for a seed."""
    drawn = torch.randn(size, count, generator=torch.Generator().manual_seed(seed))
    length: Tensor = torch.linalg.vector_norm(drawn, dim=0)
    return drawn / length


def sliced_wasserstein(x: Tensor, y: Tensor, along: Tensor) -> float:
    """Between points (n, D) and (m, D): the mean over directions (D, K) of the distance of the
    projections, which is the mean difference of their quantiles."""
    total = 0.0
    for some in torch.split(along.to(x.device), AT_ONCE, dim=1):
        total += float(_between(_sorted((x @ some).T), _sorted((y @ some).T)).sum())
    return total / along.shape[1]


def potentials(x: Tensor, y: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """How much each point counts: (n,) and (m,), the mean of the first less that of the second is
    the distance.

    Of each direction it is the function of slope 1 that tells both sets apart best (Kantorovich &
    Rubinstein 1958), here the mean over directions; in float64, on the CPU.
    """
    points = torch.cat([x, y]).cpu()
    total = torch.zeros(len(points), dtype=torch.float64)
    for some in torch.split(along, AT_ONCE, dim=1):
        total += _potential((points @ some).T, len(x)).sum(dim=0)
    total /= along.shape[1]
    return total[: len(x)], total[len(x) :]


def _sorted(values: Tensor) -> Tensor:
    """(K, n), each row in order."""
    if values.device.type != "cpu":
        return values.sort(dim=1)[0]
    values = values.contiguous()
    values.numpy().sort(axis=1)  # in place; many times as fast as torch's, which keeps the order
    return values


def _between(x: Tensor, y: Tensor) -> Tensor:
    """Sorted (K, n) and (K, m) -> (K,)."""
    n, m = x.shape[1], y.shape[1]
    if n == m:
        return (x - y).abs().mean(dim=1)
    # Both quantile functions are constant between neighbours of these n m-th parts.
    ends = torch.cat([torch.arange(m, n * m + 1, m), torch.arange(n, n * m + 1, n)])
    ends = torch.unique(ends)
    widths = (torch.diff(ends, prepend=ends.new_zeros(1)) / (n * m)).to(x)
    ends = (ends - 1).to(x.device)
    return ((x[:, ends // m] - y[:, ends // n]).abs() * widths).sum(dim=1)


def _potential(values: Tensor, n: int) -> Tensor:
    """Values (K, n + m), n of the first set -> (K, n + m)."""
    m = values.shape[1] - n
    order = torch.from_numpy(values.contiguous().numpy().argsort(axis=1))
    values = values.double().gather(1, order)
    ahead = torch.where(order < n, m, -n).cumsum(dim=1)  # n m times the difference of the shares
    slopes = ahead[:, :-1].sign() * values.diff(dim=1)
    rest = slopes.flip(1).cumsum(dim=1).flip(1)
    rest = torch.cat([rest, rest.new_zeros(len(rest), 1)], dim=1)
    return torch.empty_like(rest).scatter_(1, order, rest)
