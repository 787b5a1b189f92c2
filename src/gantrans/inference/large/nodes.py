"""What is written at a node of an exported graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import Node


class NotCuttableError(Exception):
    """A layer of a network that cannot be computed tile by tile; says why, and which it is."""

    def __init__(self, reason: str, node: Node | None = None) -> None:
        super().__init__(reason)
        self.node = node


def shape_of(node: Node) -> torch.Size | None:
    """Of the tensor that a node gives; None for anything else."""
    value = node.meta.get("val")
    return value.shape if isinstance(value, Tensor) else None


def kind_of(node: Node) -> str:
    """Such as "conv2d", of torch.ops.aten.conv2d.default."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return str(target)
    return str(target.overloadpacket.__name__)


def arguments_of(node: Node) -> dict[str, Any]:
    """The node's arguments by name, defaults too."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return {}
    wanted = target._schema.arguments
    given = dict(zip((argument.name for argument in wanted), node.args, strict=False))
    defaults = {a.name: a.default_value for a in wanted if a.has_default_value()}
    return {**defaults, **given, **node.kwargs}


def size_of(node: Node) -> tuple[int, int]:
    """Height and width of the map that a node makes."""
    shape = shape_of(node)
    assert shape is not None
    return shape[2], shape[3]


def bytes_of(node: Node, positions: int | None = None) -> int:
    """Of so many positions of a map, all channels together; of the whole map."""
    value: Tensor = node.meta["val"]
    _, channels, height, width = value.shape
    return (height * width if positions is None else positions) * channels * value.element_size()
