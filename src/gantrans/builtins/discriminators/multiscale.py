"""Discriminators over an image pyramid (pix2pixHD: Wang et al. 2018, section 3.2)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.discriminator import (
    Discriminator,
    DiscriminatorConfig,
    DiscriminatorSlot,
    score_maps,
)


class Multiscale(Discriminator):
    """Judges the image at several sizes, each half the one before, by a network of its own.

    The coarse ones see the composition, the fine ones the texture. Between two sizes is an average
    over 3 x 3 pixels with stride 2; at the border over those that are inside.
    """

    name = "multiscale"

    class Config(DiscriminatorConfig):
        """Settings."""

        scales: int = Field(3, ge=1, le=20, description="sizes, the full one included")
        each: DiscriminatorSlot = Field(
            "patchgan", validate_default=True, description="the network at every size"
        )

    config: Config

    def __init__(self, config: Config, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        judges: list[Discriminator] = [
            config.each.build(in_channels=in_channels) for _ in range(config.scales)
        ]
        self.judges = nn.ModuleList(judges)
        self.halve = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.couples_batch = any(judge.couples_batch for judge in judges)
        # A side of n becomes n / 2, rounded up, so this is the first n of which the coarsest size
        # is what a judge needs.
        self.min_size = 2 ** (config.scales - 1) * (judges[0].min_size - 1) + 1

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) in [-1, 1] -> the score maps, from the finest size on."""
        maps: list[Tensor] = []
        for scale, judge in enumerate(self.judges):
            if scale:
                x = self.halve(x)
            maps += score_maps(judge(x))
        return maps
