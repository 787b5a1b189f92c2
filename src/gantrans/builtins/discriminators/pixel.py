"""PixelGAN (Isola et al. 2017, section 6.1.2): each pixel is judged by its colour alone."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.discriminator import Discriminator, DiscriminatorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans.builtins.discriminators.spectral import Spectral, normalise_spectrum


class Pixel(Discriminator):
    """Judges every pixel apart: it knows which colours there are, and nothing of shapes.

    8,705 parameters at width 64 with instance norm, 3 channels.
    """

    name = "pixel"
    min_size = 2  # an instance norm of a single pixel would be nothing but 0

    class Config(DiscriminatorConfig):
        """Settings."""

        width: int = Field(
            64, ge=1, description="channels of the first layer; the second has twice as many"
        )
        norm: NormalizerSlot = Field(
            "instance", validate_default=True, description="normalisation of the second layer"
        )
        spectral: Spectral = False

    config: Config

    def __init__(self, config: Config, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        norm: Normalizer = config.norm.build()
        self.couples_batch = norm.couples_batch
        width = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1, bias=not norm.cancels_bias),
            norm.layer(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1),
        )
        if config.spectral:
            normalise_spectrum(self.layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, 1, H, W), unbounded."""
        scores: Tensor = self.layers(x)
        return scores
