"""uvcgan2's generators, which read and write values in [0, 1], as ones with values in [-1, 1]."""

from __future__ import annotations

from torch import Tensor


def to_signed_range(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same residual generator for images in [-1, 1], exactly.

    Before: (x + 1) / 2 goes into the first convolution, W x' + b = (W / 2) x + b + sum(W) / 2, at
    the border too, since that is reflected. After: 2 sigmoid(z) - 1 = tanh(z / 2), so the last
    convolution is halved.

    Args:
        tensors: of the network, under gantrans' names, in its order; they stay as they are.
    """
    changed = dict(tensors)
    weights = [name for name, tensor in tensors.items() if tensor.dim() == 4]
    first, last = weights[0], weights[-1]
    weight = tensors[first].double()
    shift = (weight.sum(dim=(1, 2, 3)) / 2).float()
    changed[first] = (weight / 2).float()
    bias = first.replace("weight", "bias")
    if bias in tensors:
        changed[bias] = tensors[bias] + shift
    else:  # a batch norm follows, which takes its mean away
        mean = "layers.2.running_mean"
        changed[mean] = tensors[mean] - shift
    for name in (last, last.replace("weight", "bias")):
        changed[name] = tensors[name] / 2
    return changed
