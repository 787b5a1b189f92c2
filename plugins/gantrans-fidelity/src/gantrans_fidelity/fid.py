"""Frechet inception distance (Heusel et al. 2017)."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from gantrans_fidelity.feature_metric import FeatureConfig, FeatureMetric


class FID(FeatureMetric):
    """Frechet inception distance to real images: 0 for sets of one mean and covariance.

    |m - n|^2 + tr(S + T - 2 (S T)^1/2) of the means m, n and covariances S, T of Inception
    features. It is too large for few images, the more the fewer: compare only numbers of as many
    images, and prefer kid below some thousands.
    """

    name = "fid"
    least = 0.0

    class Config(FeatureConfig):
        """Settings."""

    def distance(self, fakes: Tensor, reals: Tensor) -> float:
        """Between features (N, D) and (M, D)."""
        x, y = fakes - fakes.mean(dim=0), reals - reals.mean(dim=0)
        between = (fakes.mean(dim=0) - reals.mean(dim=0)).square().sum()
        inside = x.square().sum() / (len(x) - 1) + y.square().sum() / (len(y) - 1)
        _, common, _ = _crossed(x, y)
        return float(between + inside - 2 * common.sum() / sqrt((len(x) - 1) * (len(y) - 1)))

    def pulls(self, fakes: Tensor, reals: Tensor) -> tuple[Tensor, Tensor]:
        """How mean and covariance, and thereby the distance, follow each image."""
        x, y = fakes - fakes.mean(dim=0), reals - reals.mean(dim=0)
        apart = fakes.mean(dim=0) - reals.mean(dim=0)
        u, common, v = _crossed(x, y)
        ratio = sqrt((len(x) - 1) / (len(y) - 1))
        return (
            x.square().sum(dim=1) + 2 * x @ apart - ratio * u.square() @ common,
            y.square().sum(dim=1) - 2 * y @ apart - v.square() @ common / ratio,
        )


def _crossed(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """U (N, K), s (K,), V (M, K) with X Y^T = U s V^T, for centred features (N, D) and (M, D).

    The sum of s is sqrt((N - 1) (M - 1)) tr((S T)^1/2): no product of covariances is needed, whose
    root is slow to find, and not at all exact where there are fewer images than features.
    """
    (q, r), (p, t) = torch.linalg.qr(x), torch.linalg.qr(y)
    u, s, vh = torch.linalg.svd(r @ t.T, full_matrices=False)
    return q @ u, s, p @ vh.T
