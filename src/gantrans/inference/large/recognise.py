"""Which operation a node of an exported network is; each built from the node's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node

from gantrans.inference.large.nodes import (
    NotCuttableError,
    arguments_of,
    kind_of,
    shape_of,
    size_of,
)
from gantrans.inference.large.operations import Normalisation, Operation, Padding, Pointwise
from gantrans.inference.large.sampling import Interpolation, Shuffle, Unshuffle
from gantrans.inference.large.tiling import AXES, Border
from gantrans.inference.large.windows import Convolution, Pair, Pooling, Transposed

FREE = ("clone", "contiguous", "detach", "prelu", "to", "type_as", "hardswish")
"""Layers that treat each position apart, though torch does not say so."""

DROPOUT = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
"""Layers that do nothing in use."""

ACROSS = ("mean", "sum", "var", "std", "amax", "amin", "softmax", "log_softmax", "glu", "norm")
"""Layers that treat each position apart if they go over channels."""


def recognised(node: Node, maps: Sequence[Node]) -> Operation:
    """The operation of a node that reads `maps`, and makes a map.

    Raises NotCuttableError.
    """
    arguments = arguments_of(node)
    kind = kind_of(node)
    if kind in _BUILDERS:
        return _BUILDERS[kind](node, maps, arguments)
    if _is_pointwise(node, kind, arguments):
        return _pointwise(node, maps)
    raise NotCuttableError("it may look at the whole picture")


def _is_pointwise(node: Node, kind: str, arguments: dict[str, Any]) -> bool:
    if kind in FREE:
        return True
    if kind in DROPOUT:
        return not arguments["train"]
    if kind in ACROSS:
        return arguments.get("dim") in (1, [1], -3, [-3])
    tags = getattr(node.target, "tags", ())
    return torch.Tag.pointwise in tags and torch.Tag.nondeterministic_seeded not in tags


def _pointwise(node: Node, maps: Sequence[Node]) -> Pointwise:
    sizes = {shape_of(each)[2:] for each in (node, *maps)}  # type: ignore[index]
    others = [n for n in node.all_input_nodes if n not in maps]
    if kind_of(node) not in FREE:
        spread = [shape for n in others if (shape := shape_of(n)) and set(shape[-2:]) != {1}]
        if spread:
            raise NotCuttableError("it adds something of a size of its own to the picture")
    if len(sizes) > 1:
        raise NotCuttableError("it stretches one picture over another")
    return Pointwise(node, maps)


def _pair(value: Any) -> Pair:
    values = [value] if isinstance(value, int) else list(value)
    return (values * 2)[:2] if len(values) == 1 else values[:2]  # type: ignore[return-value]


def _zeros(source: Node, kernel: Pair, dilation: Pair, padding: Any) -> tuple[Border, Border]:
    if padding == "same":
        before = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        before = (0, 0) if padding == "valid" else _pair(padding)
    rows, columns = (Border(size_of(source)[axis], before[axis]) for axis in AXES)
    return rows, columns


def _convolution(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    _, channels, *kernel = _weight(node, given)
    dilation, stride = _pair(given["dilation"]), _pair(given["stride"])
    height, width = size_of(node)
    made = shape_of(node)
    assert made is not None
    return Convolution(
        maps,
        given["weight"],
        given["bias"],
        _pair(kernel),
        stride,
        dilation,
        _zeros(maps[0], _pair(kernel), dilation, given["padding"]),
        given["groups"],
        flops=2.0 * channels * kernel[0] * kernel[1] * made[1] * height * width,
    )


def _transposed(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    in_channels, out_channels, *kernel = _weight(node, given)
    height, width = size_of(maps[0])
    return Transposed(
        maps,
        (height, width),
        given["weight"],
        given["bias"],
        _pair(kernel),
        _pair(given["stride"]),
        _pair(given["padding"]),
        _pair(given["dilation"]),
        given["groups"],
        flops=2.0 * in_channels * out_channels * kernel[0] * kernel[1] * height * width,
    )


def _weight(node: Node, given: dict[str, Any]) -> torch.Size:
    shape = shape_of(given["weight"])
    if shape is None or given["weight"] in _maps_of(node):
        raise NotCuttableError("its weights come from the picture")
    return shape


def _maps_of(node: Node) -> list[Node]:
    return [n for n in node.all_input_nodes if n.meta.get("is_map")]


def _padding(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    amounts = list(given["pad"])
    if len(amounts) > 4 and any(amounts[4:]):
        raise NotCuttableError("it adds channels")
    left, top = (*amounts, 0, 0, 0)[0:3:2]
    mode, fill = given.get("mode", "constant"), given.get("value") or 0.0
    if mode == "circular":
        raise NotCuttableError("one border of the picture sees the other")
    height, width = size_of(maps[0])
    return Padding(maps, (Border(height, top, mode, fill), Border(width, left, mode, fill)))


def _slice(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    if given["dim"] in (0, 1) or given["step"] != 1:
        if given["dim"] == 1:
            return Pointwise(node, maps)
        raise NotCuttableError("it takes single rows or columns")
    height, width = size_of(maps[0])
    start = given["start"] or 0
    axis = (given["dim"] - 2) % 2
    start = max(start + (height, width)[axis], 0) if start < 0 else start
    rows, columns = (-start, 0) if axis == 0 else (0, -start)
    return Padding(maps, (Border(height, rows), Border(width, columns)))


def _pooling(
    pool: Callable[[Tensor, Pair, Pair, Pair], Tensor],
    fill: float,
    node: Node,
    maps: Sequence[Node],
    given: dict[str, Any],
) -> Operation:
    padding = _pair(given["padding"])
    if given["ceil_mode"] or (any(padding) and not given.get("count_include_pad", True)):
        raise NotCuttableError("its windows at the border are of another size")
    if given.get("divisor_override"):
        raise NotCuttableError("it has a divisor of its own")
    kernel = _pair(given["kernel_size"])
    rows, columns = (Border(size_of(maps[0])[a], padding[a], fill=fill) for a in AXES)
    stride = _pair(given["stride"]) if given["stride"] else kernel
    dilation = _pair(given.get("dilation", 1))
    return Pooling(maps, pool, kernel, stride, dilation, (rows, columns))


def _mean_pool(x: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    return F.avg_pool2d(x, kernel, stride)


def _max_pool(x: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    return F.max_pool2d(x, kernel, stride, 0, dilation)


def _interpolation(
    shift: float, smooth: bool, node: Node, maps: Sequence[Node], given: dict[str, Any]
) -> Operation:
    before, after = size_of(maps[0]), size_of(node)
    factors = given.get("scale_factors")
    scale = [b / a for b, a in zip(before, after, strict=True)]
    if factors:
        scale = [1 / factor for factor in factors]
    if given.get("align_corners"):
        shift = 0.0
        scale = [(b - 1) / max(a - 1, 1) for b, a in zip(before, after, strict=True)]
    return Interpolation(maps, before, (scale[0], scale[1]), shift, smooth)


def _shuffle(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    return Shuffle(maps, given["upscale_factor"])


def _unshuffle(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    return Unshuffle(maps, given["downscale_factor"])


def _cat(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    if given["dim"] not in (1, -3):
        raise NotCuttableError("it puts pictures beside each other")
    if len(set(given["tensors"])) != len(maps):
        raise NotCuttableError("it puts something beside the picture that is none")
    return _pointwise(node, maps)


def _instance_norm(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    if not given["use_input_stats"]:
        return Pointwise(node, maps)
    return _normalisation(maps, given, groups=None)


def _batch_norm(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    if not given["training"]:
        return Pointwise(node, maps)
    return _normalisation(maps, given, groups=None)  # of one picture: the same as instance norm


def _group_norm(node: Node, maps: Sequence[Node], given: dict[str, Any]) -> Operation:
    return _normalisation(maps, given, given["num_groups"])


def _normalisation(maps: Sequence[Node], given: dict[str, Any], groups: int | None) -> Operation:
    shape = shape_of(maps[0])
    assert shape is not None
    return Normalisation(
        maps, groups or shape[1], given["weight"], given["bias"], float(given["eps"])
    )


_BUILDERS: dict[str, Callable[[Node, Sequence[Node], dict[str, Any]], Operation]] = {
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "pad": _padding,
    "constant_pad_nd": _padding,
    "slice": _slice,
    "avg_pool2d": partial(_pooling, _mean_pool, 0.0),
    "max_pool2d": partial(_pooling, _max_pool, float("-inf")),
    "upsample_nearest2d": partial(_interpolation, 0.0, False),
    "_upsample_nearest_exact2d": partial(_interpolation, 0.5, False),
    "upsample_bilinear2d": partial(_interpolation, 0.5, True),
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _unshuffle,
    "cat": _cat,
    "instance_norm": _instance_norm,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
}
