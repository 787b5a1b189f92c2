"""LPIPS (Zhang et al. 2018) as a metric."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.metric import Metric, MetricConfig, Translated
from gantrans_perceptual.distance import LPIPS, LPIPSSettings


class LPIPSMetric(Metric):
    """LPIPS distance to the truth, 0 for equal images: the mean over images."""

    name = "lpips"
    needs_truth = True
    higher_is_better = False

    class Config(LPIPSSettings, MetricConfig):
        """Settings."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._distance = LPIPS(config)
        self._values: list[Tensor] = []

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        assert images.truth is not None
        with torch.no_grad():
            distance = self._distance.to(images.fake.device)
            self._values.append(distance(images.fake, images.truth).cpu())

    def compute(self) -> dict[str, float]:
        """{"lpips": distance}"""
        return {"lpips": float(torch.cat(self._values).double().mean())}
