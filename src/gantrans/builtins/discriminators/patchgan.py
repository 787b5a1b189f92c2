"""PatchGAN (Isola et al. 2017, section 3.2.2): many small judgements of one image."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.discriminator import Discriminator, DiscriminatorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans.builtins.blur import BlurDownsample, Downsample
from gantrans.builtins.discriminators.spectral import Spectral, normalise_spectrum


class PatchGAN(Discriminator):
    """Judges overlapping patches: one score for each, 70 x 70 pixels with three layers.

    2,764,737 parameters at width 64 with three layers and instance norm, 3 channels.
    """

    name = "patchgan"

    class Config(DiscriminatorConfig):
        """Settings."""

        width: int = Field(64, ge=1, description="channels of the first layer")
        layers: int = Field(
            3,
            ge=1,
            le=20,
            description="how often the size is halved; a score's patch has a side of 16, 34, 70, "
            '... pixels (with downsample = "blur": 18, 40, 84, ...)',
        )
        norm: NormalizerSlot = Field(
            "instance", validate_default=True, description="normalisation of the inner layers"
        )
        pool: Literal["none", "mean"] = Field(
            "none",
            description="none: the loss compares every patch, as the paper's code does; mean: "
            "the patch scores are averaged to one number an image first",
        )
        spectral: Spectral = False
        downsample: Downsample = "stride"

    config: Config

    def __init__(self, config: Config, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        norm: Normalizer = config.norm.build()
        self.couples_batch = norm.couples_batch
        # Two stride-1 convolutions of size 4 follow the halvings; each takes one pixel off. A side
        # of n is halved to n / 2, rounded down: with "blur" to (n - 1) / 2, rounded up.
        self.min_size = 2**config.layers * 3
        blur = config.downsample == "blur"

        width = config.width
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, 4, stride=1 if blur else 2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            *([BlurDownsample()] if blur else []),
        ]
        for depth in range(1, config.layers + 1):
            before, after = width * min(2 ** (depth - 1), 8), width * min(2**depth, 8)
            halves = depth < config.layers
            stride = 2 if halves and not blur else 1
            layers += [
                nn.Conv2d(before, after, 4, stride, padding=1, bias=not norm.cancels_bias),
                norm.layer(after),
                nn.LeakyReLU(0.2, inplace=True),
                *([BlurDownsample()] if halves and blur else []),
            ]
        layers.append(nn.Conv2d(after, 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        if config.spectral:
            normalise_spectrum(self.layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, 1, h, w), unbounded; h = w = 1 if pooled."""
        scores: Tensor = self.layers(x)
        return scores.mean(dim=(2, 3), keepdim=True) if self.config.pool == "mean" else scores
