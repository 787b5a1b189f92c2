"""Layers with an equalised learning rate (Karras et al. 2018, "Progressive growing of GANs").

Weights are drawn from N(0, 1) and scaled by 1 / sqrt(inputs) whenever they are used. So all of them
are equally large, and Adam, whose steps do not depend on the scale of the gradient, changes all of
them equally fast.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EqualizedLinear(nn.Module):
    """A linear layer with an equalised learning rate.

    Args:
        inputs: features of what it reads.
        outputs: features of what it writes.
        bias: what the bias starts from.
        rate: factor of the learning rate of its weights; they start as large as ever.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class EqualizedConv2d(nn.Module):
    """A convolution with an equalised learning rate, that keeps height and width.

    Args:
        inputs: channels of what it reads.
        outputs: channels of what it writes.
        kernel: side of the kernel, an odd number.
        bias: whether it has one.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        padding = self.weight.shape[-1] // 2
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=padding)


def leaky_relu(x: Tensor) -> Tensor:
    """LeakyReLU with slope 0.2, times sqrt(2), which makes up for the half that is cut down."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)
