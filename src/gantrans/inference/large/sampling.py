"""Layers that change the resolution without weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node

from gantrans.inference.large.operations import Known, Operation
from gantrans.inference.large.tiling import AXES, Region, Span


@dataclass
class Interpolation(Operation):
    """Between neighbours: position o of the result is at scale (o + shift) - shift of the map.

    Args:
        maps: the one that is enlarged or shrunk.
        size: its height and width.
        scale: positions of the map to one of the result, along both axes.
        shift: 0.5 if positions are the middles of pixels, 0 if they are their corners.
        smooth: bilinear; else the nearest position at or before.
    """

    maps: Sequence[Node]
    size: tuple[int, int]
    scale: tuple[float, float]
    shift: float
    smooth: bool

    def reads(self, axis: int, span: Span) -> Span:
        """From the neighbour of the first to that of the last."""
        first, _, _ = self._neighbours(axis, Span(span.start, span.start + 1))
        _, last, _ = self._neighbours(axis, Span(span.stop - 1, span.stop))
        return Span(int(first), int(last) + 1)

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """Neighbours mixed along rows, then along columns."""
        [x] = tiles
        for axis in AXES:
            low, high, part = self._neighbours(axis, region[axis])
            start = read[axis].start
            before = x.index_select(2 + axis, (low - start).to(x.device))
            if self.smooth:
                after = x.index_select(2 + axis, (high - start).to(x.device))
                along = part.to(x.device, x.dtype).view(-1, 1) if axis == 0 else part.to(x)
                before = before + (after - before) * along
            x = before
        return x

    def _neighbours(self, axis: int, span: Span) -> tuple[Tensor, Tensor, Tensor]:
        """The positions before and after each of the span, and how far it is on the way."""
        at = torch.arange(span.start, span.stop, dtype=torch.float32)  # as torch has it
        last = self.size[axis] - 1
        if not self.smooth:
            low = ((at + self.shift) * self.scale[axis]).floor().long().clamp(0, last)
            return low, low, torch.zeros(len(low))
        exact = ((at + self.shift) * self.scale[axis] - self.shift).clamp(min=0)
        low = exact.floor().long().clamp(max=last)
        return low, (low + 1).clamp(max=last), (exact - low).clamp(max=1)


@dataclass
class Shuffle(Operation):
    """Channels to pixels: (r² C, H, W) -> (C, r H, r W) (Shi et al. 2016)."""

    maps: Sequence[Node]
    factor: int

    def reads(self, axis: int, span: Span) -> Span:
        """The pixels that the span's are in."""
        return Span(span.start // self.factor, -(-span.stop // self.factor))

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """Shuffled, and cut."""
        made = F.pixel_shuffle(tiles[0], self.factor)
        for axis in AXES:
            start = region[axis].start - read[axis].start * self.factor
            made = made.narrow(2 + axis, start, len(region[axis]))
        return made


@dataclass
class Unshuffle(Operation):
    """Pixels to channels: (C, r H, r W) -> (r² C, H, W)."""

    maps: Sequence[Node]
    factor: int

    def reads(self, axis: int, span: Span) -> Span:
        """All pixels of the span's."""
        return Span(span.start * self.factor, span.stop * self.factor)

    def tile(self, tiles: Sequence[Tensor], read: Region, region: Region, known: Known) -> Tensor:
        """The layer itself."""
        return F.pixel_unshuffle(tiles[0], self.factor)
