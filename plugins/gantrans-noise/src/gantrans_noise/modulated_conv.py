"""Modulated convolution (Karras et al. 2020, "Analyzing and improving the image quality of
StyleGAN", section 2.2).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans_noise.equalized import EqualizedLinear


class ModulatedConv2d(nn.Module):
    """A convolution whose weights an image's style scales; it keeps height and width.

    Args:
        inputs: channels of what it reads.
        outputs: channels of what it writes.
        kernel: side of the kernel, an odd number.
        latent: width of w.
        demodulate: whether the weights of each output channel are brought back to length 1.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, latent: int, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.style = EqualizedLinear(latent, inputs, bias=1.0)
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (N, inputs, H, W), w (N, latent) -> (N, outputs, H, W)."""
        weight = self.weight * self.scale
        return modulated_conv2d(x, weight, self.style(w).float(), demodulate=self.demodulate)


def modulated_conv2d(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool) -> Tensor:
    """Convolve each image with weights of its own (equations 1 and 3).

    w'_nijk = s_nj w_ijk, and demodulated w''_nijk = w'_nijk / sqrt(sum_jk w'_nijk^2 + 1e-8): if the
    inputs are independent and of unit variance, so are the outputs, whatever the style. All
    convolutions are one, with a group of channels for each image.

    Args:
        x: (N, inputs, H, W).
        weight: (outputs, inputs, k, k), k odd.
        style: (N, inputs).
        demodulate: whether to do so.

    Returns:
        (N, outputs, H, W).
    """
    count, inputs, height, width = x.shape
    weights = weight * style[:, None, :, None, None]  # (N, outputs, inputs, k, k)
    if demodulate:
        squares = weights.square().sum(dim=(2, 3, 4), keepdim=True)
        weights = weights * torch.rsqrt(squares + 1e-8)
    y = F.conv2d(
        x.reshape(1, count * inputs, height, width),
        weights.flatten(0, 1),
        padding=weight.shape[-1] // 2,
        groups=count,
    )
    return y.reshape(count, len(weight), height, width)
