"""The mean training image of a domain: a baseline that ignores the input of a translation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from gantrans.api.step import Domain
from gantrans.plugin.carried import FilePlugins
from gantrans.training.evaluation_images import EvaluationImages
from gantrans.training.evaluation_loader import reading

AT_MOST = 1000
"""Images that a mean is taken of; of more, evenly spaced ones."""


def mean_image(
    images: EvaluationImages,
    domain: Domain,
    *,
    workers: int = 0,
    plugins: FilePlugins | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Tensor:
    """Compute the mean of at most `AT_MOST` images of a domain, preprocessed as in evaluation.

    Images of other sizes than the first are resized to its size. The images are summed in their
    order in float64, so that the mean is the same each time, bit by bit.

    Args:
        images: the training split.
        domain: a domain that has images.
        workers: processes that decode images that are not cached.
        plugins: needed by a process that is not forked.
        advance: called with 1 after each image.

    Returns:
        float32 (channels, H, W) in [-1, 1].

    Raises:
        DataError: for an image that cannot be used.
    """
    indices, total = chosen(len(images.sources[domain])), torch.zeros(())
    loading = reading(images, [domain], indices, workers=workers, plugins=plugins or FilePlugins())
    with loading as found:
        for number, [image] in enumerate(found):
            if not number:
                total = torch.zeros_like(image, dtype=torch.float64)
            total += resized(image, total)
            advance(1)
    return (total / len(indices)).float()


def chosen(count: int) -> list[int]:
    """The indices of the images that the mean of `count` images is taken of."""
    most = min(count, AT_MOST)
    return [n * count // most for n in range(most)]


def resized(image: Tensor, like: Tensor) -> Tensor:
    """(..., H, W) at the height and width of `like`: antialiased, without overshoot."""
    if image.shape[-2:] == like.shape[-2:]:
        return image
    size = list(like.shape[-2:])
    found: Tensor = F.resize(image, size, InterpolationMode.BILINEAR, antialias=True)
    return found
