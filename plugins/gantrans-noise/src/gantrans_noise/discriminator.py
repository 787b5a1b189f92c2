"""StyleGAN2's discriminator (Karras et al. 2020, figure 7: residual), for any size of image."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.discriminator import Discriminator, DiscriminatorConfig
from gantrans_noise.equalized import EqualizedConv2d, EqualizedLinear, leaky_relu
from gantrans_noise.resample import Halve

PLACES = 4
"""Side of the map that is judged as a whole."""

GROUP = 4
"""Images that are compared with each other, at most; as in StyleGAN2."""


class Residual(Discriminator):
    """Residual blocks that halve the image, and one score for all of it.

    StyleGAN2 ends with a fully connected layer on a map of 4 x 4 places, and so takes one size of
    image. Here the map of an image of any size is brought to 4 x 4 by means over its parts, which
    leaves one of 4 x 4 as it is. Weights start from N(0, 1) and have an equalised learning rate,
    whatever `[init]` says.
    """

    name = "residual"
    own_weights = True

    class Config(DiscriminatorConfig):
        """Settings."""

        width: int = Field(
            32, ge=1, description="channels at full size; each block has twice as many"
        )
        max_width: int = Field(256, ge=1, description="no layer has more channels")
        blocks: int = Field(
            3,
            ge=1,
            le=10,
            description="residual blocks, each halves the image; 3 leave 4 x 4 places of 32 px, "
            "4 of 64 px",
        )
        minibatch_std: bool = Field(
            True,
            description="show it how much the images of a batch differ, up to 4 at a time, so that "
            "a generator that always makes the same image is found out",
        )

    config: Config

    def __init__(self, config: Config, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        widths = [min(config.max_width, config.width * 2**n) for n in range(config.blocks + 1)]
        last = widths[-1]
        self.from_image = EqualizedConv2d(in_channels, widths[0], 1)
        self.blocks = nn.Sequential(*(Block(*ends) for ends in pairwise(widths)))
        self.convolve = EqualizedConv2d(last + config.minibatch_std, last, 3)
        self.connect = EqualizedLinear(last * PLACES**2, last)
        self.judge = EqualizedLinear(last, 1)
        self.couples_batch = config.minibatch_std
        self.min_size = 2**config.blocks

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> one score an image, (N, 1, 1, 1)."""
        y: Tensor = self.blocks(leaky_relu(self.from_image(x)))
        if self.config.minibatch_std:
            y = minibatch_std(y)
        y = F.adaptive_avg_pool2d(leaky_relu(self.convolve(y)), PLACES)
        y = self.judge(leaky_relu(self.connect(y.flatten(1))))
        return y[:, :, None, None]


class Block(nn.Module):
    """Half the size: two convolutions, beside one of 1 x 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualizedConv2d(inputs, inputs, 3)
        self.second = EqualizedConv2d(inputs, outputs, 3)
        self.skip = EqualizedConv2d(inputs, outputs, 1, bias=False)
        self.halve = Halve()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H // 2, W // 2)."""
        y = leaky_relu(self.second(self.halve(leaky_relu(self.first(x)))))
        together: Tensor = (y + self.skip(self.halve(x))) / math.sqrt(2)  # the variance stays
        return together


def minibatch_std(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C + 1, H, W): how much images differ (Karras et al. 2018, section 3).

    The batch is cut into groups of 4 images, or of fewer if 4 does not divide it. The new channel
    of an image is the standard deviation of each value over its group, averaged over all values.
    """
    group = max(g for g in range(1, GROUP + 1) if len(x) % g == 0)
    values = x.float().reshape(-1, group, *x.shape[1:])  # neighbours in the batch are a group
    spread = (values.var(dim=1, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    channel = spread.repeat_interleave(group)[:, None, None, None].to(x.dtype)
    return torch.cat([x, channel.expand(-1, 1, *x.shape[2:])], dim=1)
