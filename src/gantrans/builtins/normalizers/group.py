"""Group normalisation (Wu & He 2018)."""

from __future__ import annotations

import math

from pydantic import Field
from torch import nn

from gantrans.api.normalizer import Normalizer, NormalizerConfig


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
        return nn.GroupNorm(math.gcd(self.config.groups, channels), channels)
