"""LPIPS (Zhang et al. 2018) as a metric."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import MetricConfig, Translated
from gantrans_perceptual.distance import LPIPS, LPIPSSettings


class LPIPSMetric(ImageMetric):
    """LPIPS distance to the truth, 0 for equal images: the mean over images."""

    name = "lpips"
    needs_truth = True
    higher_is_better = False
    least = 0.0

    class Config(LPIPSSettings, MetricConfig):
        """Settings."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._distance = LPIPS(config)

    def values(self, images: Translated) -> Tensor:
        """Distances (N,)."""
        assert images.truth is not None
        with torch.no_grad():
            distance = self._distance.to(images.fake.device)
            found: Tensor = distance(images.fake, images.truth)
        return found
