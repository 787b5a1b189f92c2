"""How much of an image a translated pixel depends on."""

from __future__ import annotations

import torch
from torch import nn

from gantrans.api.generator import Generator


def sides_seen(generator: Generator, side: int) -> set[int]:
    """The sides, in pixels, of what the pixels in the middle of an image have a gradient to.

    They differ by where a pixel lies between the strides. The weights are made equal, so that no
    gradient can cancel; a norm would look at the whole image.
    """
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.constant_(layer.weight, 0.5 / layer.weight[0].numel())
            nn.init.zeros_(layer.bias)
    weight = next(generator.parameters())
    image = torch.full((1, 3, side, side), 0.5, dtype=weight.dtype, requires_grad=True)
    translated = generator(image)
    sides = set()
    for place in range(side // 2, side // 2 + generator.multiple_of):
        pixel = translated[0, 0, place, place]
        [gradient] = torch.autograd.grad(pixel, image, retain_graph=True)
        rows = gradient[0].abs().sum(0).any(1).nonzero()
        sides.add(int(rows.max() - rows.min()) + 1)
    return sides
