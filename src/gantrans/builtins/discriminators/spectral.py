"""Spectral normalisation (Miyato et al. 2018): no layer stretches what it gets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

Spectral = Annotated[
    bool,
    Field(
        description="divide the weights of each convolution by their largest singular value "
        "(spectral normalisation), which keeps scores from changing abruptly"
    ),
]


def normalise_spectrum(network: nn.Module) -> None:
    """Divide the weights of every convolution in `network` by their largest singular value.

    A weight (out, in, k, k) counts as the matrix (out, in k k), as in the paper. The value is
    tracked by one power iteration a forward pass in training, and stands still in use.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d):
            spectral_norm(layer)
