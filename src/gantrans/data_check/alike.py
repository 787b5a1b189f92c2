"""Which images of a data set are the same, or look alike: in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gantrans.api.dataset import Split
from gantrans.data_check.facts import Collection
from gantrans.data_check.near import near_pairs

if TYPE_CHECKING:
    from gantrans.api.step import Domain


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image stands in a data set.

    Args:
        split: train or test.
        domain: a or b.
        index: its number in them.
        label: what it is called.
    """

    split: Split
    domain: Domain
    index: int
    label: str


Together = list[Place]


@dataclass(frozen=True)
class Alike:
    """Groups of two or more images.

    Args:
        equal: of equal pixels.
        near: that look alike, and are not all of equal pixels.
        pairs: pairs of paired data that are one picture twice.
    """

    equal: Sequence[Together]
    near: Sequence[Together]
    pairs: Sequence[Together]


def find_alike(collection: Collection) -> Alike:
    """Compare every image with every other.

    That both images of a pair look alike is what pairs are for: it joins no group.
    """
    places: dict[bytes, Together] = defaultdict(list)
    looks: dict[bytes, tuple[int, bytes]] = {}
    for group in collection.groups:
        for index, image in enumerate(group.images):
            if image.digest:
                where = Place(group.split, group.domain, index, image.label)
                places[image.digest].append(where)
                if image.dhash is not None:
                    looks[image.digest] = image.dhash, image.thumbnail
    equal, pairs = list[Together](), list[Together]()
    for same in places.values():
        if len(same) > 1:
            is_pair = _one_pair(same, collection.paired)
            (pairs if is_pair else equal).append(same)
    return Alike(equal, _near(places, looks, collection.paired), pairs)


def _near(
    places: dict[bytes, Together], looks: dict[bytes, tuple[int, bytes]], paired: frozenset[Split]
) -> list[Together]:
    digests = list(looks)
    if not digests:
        return []
    hashes = np.array([looks[digest][0] for digest in digests], np.uint64)
    levels = np.frombuffer(b"".join(looks[digest][1] for digest in digests), np.uint8)
    found = near_pairs(hashes, levels.reshape(len(digests), -1))
    links = (
        (int(a), int(b))
        for a, b in found
        if not _one_pair([*places[digests[a]], *places[digests[b]]], paired)
    )
    return [
        [place for member in sorted(members) for place in places[digests[member]]]
        for members in connected(links)
    ]


def _one_pair(places: Together, paired: frozenset[Split]) -> bool:
    """Whether these are just both images of a pair."""
    first = places[0]
    return (
        len(places) == 2
        and first.split in paired
        and {(place.split, place.index) for place in places} == {(first.split, first.index)}
    )


def connected(links: Iterable[tuple[int, int]]) -> list[set[int]]:
    """The connected components of a graph, by its edges."""
    leader: dict[int, int] = {}

    def leads(node: int) -> int:
        while (above := leader.setdefault(node, node)) != node:
            leader[node] = leader[above]  # halves the way for the next
            node = above
        return node

    for a, b in links:
        leader[leads(a)] = leads(b)
    members: dict[int, set[int]] = defaultdict(set)
    for node in list(leader):
        members[leads(node)].add(node)
    return list(members.values())
