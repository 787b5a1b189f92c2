"""Running networks: several inputs as one batch, results in float32."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gantrans.api.discriminator import Discriminator, Scores
from gantrans.api.generator import Generator
from gantrans.errors import PluginError

Encoded = dict[str, Tensor]
"""Features of images by layer, each (N, c, h, w)."""


def translate(generator: Generator, *images: Tensor) -> list[Tensor]:
    """The generator on each of `images` (each (N, C, H, W)), in float32; as one batch if it may.

    Raises PluginError if the generator gives images of another size or other channels.
    """
    return [
        _checked(generator, image, result)
        for image, result in zip(images, _in_one_pass(generator, images), strict=True)
    ]


def translate_and_encode(
    generator: Generator, layers: Collection[str], *images: Tensor
) -> list[tuple[Tensor, Encoded]]:
    """`translate` and `encode` in one: each translation with its image's features at `layers`.

    A generator that can do both at once does, so the features cost nothing more.
    """
    if not layers:
        return [(result, {}) for result in translate(generator, *images)]
    together = partial(generator.forward_with_features, layers=layers)
    return [
        (_checked(generator, image, result), _float(features))
        for image, (result, features) in zip(
            images, _in_one_pass(generator, images, together), strict=True
        )
    ]


def encode(generator: Generator, layers: Collection[str], *images: Tensor) -> list[Encoded]:
    """The features of each of `images` at `layers`, in float32; in one batch if it may."""
    together = partial(generator.encoder_features, layers=layers)
    return [_float(features) for features in _in_one_pass(generator, images, together)]


def judge(discriminator: Discriminator, images: Sequence[Tensor]) -> list[Scores]:
    """The scores of each of `images` (each (N, C, H, W)), in float32; as one batch if it may."""
    return [
        scores.float() if isinstance(scores, Tensor) else [one.float() for one in scores]
        for scores in _in_one_pass(discriminator, images)
    ]


def _in_one_pass(
    network: Generator | Discriminator,
    images: Sequence[Tensor],
    run: Callable[[Tensor], Any] | None = None,
) -> list[Any]:
    """One batch instead of several: the same results and fewer calls.

    That holds while a network treats the images of a batch apart. Where it does not (batch norm),
    or where shapes differ, the passes are run one after another. `run` is what to do with a batch,
    if not `network` itself.
    """
    run = run or network
    if len(images) == 1 or network.couples_batch or len({i.shape[1:] for i in images}) > 1:
        return [run(image) for image in images]
    return _split(run(torch.cat(list(images))), [len(image) for image in images])


def _split(result: Any, sizes: list[int]) -> list[Any]:
    """What one pass gave (tensors, in lists, tuples and mappings), cut to one such for each."""
    if isinstance(result, Tensor):
        return list(torch.split(result, sizes))
    if isinstance(result, Mapping):
        parts = zip(*(_split(inner, sizes) for inner in result.values()), strict=True)
        return [dict(zip(result, part, strict=True)) for part in parts]
    return [list(part) for part in zip(*(_split(inner, sizes) for inner in result), strict=True)]


def _checked(generator: Generator, image: Tensor, result: Tensor) -> Tensor:
    wanted = (len(image), generator.out_channels, *image.shape[2:])
    if result.shape != wanted:
        raise PluginError(
            f"the generator {generator.name!r} made {tuple(result.shape)} of images "
            f"{tuple(image.shape)}: it has to give {wanted}"
        )
    return result.float()


def _float(features: Mapping[str, Tensor]) -> Encoded:
    return {layer: feature.float() for layer, feature in features.items()}
