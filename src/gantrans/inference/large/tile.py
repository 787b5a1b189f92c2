"""One tile of one map: what it needs, what it costs, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.fx import Node

from gantrans.inference.large.network import Network
from gantrans.inference.large.nodes import bytes_of
from gantrans.inference.large.operations import Known
from gantrans.inference.large.tiling import Region, part

Read = Callable[[Node, Region], Tensor]
"""From the image's node or that of a kept map, and a region, to its tile (1, C, h, w)."""


def tile_of(
    network: Network, chain: Sequence[Node], region: Region, known: Known, read: Read
) -> Tensor:
    """The last map of a chain in a region, (1, C, h, w).

    Args:
        network: the network.
        chain: as `Pass.chain`.
        region: of that map.
        known: the statistics of all that is normalised on the way.
        read: gives tiles of the maps that the chain begins with.
    """
    needed, reads = _needed(network, chain, region)
    left = _uses(network, chain)
    tiles: dict[Node, Tensor] = {}
    for node in chain:
        operation = network.operations[node]
        given = []
        for source in operation.maps:
            if source not in tiles:
                tiles[source] = read(source, needed[source])
            given.append(part(tiles[source], needed[source], reads[node]))
        tiles[node] = operation.tile(given, reads[node], needed[node], known)
        del given
        for source in operation.maps:
            left[source] -= 1
            if not left[source]:
                del tiles[source]
    return tiles[chain[-1]]


def memory_of(network: Network, chain: Sequence[Node], region: Region) -> int:
    """Bytes of the tiles that are there at one time while `tile_of` works."""
    needed, reads = _needed(network, chain, region)
    left = _uses(network, chain)
    there: dict[Node, int] = {}
    most = 0
    for node in chain:
        operation = network.operations[node]
        for source in operation.maps:
            there.setdefault(source, _bytes(source, needed[source]))
        there[node] = _bytes(node, needed[node])
        # What is reflected, or set aside by the layer itself, is a copy of what it reads.
        copies = sum(_bytes(source, reads[node]) for source in operation.maps)
        most = max(most, sum(there.values()) + copies)
        for source in operation.maps:
            left[source] -= 1
            if not left[source]:
                del there[source]
    return most


def _needed(
    network: Network, chain: Sequence[Node], region: Region
) -> tuple[dict[Node, Region], dict[Node, Region]]:
    """What of each map is needed for all that reads it; and what each node reads of its own."""
    needed: dict[Node, Region] = {chain[-1]: region}
    reads: dict[Node, Region] = {}
    for node in reversed(chain):
        operation, (rows, columns) = network.operations[node], needed[node]
        reads[node] = read = operation.reads(0, rows), operation.reads(1, columns)
        for source in operation.maps:
            before = needed.get(source, read)
            needed[source] = before[0].together(read[0]), before[1].together(read[1])
    return needed, reads


def _uses(network: Network, chain: Sequence[Node]) -> dict[Node, int]:
    uses: dict[Node, int] = {chain[-1]: 1}
    for node in chain:
        for source in network.operations[node].maps:
            uses[source] = uses.get(source, 0) + 1
    return uses


def _bytes(node: Node, region: Region) -> int:
    return bytes_of(node, len(region[0]) * len(region[1]))
