"""Normalizer: the normalisation layers that networks are built with."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from torch import nn

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot


class NormalizerConfig(ComponentConfig):
    """Settings of a normalizer."""


class Normalizer(Component):
    """Makes the normalisation layers of a network."""

    kind = "normalizer"
    Config: ClassVar[type[ComponentConfig]] = NormalizerConfig

    cancels_bias: ClassVar[bool] = False
    """True: a convolution in front of the layer is built without a bias, since the layer's own
    shift makes it redundant (batch norm). Instance norm keeps it, as the published weights do."""

    couples_batch: ClassVar[bool] = False
    """True: in training, one image's result depends on the others in its batch (batch norm)."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)

    def layer(self, channels: int) -> nn.Module:
        """A layer (N, channels, H, W) -> (N, channels, H, W)."""
        raise NotImplementedError  # each normalizer has its own


NormalizerSlot = Annotated[NormalizerConfig, Slot("normalizer")]
