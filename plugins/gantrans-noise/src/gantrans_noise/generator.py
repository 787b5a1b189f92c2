"""The style-based generator of StyleGAN2 (Karras et al. 2020, figures 2 and 7: output skips)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from gantrans_noise.equalized import leaky_relu
from gantrans_noise.mapping import Mapping
from gantrans_noise.modulated_conv import ModulatedConv2d
from gantrans_noise.resample import double

START = 4
"""Side of the learned constant from which every image grows, in pixels."""

MEMORY = 0.995
"""How much of the mean of w is kept at a training step, as in StyleGAN2."""

Noise = Literal["random", "off"] | Sequence[Tensor]
"""Per-pixel noise: drawn anew from torch's generator; none; or a (N, 1, h, w) for each layer."""


class StyleGenerator(nn.Module):
    """From a normal z to an image, by way of a style w for each layer.

    Args:
        channels: of the images.
        size: side of the images in pixels, a power of two, 8 at least.
        latent: width of z and of w.
        width: channels at full size; twice as many at half the size, and so on.
        max_width: no layer has more channels.
        mapping_layers: of the mapping network.
    """

    def __init__(
        self,
        channels: int,
        *,
        size: int,
        latent: int,
        width: int,
        max_width: int,
        mapping_layers: int,
    ) -> None:
        super().__init__()
        self.channels, self.size, self.latent = channels, size, latent
        self.mapping = Mapping(latent, mapping_layers)
        self.register_buffer("mean_w", torch.zeros(latent))
        self.mean_w: Tensor
        sides = [START * 2**n for n in range((size // START).bit_length())]
        widths = [min(max_width, width * size // side) for side in sides]
        self.constant = nn.Parameter(torch.randn(1, widths[0], START, START))
        self.first = StyledConv(widths[0], widths[0], latent)
        self.first_image = ToImage(widths[0], channels, latent)
        self.blocks = nn.ModuleList(
            Block(above, own, channels, latent) for above, own in pairwise(widths)
        )
        doubled = [side for side in sides[1:] for _ in (1, 2)]
        self.noise_sides = (START, *doubled)
        self.styles = len(self.noise_sides) + 1  # one for each convolution, and the last ToImage

    def forward(self, z: Tensor, *, truncation: float = 1.0, noise: Noise = "random") -> Tensor:
        """z (N, latent) from N(0, 1) -> images (N, channels, size, size) in [-1, 1].

        Args:
            z: what the images are made of.
            truncation: psi in w <- mean_w + psi (w - mean_w) (Karras et al. 2019, section B):
                less than 1 for images that are more ordinary and more alike, 0 for the mean image.
            noise: see `Noise`.
        """
        w = self.mean_w + truncation * (self.mapping(z) - self.mean_w)
        return self.synthesis(w[:, None].expand(-1, self.styles, -1), noise)

    def synthesis(self, w: Tensor, noise: Noise = "random") -> Tensor:
        """w (N, styles, latent), a style for each layer -> images, as `forward`."""
        given = self._noise(noise, w)
        x = self.first(self.constant.expand(len(w), -1, -1, -1), w[:, 0], given[0])
        image: Tensor = self.first_image(x, w[:, 1])
        for n, block in enumerate(self.blocks):
            at = 2 * n + 1
            x, image = block(x, image, w[:, at : at + 3], given[at : at + 2])
        return torch.tanh(image.float())

    @torch.no_grad()
    def take_in(self, w: Tensor) -> None:
        """Let the running mean of w follow the w (N, latent) of a training step."""
        self.mean_w.lerp_(w.mean(dim=0), 1 - MEMORY)

    def _noise(self, noise: Noise, w: Tensor) -> Sequence[Tensor | None]:
        if isinstance(noise, str):
            if noise == "off":
                return [None] * len(self.noise_sides)
            shapes = [(len(w), 1, side, side) for side in self.noise_sides]
            return [torch.randn(shape, device=w.device) for shape in shapes]
        return noise


class Block(nn.Module):
    """Twice the size: two convolutions, and what they add to the image."""

    def __init__(self, inputs: int, outputs: int, channels: int, latent: int) -> None:
        super().__init__()
        self.first = StyledConv(inputs, outputs, latent, up=True)
        self.second = StyledConv(outputs, outputs, latent)
        self.to_image = ToImage(outputs, channels, latent)

    def forward(
        self, x: Tensor, image: Tensor, w: Tensor, noise: Sequence[Tensor | None]
    ) -> tuple[Tensor, Tensor]:
        """x (N, inputs, h, w) and the image so far -> both at twice the size.

        `w` (N, 3, latent) has the styles of both convolutions and of the image; the next block's
        first convolution shares the last of them.
        """
        x = self.first(x, w[:, 0], noise[0])
        x = self.second(x, w[:, 1], noise[1])
        return x, double(image) + self.to_image(x, w[:, 2])


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, latent: int, *, up: bool = False) -> None:
        super().__init__()
        self.up = up
        self.convolve = ModulatedConv2d(inputs, outputs, 3, latent=latent)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w), or twice that size; noise (N, 1, ., .)."""
        y: Tensor = self.convolve(double(x) if self.up else x, w)
        if noise is not None:
            y = y + self.noise_strength * noise
        return leaky_relu(y + self.bias[:, None, None])


class ToImage(nn.Module):
    """Modulated 1x1 convolution to the image's channels; without demodulation, with bias."""

    def __init__(self, inputs: int, channels: int, latent: int) -> None:
        super().__init__()
        self.convolve = ModulatedConv2d(inputs, channels, 1, latent=latent, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, channels, h, w), unbounded."""
        y: Tensor = self.convolve(x, w)
        return y + self.bias[:, None, None]
