"""Kernel inception distance (Binkowski et al. 2018)."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from gantrans_fidelity.feature_metric import FeatureConfig, FeatureMetric

ROWS = 1000
"""Of the matrix of kernel values, at once."""


class KID(FeatureMetric):
    """Kernel inception distance to real images: the mean over subsets; about 0 for one set.

    The squared maximum mean discrepancy of Inception features x, y under the kernel
    (x y / 2048 + 1)^3, without bias, so it may be a little below 0 and does not depend on how many
    images there are. With fewer images than a subset has, subsets are as large as they can be.
    """

    name = "kid"

    class Config(FeatureConfig):
        """Settings; the defaults are the paper's."""

        subsets: int = Field(100, ge=1, description="how many subsets are compared")
        subset_size: int = Field(1000, ge=2, description="images of each side in a subset")
        seed: int = Field(2020, ge=0, lt=2**32, description="names the draws of the subsets")

    config: Config

    def distance(self, fakes: Tensor, reals: Tensor) -> float:
        """Between features (N, D) and (M, D)."""
        found = kid_features_to_metric(
            fakes,
            reals,
            kid_subsets=self._subsets(fakes, reals),
            kid_subset_size=self._size(fakes, reals),
            rng_seed=self.config.seed,
            verbose=False,
        )
        return float(found[KEY_METRIC_KID_MEAN])

    def pulls(self, fakes: Tensor, reals: Tensor) -> tuple[Tensor, Tensor]:
        """Twice what the function that tells both sets apart says of each image."""
        return 2 * _witness(fakes, reals), 2 * _witness(reals, fakes)

    def protocol(self) -> dict[str, Any]:
        """Also how many subsets were compared, and how large they were."""
        features = self._features()
        return {
            **super().protocol(),
            "subsets_compared": self._subsets(*features),
            "images_in_a_subset": self._size(*features),
        }

    def _subsets(self, fakes: Tensor, reals: Tensor) -> int:
        """One if each would be all images, since they are drawn without replacement."""
        whole = self._size(fakes, reals) == len(fakes) == len(reals)
        return 1 if whole else self.config.subsets

    def _size(self, fakes: Tensor, reals: Tensor) -> int:
        return min(self.config.subset_size, len(fakes), len(reals))


def _witness(own: Tensor, other: Tensor) -> Tensor:
    """How much more each of `own` (N, D) is like the rest of its set than like the other: (N,)."""
    values = []
    for some in torch.split(own, ROWS):
        alike = _kernel(some, own).sum(dim=1) - _kernel(some, some).diagonal()
        values.append(alike / (len(own) - 1) - _kernel(some, other).mean(dim=1))
    return torch.cat(values)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
