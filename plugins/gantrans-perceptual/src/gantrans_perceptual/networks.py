"""The networks whose features are compared: torchvision's, and the names of their layers."""

from __future__ import annotations

from collections.abc import Mapping


def _vgg(*convolutions: int) -> dict[str, int]:
    """A VGG with so many convolutions a block: "relu2_1" comes after the first one of block 2."""
    layers: dict[str, int] = {}
    index = 0
    for block, count in enumerate(convolutions, start=1):
        for number in range(1, count + 1):
            layers[f"conv{block}_{number}"] = index
            layers[f"relu{block}_{number}"] = index + 1
            index += 2
        index += 1  # the block ends with a pooling
    return layers


LAYERS: Mapping[str, Mapping[str, int]] = {
    "vgg16": _vgg(2, 2, 3, 3, 3),
    "vgg19": _vgg(2, 2, 4, 4, 4),
    "alexnet": {"relu1": 1, "relu2": 4, "relu3": 7, "relu4": 9, "relu5": 11},
    "squeezenet1_1": {
        "relu1": 1,
        "fire2": 3,
        "fire3": 4,
        "fire4": 6,
        "fire5": 7,
        "fire6": 9,
        "fire7": 10,
        "fire8": 11,
        "fire9": 12,
    },
}
"""By torchvision's name of the network: the index in its `features` of every layer by name."""
