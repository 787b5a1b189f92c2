"""Instance normalisation (Ulyanov et al. 2016)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.normalizer import Normalizer, NormalizerConfig
from gantrans.builtins.normalizers.constant_maps import clear_constant


class Instance(Normalizer):
    """Instance norm: each channel of each image apart, to mean 0 and variance 1.

    Always from the image's own statistics, in use as in training. In use, a map in which all
    channels are constant up to rounding is normalised to 0 exactly.
    """

    name = "instance"

    class Config(NormalizerConfig):
        """Settings."""

        affine: bool = Field(False, description="learn a scale and a shift for each channel")

    config: Config

    def layer(self, channels: int) -> nn.Module:
        """InstanceNorm2d without running statistics."""
        return _InstanceNorm2d(channels, affine=self.config.affine)


class _InstanceNorm2d(nn.InstanceNorm2d):
    """torch's own, with statistics in float32 everywhere (of bfloat16 numbers on a CPU, torch would
    round the mean to bfloat16, too), and with constant maps normalised exactly in evaluation mode.
    """

    def forward(self, x: Tensor) -> Tensor:
        rounds = x.dtype == torch.bfloat16 and x.device.type == "cpu"
        y = super().forward(x.float() if rounds else x).to(x.dtype)
        return y if self.training else clear_constant(y, x, self.bias)
