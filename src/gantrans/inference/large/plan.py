"""In which passes over the picture a network is computed, and what is kept between them.

A map is kept if computing it again would cost more than reading it, or if it takes the place of
larger ones: the sum at the end of a residual block is kept because then its two summands need not
be. The map in front of a normalisation gets a pass of its own in any case, for its statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.fx import Node

from gantrans.inference.large.network import Network
from gantrans.inference.large.nodes import bytes_of
from gantrans.inference.large.operations import Pointwise

DEAR = 200.0
"""Operations for each byte of a map from which on it is kept: 200 take a processor core some
nanoseconds, about as long as a byte takes to a disk and back."""


@dataclass(frozen=True)
class Pass:
    """One time over the picture.

    Args:
        target: the map that is computed, tile by tile.
        chain: the maps computed on the way, in order, the target last.
        kept: whether the target is kept.
        measured: whether its statistics are gathered.
        done_with: the kept maps that no later pass reads.
    """

    target: Node
    chain: Sequence[Node]
    kept: bool
    measured: bool
    done_with: Sequence[Node]


def passes(network: Network) -> list[Pass]:
    """The passes in order; the last one computes the result."""
    order = {node: place for place, node in enumerate(network)}
    kept: set[Node] = set()
    wanted: list[tuple[Node, bool, bool]] = []
    if network.image in network.measured:
        wanted.append((network.image, False, True))
    at_the_end = _at_the_end(network)
    for node in network:
        measured = node in network.measured
        if node in at_the_end and not measured:
            continue
        keep = _is_dear(network, node, kept) or _replaces_larger(network, node, kept, order)
        if keep:
            kept.add(node)
        if keep or measured:
            wanted.append((node, keep, measured))
    wanted.append((network.output, False, False))
    return list(_with_ends(network, wanted, kept))


def chain_to(network: Network, target: Node, kept: set[Node]) -> list[Node]:
    """The maps that are computed for `target`, in order; neither the image nor what is kept."""
    found: set[Node] = set()
    ahead = [target]
    while ahead:
        node = ahead.pop()
        if node is network.image or node in found or (node in kept and node is not target):
            continue
        found.add(node)
        ahead += network.operations[node].maps
    return [node for node in network if node in found]


def reads_of(network: Network, chain: Sequence[Node]) -> set[Node]:
    """The maps that a chain begins with: kept ones, and the image."""
    return {m for node in chain for m in network.operations[node].maps} - set(chain)


def most_kept(plan: Sequence[Pass]) -> int:
    """Bytes of all maps that are kept at one time."""
    there = most = 0
    for each in plan:
        there += bytes_of(each.target) if each.kept else 0
        most = max(most, there)
        there -= sum(bytes_of(node) for node in each.done_with)
    return most


def _at_the_end(network: Network) -> set[Node]:
    """The result, and the maps that nothing but activations separate from it."""
    node, found = network.output, {network.output}
    while len(maps := network.operations[node].maps) == 1:
        [node] = maps
        if node is network.image or len(node.users) > 1:
            break
        found.add(node)
        if not isinstance(network.operations[node], Pointwise):
            break
    return found


def _with_ends(
    network: Network, wanted: Sequence[tuple[Node, bool, bool]], kept: set[Node]
) -> Iterator[Pass]:
    chains = [chain_to(network, target, kept) for target, _, _ in wanted]
    last = {node: n for n, chain in enumerate(chains) for node in reads_of(network, chain)}
    for n, ((target, keep, measured), chain) in enumerate(zip(wanted, chains, strict=True)):
        done = [node for node, end in last.items() if end == n and node in kept]
        yield Pass(target, chain, keep, measured, done)


def _is_dear(network: Network, node: Node, kept: set[Node]) -> bool:
    if not network.operations[node].flops:
        return False
    cost = sum(network.operations[each].flops for each in chain_to(network, node, kept))
    return cost > DEAR * bytes_of(node)


def _replaces_larger(network: Network, node: Node, kept: set[Node], order: dict[Node, int]) -> bool:
    """Whether kept maps, larger than this one together, are needed for nothing but this one."""
    if sum(user in order for user in node.users) < 2:
        return False
    begins = reads_of(network, chain_to(network, node, kept)) - {network.image}
    freed = [each for each in begins if _leads_only_to(node, each, kept, order)]
    return sum(map(bytes_of, freed)) > bytes_of(node)


def _leads_only_to(node: Node, start: Node, kept: set[Node], order: dict[Node, int]) -> bool:
    ahead = list(start.users)
    while ahead:
        user = ahead.pop()
        if user is node or user in kept or user not in order:
            continue
        if order[user] > order[node]:
            return False
        ahead += user.users
    return True
