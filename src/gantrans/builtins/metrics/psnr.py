"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Translated

CEILING = 100.0
"""Decibels given to an image that equals the truth, whose ratio would be infinite."""


class PSNR(ImageMetric):
    """Peak signal-to-noise ratio to the truth, in dB: the mean over images of 10 log10(1 / MSE).

    The mean squared error is taken over all pixels and channels of one image in [0, 1]; at most
    100 dB, for equal images.
    """

    name = "psnr"
    needs_truth = True
    unit = "dB"

    def values(self, images: Translated) -> Tensor:
        """Decibels (N,)."""
        assert images.truth is not None
        # On the CPU, since not every device knows float64.
        difference = (images.fake.cpu().double() - images.truth.cpu().double()) / 2
        error = difference.square().mean(dim=(1, 2, 3))
        return (-10 * torch.log10(error)).clamp(max=CEILING)
