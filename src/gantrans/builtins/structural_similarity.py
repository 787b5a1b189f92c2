"""Structural similarity (Wang et al. 2004): what the metric and the loss of that name measure."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # the paper's Gaussian window
C1, C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 with the paper's K and a range L of 1


def structural_similarity(x: Tensor, y: Tensor) -> Tensor:
    """SSIM of each image: two (N, C, H, W) in [0, 1] -> (N,), from -1 to 1, in their precision.

    The paper's 11 x 11 Gaussian window (sigma 1.5), K1 = 0.01, K2 = 0.03, each channel apart, the
    mean over the windows that lie inside the image. The window shrinks to the image's side where
    that is less than 11 pixels.
    """
    channels = x.shape[1]
    window = _window(min(WINDOW, x.shape[2]), min(WINDOW, x.shape[3]), x)
    window = window.expand(channels, 1, *window.shape)

    def local_mean(values: Tensor) -> Tensor:
        return F.conv2d(values, window, groups=channels)

    mean_x, mean_y = local_mean(x), local_mean(y)
    var_x = local_mean(x * x) - mean_x.square()
    var_y = local_mean(y * y) - mean_y.square()
    covariance = local_mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    structure = (2 * covariance + C2) / (var_x + var_y + C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window(height: int, width: int, like: Tensor) -> Tensor:
    def gauss(size: int) -> Tensor:
        at = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
        bell = torch.exp(-at.square() / (2 * SIGMA**2))
        return bell / bell.sum()

    return gauss(height)[:, None] * gauss(width)[None, :]
