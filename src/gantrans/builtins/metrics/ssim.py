"""Structural similarity (Wang et al. 2004)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantrans.api.metric import Metric, Translated
from gantrans.builtins.structural_similarity import structural_similarity


class SSIM(Metric):
    """Structural similarity to the truth, from -1 to 1 (equal): the mean over windows and images.

    The paper's 11 x 11 Gaussian window (sigma 1.5), K1 = 0.01, K2 = 0.03, images in [0, 1], each
    channel apart, only windows that lie inside the image; in float64.
    """

    name = "ssim"
    needs_truth = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._values: list[Tensor] = []

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        assert images.truth is not None
        # On the CPU, since not every device knows float64.
        fake, truth = (((x.cpu() + 1) / 2).double() for x in (images.fake, images.truth))
        self._values.append(structural_similarity(fake, truth))

    def compute(self) -> dict[str, float]:
        """{"ssim": index}"""
        return {"ssim": float(torch.cat(self._values).mean())}
