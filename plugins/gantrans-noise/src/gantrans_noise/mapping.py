"""The mapping network: from a normal z to a style w (Karras et al. 2019, "A style-based generator
architecture for generative adversarial networks", figure 1b).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantrans_noise.equalized import EqualizedLinear, leaky_relu

RATE = 0.01
"""Factor of its learning rate: with that of the other layers it would not be stable."""


class Mapping(nn.Module):
    """Fully connected layers with LeakyReLU on a z of length sqrt(latent).

    Args:
        latent: width of z, of w, and of all between.
        layers: how many there are.
    """

    def __init__(self, latent: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EqualizedLinear(latent, latent, rate=RATE) for _ in range(layers)
        )

    def forward(self, z: Tensor) -> Tensor:
        """z (N, latent) from N(0, 1) -> w (N, latent), in float32."""
        # It costs next to nothing, and the whole image hangs on it: no rounding to bfloat16.
        with torch.autocast(z.device.type, enabled=False):
            w = pixel_norm(z.float())
            for layer in self.layers:
                w = leaky_relu(layer(w))
        return w


def pixel_norm(z: Tensor) -> Tensor:
    """(N, channels) -> the same, each row divided by its root mean square."""
    return z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
