"""Running networks: several inputs as one batch, results in float32.

A norm with running statistics, such as batch norm, normalises with those of the batch in training,
and with the running ones in use. In use a generator sees source images alone. So its running
statistics are updated by the pass that translates source images, and by no other: not by the
identity pass, whose images are of the target domain, nor by one over translations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gantrans.api.discriminator import Discriminator, Scores
from gantrans.api.generator import Generator
from gantrans.errors import PluginError

Encoded = dict[str, Tensor]
"""Features of images by layer, each (N, c, h, w)."""


def translate(
    generator: Generator, *images: Tensor, update_statistics: bool = True
) -> list[Tensor]:
    """Run the generator on each of `images`, as one batch where that changes nothing.

    Args:
        generator: in training.
        images: each (N, C, H, W) in [-1, 1]; source images first.
        update_statistics: let the first of `images` update the generator's running statistics, if
            it has any; False where the first are not source images. The others never do.

    Returns:
        For each of `images` its translation (N, C', H, W), in float32.

    Raises:
        PluginError: if the generator gives images of another size or other channels.
    """
    return [
        _checked(generator, image, result)
        for image, result in zip(
            images, _generate(generator, images, update_statistics=update_statistics), strict=True
        )
    ]


def translate_and_encode(
    generator: Generator, layers: Collection[str], *images: Tensor
) -> list[tuple[Tensor, Encoded]]:
    """`translate` and `encode` in one: each translation with its image's features at `layers`.

    The first of `images` are source images: they update the running statistics, as in `translate`.
    A generator that can do both at once does, so the features cost nothing more.
    """
    if not layers:
        return [(result, {}) for result in translate(generator, *images)]
    together = partial(generator.forward_with_features, layers=layers)
    return [
        (_checked(generator, image, result), _float(features))
        for image, (result, features) in zip(
            images, _generate(generator, images, together), strict=True
        )
    ]


def encode(generator: Generator, layers: Collection[str], *images: Tensor) -> list[Encoded]:
    """The features of each of `images` at `layers`, in float32; in one batch if it may.

    No running statistics are updated: source images have done that as they were translated.
    """
    together = partial(generator.encoder_features, layers=layers)
    results = _generate(generator, images, together, update_statistics=False)
    return [_float(features) for features in results]


def judge(discriminator: Discriminator, images: Sequence[Tensor]) -> list[Scores]:
    """The scores of each of `images` (each (N, C, H, W)), in float32; as one batch if it may."""
    return [
        scores.float() if isinstance(scores, Tensor) else [one.float() for one in scores]
        for scores in _in_one_pass(discriminator, images)
    ]


def running_statistics(network: nn.Module) -> dict[str, Tensor]:
    """Return the running statistics of all norms in `network`, by the names of their buffers.

    A norm with running statistics is known by a buffer `running_mean`, as torch's own have; all
    buffers of that module are its statistics.
    """
    return {
        name: buffer
        for path, module in network.named_modules()
        if module._buffers.get("running_mean") is not None
        for name, buffer in module.named_buffers(path, recurse=False)
    }


@contextmanager
def frozen_statistics(*networks: nn.Module) -> Iterator[None]:
    """Leave the running statistics of `networks` as they are, whatever passes are run within."""
    kept = [
        {name: buffer.clone() for name, buffer in running_statistics(network).items()}
        for network in networks
    ]
    try:
        yield
    finally:
        for network, before in zip(networks, kept, strict=True):
            for name, buffer in running_statistics(network).items():
                # Autograd keeps them with a pass, though no gradient of training reads them: by
                # .data it does not refuse the backward pass for their being written to.
                buffer.data.copy_(before[name])


def _generate(
    generator: Generator,
    images: Sequence[Tensor],
    run: Callable[[Tensor], Any] | None = None,
    *,
    update_statistics: bool = True,
) -> list[Any]:
    """`_in_one_pass`, in which the first of `images` alone may update running statistics."""
    if not running_statistics(generator):
        return _in_one_pass(generator, images, run)
    first = 1 if update_statistics else 0
    results = _in_one_pass(generator, images[:first], run)
    with frozen_statistics(generator):
        return results + _in_one_pass(generator, images[first:], run)


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
    if len(images) <= 1 or network.couples_batch or len({i.shape[1:] for i in images}) > 1:
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
