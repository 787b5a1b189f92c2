"""Layer normalisation (Ba et al. 2016)."""

from __future__ import annotations

from torch import nn

from gantrans.api.normalizer import Normalizer


class Layer(Normalizer):
    """Layer norm: each image over its channels, height and width together.

    To mean 0 and variance 1, then a learned scale and shift for each channel. It keeps how strong
    the channels are beside each other, which instance norm does not.
    """

    name = "layer"

    def layer(self, channels: int) -> nn.Module:
        """GroupNorm with all channels in one group, which is layer norm."""
        return nn.GroupNorm(1, channels)
