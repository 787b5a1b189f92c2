"""ImageMetric: the base of metrics that give each image a value, and take the mean of these."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantrans.api.metric import Metric, Translated


class ImageMetric(Metric):
    """A mean over images, with its interval. A subclass says what the value of an image is."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._values: list[Tensor] = []

    def values(self, images: Translated) -> Tensor:
        """One value for each image of a batch: (N,)."""
        raise NotImplementedError  # each metric has its own

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        self._values.append(self.values(images).detach().cpu().double())

    def compute(self) -> dict[str, float]:
        """The mean over all images, under the metric's name."""
        return {self.name: float(torch.cat(self._values).mean())}

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        """The mean over the drawn images."""
        return {self.name: float(torch.cat(self._values)[fakes].mean())}
