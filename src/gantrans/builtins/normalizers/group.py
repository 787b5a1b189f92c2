"""Group normalisation (Wu & He 2018)."""

from __future__ import annotations

import math

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.normalizer import Normalizer, NormalizerConfig
from gantrans.builtins.normalizers.constant_maps import clear_constant


class Group(Normalizer):
    """Group norm: groups of neighbouring channels of each image."""

    name = "group"

    class Config(NormalizerConfig):
        """Settings."""

        groups: int = Field(
            32,
            ge=1,
            description="number of groups; where it does not divide a layer's channels, the "
            "greatest common divisor of both",
        )

    config: Config

    def layer(self, channels: int) -> nn.Module:
        """GroupNorm with a learned scale and shift for each channel."""
        groups = math.gcd(self.config.groups, channels)
        return (
            _ChannelNorm(groups, channels) if groups == channels else nn.GroupNorm(groups, channels)
        )


class _ChannelNorm(nn.GroupNorm):
    """Groups of one channel, in which constant maps are normalised exactly in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if self.training else clear_constant(y, x, self.bias)
