"""How a discriminator's judgement of an image changes with the image's pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from gantrans.api.discriminator import score_maps
from gantrans.api.step import Domain, TranslationStep
from gantrans.errors import DataError


def input_gradient(
    step: TranslationStep,
    domain: Domain,
    images: Tensor,
    *,
    score: Literal["mean", "sum"] = "mean",
) -> Tensor:
    """The gradient of each image's score by its pixels, which can itself be differentiated.

    The score of an image is the mean of its score map, and the mean over the maps where there are
    several: what the losses of scores make of it. Much code takes the sum of all scores instead
    (`score = "sum"`): with P scores in one map, that gradient is P times the other.

    It is computed in float32, also where the step runs in bfloat16. Where a network couples the
    images of a batch (batch norm), what a pixel does to the scores of the other images is part of
    the gradient; there, "of each image" no longer means what it says.

    Args:
        step: whose discriminator is asked.
        domain: which one: that of "a" or of "b".
        images: (N, C, H, W) in [-1, 1]; nothing flows back into what made them.
        score: what an image's scores are put together to.

    Returns:
        (N, C, H, W), with a graph that reaches the discriminator's weights.
    """
    images = images.detach().requires_grad_()
    # What torch compiled can be differentiated once only.
    with torch.compiler.set_stance("force_eager"):
        [scores] = replace(step, precision=None).score(domain, images)
    # An image's pixels are in no other image's score, so one pass back gives all gradients.
    maps = [one.flatten(1) for one in score_maps(scores)]
    if score == "mean":
        total = torch.stack([one.mean(1).sum() for one in maps]).mean()
    else:
        total = torch.stack([one.sum() for one in maps]).sum()
    [gradient] = torch.autograd.grad(total, images, create_graph=True)
    return gradient


def somewhere_between(real: Tensor, fake: Tensor) -> Tensor:
    """For each pair of images (N, C, H, W) one on the straight line between them, at random.

    Raises:
        DataError: if they differ in size, so that none lies between.
    """
    if real.shape != fake.shape:
        raise DataError(
            f"a gradient penalty mixes real images of {_size(real)} pixels with translated ones of "
            f"{_size(fake)}: give both domains the same data.transform.crop, or use r1 instead"
        )
    u = torch.rand(len(real), 1, 1, 1, device=real.device)
    return u * real + (1 - u) * fake


def _size(images: Tensor) -> str:
    return f"{images.shape[3]} x {images.shape[2]}"
