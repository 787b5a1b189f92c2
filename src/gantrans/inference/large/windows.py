"""Layers that see a window around each position: convolutions and pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node

from gantrans.inference.large.operations import Known, Operation
from gantrans.inference.large.tiling import AXES, Border, Region, Span, taken, widened

Pair = tuple[int, int]


class Window(Operation):
    """A window of `kernel` positions, `dilation` apart, that moves by `stride`."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    borders: tuple[Border, Border]

    def reads(self, axis: int, span: Span) -> Span:
        """From the first window's first position to the last one's last."""
        return self.borders[axis].reads(self._under(axis, span))

    def _under(self, axis: int, span: Span) -> Span:
        """The same, of the map with its border."""
        stride, reach = self.stride[axis], self.dilation[axis] * (self.kernel[axis] - 1)
        return Span(span.start * stride, (span.stop - 1) * stride + reach + 1)

    def _bordered(self, tile: Tensor, read: Region, region: Region) -> Tensor:
        under = (self._under(0, region[0]), self._under(1, region[1]))
        return taken(tile, self.borders, read, under)


@dataclass
class Convolution(Window):
    """A convolution with zeros around the map."""

    maps: Sequence[Node]
    weight: Node
    bias: Any
    kernel: Pair
    stride: Pair
    dilation: Pair
    borders: tuple[Border, Border]
    groups: int
    flops: float

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The convolution of the tile alone, which has its surroundings."""
        weight, bias = known.of((self.weight, self.bias))
        x = self._bordered(tiles[0], read, region)
        return F.conv2d(x, weight, bias, self.stride, 0, self.dilation, self.groups)


@dataclass
class Pooling(Window):
    """The mean or the largest of each window."""

    maps: Sequence[Node]
    pool: Callable[[Tensor, Pair, Pair, Pair], Tensor]
    kernel: Pair
    stride: Pair
    dilation: Pair
    borders: tuple[Border, Border]

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The windows of the tile alone, which has its surroundings."""
        x = self._bordered(tiles[0], read, region)
        return self.pool(x, self.kernel, self.stride, self.dilation)


@dataclass
class Transposed(Operation):
    """A transposed convolution: position i of the input adds to i * stride - padding + dilation * t
    of the output, for each t in the kernel."""

    maps: Sequence[Node]
    size: Pair
    weight: Node
    bias: Any
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    flops: float

    def reads(self, axis: int, span: Span) -> Span:
        """Every position that adds to the span; at least one."""
        reach = self.dilation[axis] * (self.kernel[axis] - 1)
        first = math.ceil((span.start + self.padding[axis] - reach) / self.stride[axis])
        last = (span.stop - 1 + self.padding[axis]) // self.stride[axis]
        first, last = max(first, 0), min(last, self.size[axis] - 1)
        return Span(min(first, last), last + 1)

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The convolution of the tile alone, without what it gives beyond the region."""
        weight, bias = known.of((self.weight, self.bias))
        made = F.conv_transpose2d(
            tiles[0], weight, None, self.stride, 0, 0, self.groups, self.dilation
        )
        rows, columns = (self._gives(axis, read[axis]) for axis in AXES)
        made = widened(made, (rows, columns), region)
        return made if bias is None else made + bias[:, None, None].to(made.dtype)

    def _gives(self, axis: int, read: Span) -> Span:
        stride, padding = self.stride[axis], self.padding[axis]
        reach = self.dilation[axis] * (self.kernel[axis] - 1)
        return Span(read.start * stride - padding, (read.stop - 1) * stride - padding + reach + 1)
