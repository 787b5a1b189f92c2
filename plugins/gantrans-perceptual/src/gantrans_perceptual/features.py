"""Feature maps of a fixed network."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models

from gantrans.errors import UsageError
from gantrans_perceptual.networks import LAYERS
from gantrans_perceptual.weights import RANDOM, download, fitting, random_weights, read_file

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of colours in [0, 1]


class Features(nn.Module):
    """The maps that a network trained on ImageNet has at some of its layers.

    The network is fixed: its weights need no gradient, and none of its layers acts differently in
    training. It ends with the deepest of the layers.

    Args:
        network: torchvision's name of it, a key of LAYERS.
        layers: which maps are wanted, keys of LAYERS[network].
        weights: a file, "random", or None: torchvision's.

    Raises:
        CheckpointError: if the weights cannot be had, or are of another network.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: str, layers: Collection[str], weights: Path | str | None) -> None:
        super().__init__()
        self.network = network
        self.names = {LAYERS[network][name]: name for name in layers}
        self.deepest = max(self.names)
        with torch.device("meta"):  # nothing is made yet, and of the classifier nothing ever
            whole = models.get_model(network, weights=None).features
        self.layers: nn.Sequential = whole[: self.deepest + 1]
        self.least = _least_side(self.layers)
        self._load(weights, {name: tensor.shape for name, tensor in whole.state_dict().items()})
        for layer in self.layers.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # or it would overwrite the map of the layer before
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(N, 1 or 3, H, W) in [-1, 1] -> by layer its map (N, C', H', W').

        Gray is taken as equal red, green and blue. Computed in float32, also where training is in
        bfloat16: the features of two images that are nearly alike differ in the digits that
        bfloat16 has not.

        Raises:
            UsageError: for other channels, or images too small for the deepest layer.
        """
        self._refuse_unfit(images)
        maps: dict[str, Tensor] = {}
        with torch.autocast(images.device.type, enabled=False):
            x = ((images.float() + 1) / 2 - self.mean) / self.std  # gray broadcasts to 3 channels
            for index, layer in enumerate(self.layers):
                x = layer(x)
                if index in self.names:
                    maps[self.names[index]] = x
        return maps

    def _refuse_unfit(self, images: Tensor) -> None:
        channels, height, width = images.shape[1:]
        if channels not in (1, 3):
            raise UsageError(
                f"{self.network} sees images of 1 channel (gray) or 3 (RGB), not {channels}: leave "
                "the losses and metrics that look through it out of the spec"
            )
        if min(height, width) < self.least:
            raise UsageError(
                f"images of {height} x {width} pixels are too small for "
                f"{self.names[self.deepest]} of {self.network}, which needs {self.least}: "
                "choose an earlier layer or another network, or larger images"
            )

    def _load(self, weights: Path | str | None, shapes: dict[str, torch.Size]) -> None:
        own = self.layers.state_dict()
        state = _read(self.network, weights, _changed(weights), tuple(shapes.items()))
        self.layers.load_state_dict({name: state[name] for name in own}, assign=True)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # what is read in that mode could serve no loss later
def _read(
    network: str,
    weights: Path | str | None,
    changed: int,
    shapes: tuple[tuple[str, torch.Size], ...],
) -> dict[str, Tensor]:
    """A network's weights. Metrics are made anew at each evaluation; half a gigabyte is read once.

    All networks that are made of them share their memory, and nobody writes to it: a network that
    moves to a device, and a copy, have weights of their own.
    """
    if weights == RANDOM:
        return random_weights(dict(shapes))
    found = download(network) if weights is None else read_file(Path(weights))
    source = "torchvision's file" if weights is None else f"the weights file {weights}"
    return fitting(found, dict(shapes), prefix="features.", what=f"{source} is not of {network}")


def _changed(weights: Path | str | None) -> int:
    """When a file was changed, in nanoseconds; 0 if there is none."""
    if weights is None or weights == RANDOM or not Path(weights).is_file():
        return 0
    return Path(weights).stat().st_mtime_ns


def _least_side(layers: nn.Sequential) -> int:
    """The smallest images, in pixels, of which these layers (on "meta") leave anything."""
    for side in range(1, 64):
        try:
            layers(torch.empty(1, 3, side, side, device="meta"))
        except RuntimeError:  # torch's "output size is too small"
            continue
        return side
    raise AssertionError("these layers see no image of 63 pixels")
