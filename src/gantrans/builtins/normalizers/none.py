"""The absence of normalisation."""

from __future__ import annotations

from torch import nn

from gantrans.api.normalizer import Normalizer


class NoNormalizer(Normalizer):
    """No normalisation: the layer gives back what it gets."""

    name = "none"

    def layer(self, channels: int) -> nn.Module:
        """The identity."""
        return nn.Identity()
