"""Parts of maps: spans along an axis, regions, and what lies beyond a border."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

AXES = (0, 1)
"""Rows and columns."""


@dataclass(frozen=True)
class Span:
    """The positions from `start` up to, and without, `stop` along one axis."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def shared(self, other: Span) -> Span:
        """What is in both; of length 0 if nothing is."""
        start = max(self.start, other.start)
        return Span(start, max(min(self.stop, other.stop), start))

    def together(self, other: Span) -> Span:
        """The smallest span with both in it."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


Region = tuple[Span, Span]
"""Rows and columns of a map."""


def whole(height: int, width: int) -> Region:
    """All of a map."""
    return Span(0, height), Span(0, width)


def regions(size: tuple[int, int], side: tuple[int, int]) -> Iterator[Region]:
    """A map of `size` (height, width), cut into regions of at most `side`, row by row."""
    (height, width), (rows, columns) = size, side
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            yield (
                Span(top, min(top + rows, height)),
                Span(left, min(left + columns, width)),
            )


def part(tile: Tensor, have: Region, wanted: Region) -> Tensor:
    """A region of a map, of a tile (N, C, h, w) that covers `have`."""
    (rows, columns), (top, left) = wanted, (have[0].start, have[1].start)
    return tile[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def widened(tile: Tensor, have: Region, wanted: Region) -> Tensor:
    """`part`, with zeros where `have` does not reach."""
    for axis in AXES:
        there = have[axis].shared(wanted[axis])
        if not there:
            return tile.new_zeros(*tile.shape[:2], len(wanted[0]), len(wanted[1]))
        start = have[axis].start
        tile = tile.narrow(2 + axis, there.start - start, len(there))
        tile = _beside(
            tile, axis, there.start - wanted[axis].start, wanted[axis].stop - there.stop, 0.0
        )
    return tile


Mode = Literal["constant", "reflect", "replicate"]


@dataclass(frozen=True)
class Border:
    """What is added before and after an axis of `size` positions; less than 0 takes away.

    Args:
        size: positions of the axis.
        before: positions added in front of it.
        mode: where their values come from.
        fill: the value, of mode "constant".
    """

    size: int
    before: int
    mode: Mode = "constant"
    fill: float = 0.0

    def reads(self, span: Span) -> Span:
        """Which positions of the axis a span of the longer one shows; at least one."""
        shown = [i for i in self._ends(span) if i >= 0]
        if not shown:
            return Span(0, 1)
        return Span(min(shown), max(shown) + 1)

    def take(self, tile: Tensor, axis: int, read: Span, span: Span) -> Tensor:
        """What of the longer axis `span` shows, of a tile that covers `read` along `axis`."""
        first, last = span.start - self.before, span.stop - self.before
        inside = Span(first, last).shared(Span(0, self.size))
        if not inside:
            return self._beyond(tile, axis, read, Span(first, last))
        middle = tile.narrow(2 + axis, inside.start - read.start, len(inside))
        if self.mode == "constant":
            before, after = inside.start - first, last - inside.stop
            return _beside(middle, axis, before, after, self.fill)
        pieces = [middle]
        if first < inside.start:
            pieces.insert(0, self._beyond(tile, axis, read, Span(first, inside.start)))
        if last > inside.stop:
            pieces.append(self._beyond(tile, axis, read, Span(inside.stop, last)))
        return torch.cat(pieces, dim=2 + axis) if len(pieces) > 1 else middle

    def _beyond(self, tile: Tensor, axis: int, read: Span, outside: Span) -> Tensor:
        """Positions of the axis that it does not have."""
        if self.mode == "constant":
            shape = list(tile.shape)
            shape[2 + axis] = len(outside)
            return tile.new_full(shape, self.fill)
        at = [self._source(i) - read.start for i in range(outside.start, outside.stop)]
        return tile.index_select(2 + axis, torch.tensor(at, device=tile.device))

    def _ends(self, span: Span) -> Iterator[int]:
        """Positions among which are the smallest and the largest that `span` shows."""
        first, last = span.start - self.before, span.stop - self.before
        inside = Span(first, last).shared(Span(0, self.size))
        if inside:
            yield from (inside.start, inside.stop - 1)
        for outside in (Span(first, min(last, 0)), Span(max(first, self.size), last)):
            yield from (self._source(i) for i in range(outside.start, outside.stop))

    def _source(self, i: int) -> int:
        """Where the value at `i` comes from, inside of the axis or not; -1: from nowhere."""
        last = self.size - 1
        match self.mode:
            case "constant":
                return i if 0 <= i <= last else -1
            case "reflect":
                return last - abs(last - abs(i))
            case "replicate":
                return min(max(i, 0), last)


def _beside(tile: Tensor, axis: int, before: int, after: int, fill: float) -> Tensor:
    """The tile, with `fill` before and after it along an axis."""
    if not (before or after):
        return tile
    amounts = (0, 0, before, after) if axis == 0 else (before, after, 0, 0)
    return torch.nn.functional.pad(tile, amounts, value=fill)


def taken(tile: Tensor, borders: Sequence[Border], read: Region, wanted: Region) -> Tensor:
    """`Border.take` along both axes."""
    for axis in AXES:
        tile = borders[axis].take(tile, axis, read[axis], wanted[axis])
    return tile
