"""A whole picture through a generator, within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import torch
from torch import Tensor, uint8
from torch.fx import Node

from gantrans.api.generator import Generator
from gantrans.api.image import normalised
from gantrans.errors import UsageError
from gantrans.inference.large.moments import Moments
from gantrans.inference.large.network import Network, captured
from gantrans.inference.large.nodes import bytes_of, size_of
from gantrans.inference.large.operations import Known
from gantrans.inference.large.plan import Pass, most_kept, passes
from gantrans.inference.large.store import Store
from gantrans.inference.large.tile import memory_of, tile_of
from gantrans.inference.large.tiling import AXES, Border, Region, Span, part, regions, taken, whole
from gantrans.inference.memory import mebibytes
from gantrans.inference.padding import continued_by, padded_size

SPARE = 2.0
"""Libraries of convolutions lay out what they read and write anew: so many times the tiles
themselves may be in use."""

SMALLEST = 8
"""Least side of a tile."""

NOMINAL = 256
"""Side of the picture for which the memory of a pixel is counted."""


def memory_per_pixel(generator: Generator) -> float:
    """About how many bytes the generator takes for each pixel of a picture that it gets whole.

    Raises:
        UsageError: if the generator cannot be run in pieces: nothing is known of it then.
    """
    network = captured(generator, *padded_size(generator, NOMINAL, NOMINAL))
    height, width = size_of(network.output)
    most = memory_of(network, list(network), whole(height, width))
    return SPARE * most / (height * width)


def run_in_pieces(
    generator: Generator,
    image: Tensor,
    device: torch.device,
    memory: int,
    host: int,
    look: Callable[[float], None] = lambda share: None,
) -> Tensor:
    """What `run_padded` gives, computed tile by tile: no tile shows in the result.

    Args:
        generator: on `device`, in evaluation mode.
        image: (C_in, H, W) on the host; uint8 of a picture, or float32 in [-1, 1].
        device: where tiles are computed.
        memory: bytes there, for one tile with all that is computed for it.
        host: bytes of the host's memory for what is kept between passes; more goes to files.
        look: told after each tile which share of the work is done.

    Returns:
        (C_out, H, W), float32 in [-1, 1], on the host.

    Raises:
        UsageError: if the generator has layers that cannot be cut, or the memory is too little.
        DataError: if a disk has no room for what is kept.
    """
    height, width = image.shape[1:]
    network = captured(generator, *padded_size(generator, height, width))
    plan = passes(network)
    sides = [_side(network, each, memory) for each in plan]
    source = _Source(image, size_of(network.image))
    result = torch.empty(generator.out_channels, height, width)
    known = Known(network.values)
    network.settle(known)
    work, done = sum(_work(network, each) for each in plan), 0.0
    with closing(Store(in_files=most_kept(plan) > host)) as store:

        def read(node: Node, region: Region) -> Tensor:
            tile = source.tile(region) if node is network.image else store.read(node, region)
            return tile.to(device)

        for each, side in zip(plan, sides, strict=True):
            size = size_of(each.target)
            moments = Moments()
            if each.kept:
                store.add(each.target)
            for region in regions(size, side):
                if each.chain:
                    tile = tile_of(network, each.chain, region, known, read)
                else:  # the statistics of the image itself
                    tile = read(each.target, region)
                if each.measured:
                    moments.add(tile)
                if each.kept:
                    store.write(each.target, region, tile)
                if each is plan[-1]:
                    _put(result, region, tile)
                share = len(region[0]) * len(region[1]) / (size[0] * size[1])
                done += _work(network, each) * share
                look(done / work)
            if each.measured:
                known.moments[each.target] = moments
                network.settle(known)
            for node in each.done_with:
                store.drop(node)
    return result


class _Source:
    """The picture, continued to the size that the generator takes."""

    def __init__(self, image: Tensor, padded: tuple[int, int]) -> None:
        self._image = image[None]
        rows, columns = (
            Border(side, 0, continued_by(side, more))
            for side, more in zip(image.shape[1:], padded, strict=True)
        )
        self._borders = rows, columns

    def tile(self, region: Region) -> Tensor:
        """A region as the generator gets it, (1, C, h, w)."""
        rows, columns = (self._borders[axis].reads(region[axis]) for axis in AXES)
        there = part(self._image, whole(*self._image.shape[2:]), (rows, columns))
        tile = taken(there, self._borders, (rows, columns), region)
        return normalised(tile) if tile.dtype == uint8 else tile


def _put(result: Tensor, region: Region, tile: Tensor) -> None:
    """Write a tile of the result, without what lies beyond the picture."""
    rows, columns = region
    there = result[:, rows.start : rows.stop, columns.start : columns.stop]
    there.copy_(tile[0, :, : there.shape[1], : there.shape[2]])


def _side(network: Network, each: Pass, memory: int) -> tuple[int, int]:
    """The height and width of the largest tiles that fit into so many bytes."""
    height, width = size = size_of(each.target)
    rows, columns = size
    while True:
        # One in the middle has all of its surroundings.
        top, left = (height - rows) // 2, (width - columns) // 2
        region = (Span(top, top + rows), Span(left, left + columns))
        if each.chain:
            needed = int(SPARE * memory_of(network, each.chain, region))
        else:  # the image itself
            needed = int(SPARE * bytes_of(each.target, rows * columns))
        if needed <= memory:
            break
        if max(rows, columns) <= SMALLEST:
            raise UsageError(
                f"{mebibytes(memory)} are too few for a tile of this generator, which takes "
                f"{mebibytes(needed)}: allow more memory"
            )
        if rows >= columns:
            rows = (rows + 1) // 2
        else:
            columns = (columns + 1) // 2
    return rows, columns


def _work(network: Network, each: Pass) -> float:
    """Operations of a pass; 1 at least."""
    return 1.0 + sum(network.operations[node].flops for node in each.chain)
