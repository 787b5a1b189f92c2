"""Peak signal-to-noise ratio."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gantrans.api.metric import Metric, Translated

CEILING = 100.0
"""Decibels given to an image that equals the truth, whose ratio would be infinite."""


class PSNR(Metric):
    """Peak signal-to-noise ratio to the truth, in dB: the mean over images of 10 log10(1 / MSE).

    The mean squared error is taken over all pixels and channels of one image in [0, 1]; at most
    100 dB, for equal images.
    """

    name = "psnr"
    needs_truth = True
    unit = "dB"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._values: list[Tensor] = []

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        assert images.truth is not None
        # On the CPU, since not every device knows float64.
        difference = (images.fake.cpu().double() - images.truth.cpu().double()) / 2
        error = difference.square().mean(dim=(1, 2, 3))
        self._values.append((-10 * torch.log10(error)).clamp(max=CEILING))

    def compute(self) -> dict[str, float]:
        """{"psnr": dB}"""
        return {"psnr": float(torch.cat(self._values).mean())}
