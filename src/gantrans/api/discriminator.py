"""Discriminator: the network that judges whether images belong to a domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot

Scores = Tensor | Sequence[Tensor]
"""Score maps (N, 1, h, w), unbounded, high for real; a sequence of them for several scales."""


def score_maps(scores: Scores) -> list[Tensor]:
    """The score maps of one judgement: several, or the only one."""
    return [scores] if isinstance(scores, Tensor) else list(scores)


class DiscriminatorConfig(ComponentConfig):
    """Settings of a discriminator."""


class Discriminator(Component, nn.Module):
    """Scores images of one domain.

    Args:
        config: its settings.
        in_channels: channels of the images it judges.
    """

    kind = "discriminator"
    Config: ClassVar[type[ComponentConfig]] = DiscriminatorConfig

    min_size: int = 1
    """The smallest height and width, in pixels, that the network can take."""

    own_weights: ClassVar[bool] = False
    """True: the weights it is built with are those to begin with; `[init]` of the spec is not for
    it. Whatever it draws comes from torch's generator, which is seeded before it is built. The same
    attribute on a module inside a network keeps that module's weights."""

    couples_batch: bool = False
    """True if, in training, an image's score depends on its batch (see Normalizer)."""

    def __init__(self, config: Any, *, in_channels: int) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.in_channels = in_channels

    def forward(self, x: Tensor) -> Scores:
        """(N, in_channels, H, W) in [-1, 1] -> score maps (N, 1, h, w)."""
        raise NotImplementedError  # each network has its own


DiscriminatorSlot = Annotated[DiscriminatorConfig, Slot("discriminator")]
