"""What KID and FID share: the features of translations and of real images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from gantrans.api.metric import Metric, MetricConfig, Translated
from gantrans.api.path import SpecPath
from gantrans.errors import DataError
from gantrans_fidelity.extractor import FEATURES, SIZE, Extractor


class FeatureConfig(MetricConfig):
    """Whose features."""

    weights: SpecPath | None = Field(
        None,
        description="a .safetensors or .pth file of the Inception weights of torch-fidelity; "
        "absent: its own, downloaded once",
    )


class FeatureMetric(Metric):
    """Compares the features of two sets. A subclass gives the number, and how images pull at it."""

    needs_real = True
    higher_is_better = False
    enough = 2000

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        weights: Path | None = config.weights
        self._extractor = Extractor(weights)
        self._fakes: list[Tensor] = []
        self._reals: list[Tensor] = []
        self._told: tuple[float, Tensor, Tensor] | None = None

    def distance(self, fakes: Tensor, reals: Tensor) -> float:
        """Between features (N, 2048) and (M, 2048)."""
        raise NotImplementedError  # each metric has its own

    def pulls(self, fakes: Tensor, reals: Tensor) -> tuple[Tensor, Tensor]:
        """The influence of each image on the number: (N,) and (M,).

        That is its derivative by the share of the image in its set (von Mises 1947).
        """
        raise NotImplementedError  # each metric has its own

    def update(self, images: Translated) -> None:
        """Take in the features of a batch of translations."""
        self._fakes.append(self._extractor(images.fake))

    def update_real(self, images: Tensor) -> None:
        """Take in the features of a batch of real images."""
        self._reals.append(self._extractor(images))

    def compute(self) -> dict[str, float]:
        """The distance. Raises DataError for fewer than two images of a side."""
        return {self.name: self.distance(*self._features())}

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        """The distance, to first order."""
        if self._told is None:
            features = self._features()
            self._told = (self.distance(*features), *self.pulls(*features))
        value, of_fakes, of_reals = self._told
        for pull, drawn in ((of_fakes, fakes), (of_reals, reals)):
            value += float(pull[drawn].mean() - pull.mean())
        return {self.name: value}

    def protocol(self) -> dict[str, Any]:
        """Which network, and how images come to it."""
        return {
            "extractor": "Inception V3 of torch-fidelity (TensorFlow 2015-12-05)",
            "features": FEATURES,
            "weights_sha256": self._extractor.digest,
            "resize": f"8 bits, {SIZE} x {SIZE}, bilinear as in TensorFlow 1, not antialiased",
        }

    def _features(self) -> tuple[Tensor, Tensor]:
        counts = [sum(map(len, side)) for side in (self._fakes, self._reals)]
        if min(counts) < 2:
            raise DataError(
                f"{self.name} compares sets of images, and there are {counts[0]} translations and "
                f"{counts[1]} real images: it needs at least 2 of each, better {self.enough}"
            )
        return torch.cat(self._fakes), torch.cat(self._reals)
