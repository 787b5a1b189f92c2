"""Numbers that tell whether translations are any good, each of a few images.

Images are (N, C, H, W) in [-1, 1], numbers tensors on their device: nothing here waits for it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SATURATED = 0.98
"""From this value on, of at most 1, a generator's last tanh has almost no gradient (0.04)."""

THUMBNAIL = 8
"""Height and width of the thumbnails by which images are told apart."""

PERIOD = 4
"""Pixels after which the pattern of two upsamplings repeats; that of one repeats after 2."""

FEWEST_BLOCKS = 12
"""Repetitions of a pattern across and down that it takes to tell it from what is in the images."""


def unchanged(source: Tensor, fake: Tensor) -> Tensor:
    """How much of the input comes out as it went in: 1 all of it, 0 or less nothing; scalar.

    1 - |fake - source|^2 / |source - its mean|^2, the mean over images. The coefficient of
    determination of the output by the input, without any fit.
    """
    error = (fake - source).square().flatten(1).mean(1)
    contrast = source.flatten(1).var(1, correction=0)
    return (1 - error / contrast.clamp_min(1e-4)).mean()


def likeness(source: Tensor, fake: Tensor) -> Tensor:
    """Pearson's correlation of input and output over pixels and channels, the mean over images.

    Near -1 light has become dark and dark light; scalar.
    """
    s, f = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (source, fake))
    return F.cosine_similarity(s, f, dim=1, eps=1e-6).mean()


def saturation(images: Tensor) -> Tensor:
    """The share of values that are as good as -1 or 1, from 0 to 1; scalar."""
    return (images.abs() > SATURATED).float().mean()


def thumbnails(images: Tensor) -> Tensor:
    """(N, C, 8, 8): means over parts of the images."""
    return F.adaptive_avg_pool2d(images, THUMBNAIL)


def variation(thumbs: Tensor) -> Tensor:
    """How much images differ from each other: the standard deviation over (N, C, 8, 8), at each
    place, and the mean of that; scalar."""
    return thumbs.std(0, correction=0).mean()


def lattice(images: Tensor) -> Tensor | None:
    """The pattern (4, 4) that repeats all over the images; None of images that are too small.

    What remains of them without their coarse parts, averaged over all places with the same
    coordinates modulo 4. By Parseval's theorem its mean square is the energy at the frequencies
    of the periods 4 and 2 (Odena et al. 2016 show where it comes from). The blur that takes the
    coarse parts out spans two periods exactly, with half weights at its ends, so that it leaves the
    pattern as it is.
    """
    if min(images.shape[-2:]) < (FEWEST_BLOCKS + 2) * PERIOD:
        return None
    gray = images.mean(1, keepdim=True)
    row = torch.ones(2 * PERIOD + 1, device=images.device, dtype=images.dtype)
    row[0] = row[-1] = 0.5
    row = row / row.sum()
    coarse = F.conv2d(gray, row.view(1, 1, 1, -1))
    coarse = F.conv2d(coarse, row.view(1, 1, -1, 1))
    fine = gray[..., PERIOD:-PERIOD, PERIOD:-PERIOD] - coarse
    down, across = (side // PERIOD for side in fine.shape[-2:])
    blocks = fine[..., : down * PERIOD, : across * PERIOD]
    pattern: Tensor = blocks.reshape(-1, down, PERIOD, across, PERIOD).mean((0, 1, 3))
    return pattern - pattern.mean()


def levels(pattern: Tensor) -> Tensor:
    """The strength of a pattern, its root mean square, in levels of 8 bits (0 to 255); scalar."""
    return pattern.square().mean().sqrt() * 127.5
