"""Instance normalisation (Ulyanov et al. 2016)."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from gantrans.api.normalizer import Normalizer, NormalizerConfig


class Instance(Normalizer):
    """Instance norm: each channel of each image apart, to mean 0 and variance 1.

    Always from the image's own statistics, in use as in training.
    """

    name = "instance"

    class Config(NormalizerConfig):
        """Settings."""

        affine: bool = Field(False, description="learn a scale and a shift for each channel")

    config: Config

    def layer(self, channels: int) -> nn.Module:
        """InstanceNorm2d without running statistics."""
        return nn.InstanceNorm2d(channels, affine=self.config.affine)
