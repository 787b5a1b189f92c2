"""What a layer sees of the maps that it reads, and how a tile of its own map is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node
from torch.fx.node import map_arg

from gantrans.inference.large.moments import Moments
from gantrans.inference.large.tiling import Border, Region, Span, taken


class Known:
    """What is known when tiles are made: small values (weights, sums) and statistics of maps."""

    def __init__(self, values: Mapping[Node, Any]) -> None:
        self.values: dict[Node, Any] = dict(values)
        self.moments: dict[Node, Moments] = {}

    def of(self, argument: Any, tiles: Mapping[Node, Tensor] | None = None) -> Any:
        """An argument of a node, with the values of the nodes in it."""
        tiles = tiles or {}
        return map_arg(argument, lambda n: tiles[n] if n in tiles else self.values[n])


class Operation(ABC):
    """How one map (1, C, H, W) is made of others, by region.

    `maps` are those that it reads, all at the same place.
    """

    maps: Sequence[Node]
    flops: float = 0.0
    """Multiplications and additions of convolutions, for the whole map."""

    def reads(self, axis: int, span: Span) -> Span:
        """What a span of the map needs of those that it reads."""
        return span

    @abstractmethod
    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The map in `region`.

        Args:
            tiles: those of `maps`, each covering `read`.
            read: what `reads` said of `region`.
            region: what is wanted.
            known: weights and statistics.
        """


@dataclass
class Pointwise(Operation):
    """Each position apart: activations, sums, products, maps side by side."""

    node: Node
    maps: Sequence[Node]

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The layer itself, on tiles."""
        here = dict(zip(self.maps, tiles, strict=True))
        args, kwargs = known.of((self.node.args, self.node.kwargs), here)
        assert callable(self.node.target)
        made: Tensor = self.node.target(*args, **kwargs)
        return made


@dataclass
class Channels(Operation):
    """Some neighbouring channels of a map."""

    maps: Sequence[Node]
    first: int
    count: int

    @classmethod
    def part(cls, node: Node, of: Node) -> Channels:
        """What `node` takes out of a list of parts of the map `of`."""
        parts, place = node.args
        assert isinstance(parts, Node) and isinstance(place, int)
        counts = [part.shape[1] for part in parts.meta["val"]]
        return cls([of], sum(counts[: place % len(counts)]), counts[place])

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """These channels."""
        return tiles[0].narrow(1, self.first, self.count)


@dataclass
class Padding(Operation):
    """More, or less, around the map."""

    maps: Sequence[Node]
    borders: tuple[Border, Border]

    def reads(self, axis: int, span: Span) -> Span:
        """Without what is added; with what is reflected."""
        return self.borders[axis].reads(span)

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The map, and what is added where the region reaches it."""
        return taken(tiles[0], self.borders, read, region)


@dataclass
class Normalisation(Operation):
    """To mean 0 and variance 1 in groups of channels, by the statistics of the whole map.

    Args:
        maps: the one that is normalised.
        groups: of neighbouring channels; as many as channels: instance norm; 1: layer norm.
        weight: the scale for each channel, or None.
        bias: the shift for each channel, or None.
        eps: added to the variance.
    """

    maps: Sequence[Node]
    groups: int
    weight: Any
    bias: Any
    eps: float

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """Normalised with what is known of the map."""
        [tile] = tiles
        mean, var = known.moments[self.maps[0]].of_groups(self.groups)
        weight, bias = known.of((self.weight, self.bias))

        exact = tile if tile.dtype == torch.float64 else tile.float()

        def along(values: Tensor) -> Tensor:
            return values.to(tile.device, exact.dtype)[:, None, None]

        # The mean first: far from 0, `x * scale - mean * scale` would lose digits.
        made = exact.sub(along(mean)).mul_(along((var + self.eps).rsqrt()))
        if weight is not None:
            made.mul_(along(weight))
        return made if bias is None else made.add_(along(bias))
