"""The weights that a network starts from: `[init]` of the spec.

A weight of a convolution or a linear layer is drawn from a normal distribution around 0, with gain
g, with n_in inputs that meet in one output, and n_out outputs that one input reaches:

    normal      standard deviation g, by default 0.02 (Radford et al. 2016; Zhu et al. 2017)
    xavier      variance 2 g^2 / (n_in + n_out) (Glorot & Bengio 2010, equation 12)
    kaiming     variance 2 g^2 / n_in, for layers with ReLU (He et al. 2015, equation 10)

    orthogonal  g times a random matrix with orthonormal rows, or columns if these are fewer (Saxe
                et al. 2014); a weight counts as the matrix (its first axis, all others)

The first axis of a transposed convolution is that of its inputs. As the mirror image of a
convolution that is the orthogonal matrix one wants, and as many inputs meet in one of its outputs
as outputs are reached by an input of that convolution.

Biases are 0. The scale of an affine normalisation is drawn around 1, with standard deviation 0.02,
and its shift is 0.

This holds for torch's own convolutions, linear layers and normalisations, and what is derived from
them. All else (embeddings, the slope of a PReLU, parameters of a module of one's own) stays as it
was built.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from gantrans.api.randomness import derived_seed
from gantrans.spec.model import Init

STD = 0.02
CATCH_UP = 100
"""Looks at a drawn weight after which spectral norm knows its largest singular value to 2 %, and
mostly to 0.2 %: the gap to the second one is small in random matrices, and sometimes tiny."""

CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
PRODUCTS = (*CONVOLUTIONS, nn.Linear, nn.Bilinear)
NORMALISATIONS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.GroupNorm, nn.LayerNorm, nn.RMSNorm),
)


@torch.no_grad()
def initialise(network: nn.Module, init: Init, seed: int, name: str) -> None:
    """Draw the weights of `network` that are trained.

    Nothing in it that brings its own (`own_weights`) is drawn, nor what it has frozen itself, such
    as a network whose features it compares.

    The draw is a function of `init`, the run's seed and the network's name alone.
    """
    random = torch.Generator().manual_seed(derived_seed(seed, "initialise", name))
    owners = (part for part in network.modules() if getattr(part, "own_weights", False))
    own = {part for owner in owners for part in owner.modules()}
    for layer in network.modules():
        if layer in own or not isinstance(layer, (*PRODUCTS, *NORMALISATIONS)):
            continue
        weight: Tensor | None = getattr(layer, "weight", None)
        bias = getattr(layer, "bias", None)
        if weight is not None and is_parametrized(layer, "weight"):
            if all(part.requires_grad for part in _made_of(layer)):
                layer.weight = _drawn(layer, weight, init, random)
                for _ in range(CATCH_UP):
                    layer.weight  # noqa: B018  in training, a look is a step of power iteration
        elif isinstance(weight, nn.Parameter) and weight.requires_grad:
            weight.copy_(_drawn(layer, weight, init, random))
        if isinstance(bias, nn.Parameter) and bias.requires_grad:
            bias.zero_()


def _made_of(layer: Any) -> list[nn.Parameter]:
    """What a parametrized weight is computed from."""
    return list(layer.parametrizations["weight"].parameters())


def seed_torch(seed: int, *key: str | int) -> None:
    """Set torch's generators to a function of (seed, key), as every random draw of a run is."""
    torch.manual_seed(derived_seed(seed, *key))


def _drawn(layer: nn.Module, weight: Tensor, init: Init, random: torch.Generator) -> Tensor:
    """A weight of the same shape."""
    normal = torch.randn(weight.shape, generator=random)
    if isinstance(layer, NORMALISATIONS):
        return 1 + STD * normal
    gain = init.gain or (STD if init.scheme == "normal" else 1.0)
    match init.scheme:
        case "normal":
            return gain * normal
        case "xavier":
            return gain * math.sqrt(2 / sum(_fans(layer, weight))) * normal
        case "kaiming":
            return gain * math.sqrt(2 / _fans(layer, weight)[0]) * normal
        case "orthogonal":
            return gain * _orthogonal(normal.flatten(1)).reshape(weight.shape)


def _fans(layer: nn.Module, weight: Tensor) -> tuple[float, float]:
    """How many inputs meet in one output, and how many outputs one input reaches.

    With a stride of s, a pixel on the side with more of them takes part in one of s^2 products.
    """
    groups, stride, transposed = 1, 1, False
    if isinstance(layer, CONVOLUTIONS):
        groups, stride, transposed = layer.groups, math.prod(layer.stride), layer.transposed
    taps = math.prod(weight.shape[2:])
    inputs, outputs = weight.shape[1] * taps, weight.shape[0] / groups * taps / stride
    return (outputs, inputs) if transposed else (inputs, outputs)


def _orthogonal(normal: Tensor) -> Tensor:
    """A uniformly distributed (rows, columns) matrix, orthonormal in the shorter direction."""
    tall = normal if normal.shape[0] >= normal.shape[1] else normal.T
    q, r = torch.linalg.qr(tall)
    q = torch.mul(q, r.diagonal().sign())  # QR leaves the signs to the implementation
    return q if tall is normal else q.T
