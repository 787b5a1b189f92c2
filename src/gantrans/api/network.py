"""Running networks: several inputs as one batch, results in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gantrans.api.discriminator import Discriminator, Scores
from gantrans.api.generator import Generator


def translate(generator: Generator, *images: Tensor) -> list[Tensor]:
    """The generator on each of `images` (each (N, C, H, W)), in float32; as one batch if it may."""
    return [result.float() for result in _in_one_pass(generator, images)]


def judge(discriminator: Discriminator, images: Sequence[Tensor]) -> list[Scores]:
    """The scores of each of `images` (each (N, C, H, W)), in float32; as one batch if it may."""
    return [
        scores.float() if isinstance(scores, Tensor) else [one.float() for one in scores]
        for scores in _in_one_pass(discriminator, images)
    ]


def _in_one_pass(network: Generator | Discriminator, images: Sequence[Tensor]) -> list[Any]:
    """One batch instead of several: the same results and fewer calls.

    That holds while a network treats the images of a batch apart. Where it does not (batch norm),
    or where shapes differ, the passes are run one after another.
    """
    if len(images) == 1 or network.couples_batch or len({i.shape[1:] for i in images}) > 1:
        return [network(image) for image in images]
    sizes = [len(image) for image in images]
    result: Scores = network(torch.cat(list(images)))
    if isinstance(result, Tensor):
        return list(torch.split(result, sizes))
    return [
        list(maps) for maps in zip(*(torch.split(scale, sizes) for scale in result), strict=True)
    ]
