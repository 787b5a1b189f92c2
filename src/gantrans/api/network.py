"""Running networks: several inputs as one batch, results in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gantrans.api.discriminator import Discriminator, Scores
from gantrans.api.generator import Generator
from gantrans.errors import PluginError


def translate(generator: Generator, *images: Tensor) -> list[Tensor]:
    """The generator on each of `images` (each (N, C, H, W)), in float32; as one batch if it may.

    Raises PluginError if the generator gives images of another size or other channels.
    """
    results = _in_one_pass(generator, images)
    for image, result in zip(images, results, strict=True):
        wanted = (len(image), generator.out_channels, *image.shape[2:])
        if result.shape != wanted:
            raise PluginError(
                f"the generator {generator.name!r} made {tuple(result.shape)} of images "
                f"{tuple(image.shape)}: it has to give {wanted}"
            )
    return [result.float() for result in results]


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
