"""LPIPS, the learned perceptual image patch similarity (Zhang et al. 2018, equation 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.component import ComponentConfig
from gantrans.api.path import SpecPath
from gantrans_perceptual.features import Features
from gantrans_perceptual.weights import WEIGHTS, fitting, read_file

LPIPS_LAYERS: Mapping[str, Mapping[str, int]] = {
    "alexnet": {"relu1": 64, "relu2": 192, "relu3": 384, "relu4": 256, "relu5": 256},
    "vgg16": {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512, "relu5_3": 512},
    "squeezenet1_1": {
        "relu1": 64,
        "fire3": 128,
        "fire5": 256,
        "fire6": 384,
        "fire7": 384,
        "fire8": 512,
        "fire9": 512,
    },
}
"""By network the layers that the authors compare, and their channels."""

EPS = 1e-10


class LPIPSSettings(ComponentConfig):
    """What the distance depends on; the same for the loss and the metric."""

    network: Literal["alexnet", "vgg16", "squeezenet1_1"] = Field(
        "alexnet", description="whose features"
    )
    weights: SpecPath | Literal["random"] | None = Field(None, description=WEIGHTS)
    linear: SpecPath | None = Field(
        None,
        description="a .safetensors or .pth file of the published weights of channels; absent: "
        "all ones (uncalibrated)",
    )


class LPIPS(nn.Module):
    """How far two images are apart to a network: 0 for equal ones; not negative, symmetric.

    Args:
        settings: network and weights.

    Raises:
        CheckpointError: if weights cannot be had, or are of another network.
    """

    def __init__(self, settings: LPIPSSettings) -> None:
        super().__init__()
        channels = LPIPS_LAYERS[settings.network]
        self.features = Features(settings.network, channels, settings.weights)
        if settings.linear is None:
            linear = [torch.ones(count, 1, 1) for count in channels.values()]
        else:
            linear = _published(settings.linear, settings.network)
        self.linear = nn.ParameterList(linear).requires_grad_(False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Two batches, each (N, 1 or 3, H, W) in [-1, 1] -> (N,)."""
        maps_x, maps_y = self.features(x).values(), self.features(y).values()
        return distance([*maps_x], [*maps_y], [*self.linear])


def _published(file: Path, network: str) -> list[Tensor]:
    """The weights of channels as the authors publish them: "lin0.model.1.weight" (1, C, 1, 1)."""
    shapes = {
        f"{index}.model.1.weight": torch.Size((1, count, 1, 1))
        for index, count in enumerate(LPIPS_LAYERS[network].values())
    }
    what = f"the file {file} does not hold the linear weights of LPIPS for {network}"
    state = fitting(read_file(file), shapes, prefix="lin", what=what)
    return [weights[0] for weights in state.values()]


def distance(x: Sequence[Tensor], y: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Of the maps of two batches, each (N, C, H, W), with weights (C, 1, 1): (N,).

    sum over layers of mean over positions of sum over channels of w (x' - y')^2, where x' and y'
    have length 1 over the channels.
    """
    layers = [
        (w * (unit(a) - unit(b)).square()).sum(dim=1).mean(dim=(1, 2))
        for a, b, w in zip(x, y, weights, strict=True)
    ]
    return torch.stack(layers).sum(dim=0)


def unit(features: Tensor) -> Tensor:
    """(N, C, H, W), each position's C features scaled to length 1; where all are 0 they stay 0."""
    length: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (length + EPS)
