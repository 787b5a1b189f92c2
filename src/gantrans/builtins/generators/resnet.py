"""The generator of CycleGAN (Zhu et al. 2017, section 7.2; after Johnson et al. 2016)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans.api.recompute import may_run_twice, recomputed
from gantrans.builtins.blur import BlurDownsample, Downsample
from gantrans.builtins.generators.encoder import asked_of
from gantrans.builtins.generators.upsampling import Upsample, doubled


class ResNet(Generator):
    """CycleGAN's residual generator: down twice, residual blocks, up twice.

    Nine blocks are the paper's choice from 256 px on, six below. 11,378,179 parameters at width 64
    with nine blocks, 3 -> 3 channels. The preset "cut" is the antialiased network of CUT (Park et
    al. 2020).

    Its encoder's layers are "image" (reflected at its border), "stem" (the 7 x 7 convolution),
    "down1" and "down2" (the convolutions that halve, before norm), and "block1", "block2", ...
    """

    name = "resnet"
    presets = {
        "6": {"blocks": 6},
        "9": {"blocks": 9},
        "cut": {"blocks": 9, "downsample": "blur", "upsample": "blur"},
    }

    class Config(GeneratorConfig):
        """Settings."""

        width: int = Field(64, ge=1, description="channels at full resolution")
        blocks: int = Field(9, ge=0, le=256, description="residual blocks")
        halvings: int = Field(
            2,
            ge=1,
            le=6,
            description="how often height and width are halved before the residual blocks; the "
            "channels are doubled as often. 1 keeps more detail of small images",
        )
        norm: NormalizerSlot = Field(
            "instance", validate_default=True, description="normalisation after each convolution"
        )
        dropout: float = Field(
            0.0, ge=0, lt=1, description="share of activations dropped inside residual blocks"
        )
        downsample: Downsample = "stride"
        upsample: Upsample = "transpose"

    config: Config

    def __init__(self, config: Config, *, in_channels: int, out_channels: int) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        norm: Normalizer = config.norm.build()
        self.couples_batch = norm.couples_batch
        self.multiple_of = 2**config.halvings
        self.min_size = 2 * self.multiple_of  # reflection by one pixel needs two at the blocks
        bias = not norm.cancels_bias
        width = config.width
        blur = config.downsample == "blur"

        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(in_channels, width, 7, bias=bias),
            norm.layer(width),
            nn.ReLU(),  # not in place, here and below: without a norm it would change a feature
        ]
        places = {"image": 0, "stem": 1}
        widths = [width * 2**level for level in range(config.halvings)]
        for number, channels in enumerate(widths, start=1):
            places[f"down{number}"] = len(layers)
            stride = 1 if blur else 2
            layers += [
                nn.Conv2d(channels, 2 * channels, 3, stride, padding=1, bias=bias),
                norm.layer(2 * channels),
                nn.ReLU(),
                *([BlurDownsample()] if blur else []),
            ]
        for number in range(1, config.blocks + 1):
            places[f"block{number}"] = len(layers)
            layers.append(ResidualBlock(2 * widths[-1], norm, config.dropout))
        for channels in reversed(widths):
            layers += [
                *doubled(2 * channels, channels, config.upsample, kernel=3, bias=bias),
                norm.layer(channels),
                nn.ReLU(),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.recomputes = may_run_twice(b for b in layers if isinstance(b, ResidualBlock))
        self.places: Mapping[str, int] = places
        """Where in `layers` the encoder's named ones stand."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in (-1, 1)."""
        y, _ = self._through(x, (), len(self.layers))
        return y

    def encoder_layers(self) -> tuple[str, ...]:
        """The names from "image" to that of the last residual block."""
        return tuple(self.places)

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """(N, in_channels, H, W) -> (N, c, h, w) for each of `layers`."""
        asked = asked_of(self, layers)
        _, features = self._through(x, asked, self.places[asked[-1]] + 1 if asked else 0)
        return features

    def forward_with_features(
        self, x: Tensor, layers: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The translation, and the features that were met on the way."""
        return self._through(x, asked_of(self, layers), len(self.layers))

    def _through(
        self, x: Tensor, asked: Collection[str], count: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the first `count` layers make of `x`, and what the ones asked for give."""
        names = {self.places[name]: name for name in asked}
        features: dict[str, Tensor] = {}
        for place, layer in enumerate(islice(self.layers, count)):
            inside = isinstance(layer, ResidualBlock)
            x = recomputed(layer, x, self.recompute and inside)
            if place in names:
                features[names[place]] = x
        return x, features


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with reflection padding, added to the input; no ReLU after the sum."""

    def __init__(self, channels: int, norm: Normalizer, dropout: float) -> None:
        super().__init__()
        bias = not norm.cancels_bias
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            norm.layer(channels),
            nn.ReLU(),
            *([nn.Dropout(dropout)] if dropout else []),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            norm.layer(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        y: Tensor = x + self.layers(x)
        return y
