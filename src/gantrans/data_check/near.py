"""Which of many pictures look alike, by their 64-bit hashes.

Two hashes that differ in at most 7 bits differ in at most one bit in one of their four quarters
(the pigeonhole principle; Manku et al. 2007, "Detecting near-duplicates for web crawling"). So for
each quarter only those are compared that are alike in it up to one bit: for 100,000 hashes some
millions instead of five thousand million pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CLOSE = 7
"""Bits in which the hashes of pictures that look alike differ at most."""
ALIKE = 0.97
"""Correlation that the thumbnails of pictures that look alike have at least."""

_BLOCK = 2**21  # pairs that are compared at once
_ONES = np.array([value.bit_count() for value in range(2**16)], np.uint8)

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


def near_pairs(hashes: Hashes, thumbnails: NDArray[np.uint8]) -> Indices:
    """Pairs (n, 2) of places whose hashes are close and whose thumbnails are alike.

    Args:
        hashes: (N,) uint64.
        thumbnails: (N, pixels) gray levels; none of them flat.
    """
    found = [_alike(pairs, thumbnails) for pairs in close_pairs(hashes, CLOSE)]
    if not found:
        return np.empty((0, 2), np.int64)
    return np.unique(np.concatenate(found), axis=0)


def close_pairs(hashes: Hashes, distance: int) -> Iterator[Indices]:
    """Blocks of pairs (n, 2) of places, the smaller first, whose hashes differ in few bits.

    A pair may come more than once. `distance` is 7 at most.
    """
    assert distance <= 7, distance
    for shift in (0, 16, 32, 48):
        quarters = ((hashes >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(quarters, kind="stable")
        keys = quarters[order]
        places = np.arange(len(keys))
        # Of equal quarters, each with those behind it; then each with those of one bit more.
        ends = np.searchsorted(keys, keys, side="right")
        yield from _compared(hashes, order, places, places + 1, ends, distance)
        for bit in range(16):
            less = places[(keys >> bit) & 1 == 0]
            partner = keys[less] | (1 << bit)
            starts = np.searchsorted(keys, partner, side="left")
            ends = np.searchsorted(keys, partner, side="right")
            yield from _compared(hashes, order, less, starts, ends, distance)


def _compared(
    hashes: Hashes, order: Indices, places: Indices, starts: Indices, ends: Indices, distance: int
) -> Iterator[Indices]:
    """The close ones among place[i] and each of starts[i] to ends[i] - 1, in sorted order."""
    some = ends > starts
    places, starts, counts = places[some], starts[some], (ends - starts)[some]
    sums = np.cumsum(counts)
    first = 0
    while first < len(places):
        before = sums[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(sums, before + _BLOCK, side="right")))
        many = counts[first:last]
        begin = np.repeat(starts[first:last] - (np.cumsum(many) - many), many)
        a = order[np.repeat(places[first:last], many)]
        b = order[begin + np.arange(len(begin))]
        close = _differing(hashes[a] ^ hashes[b]) <= distance
        if close.any():
            a, b = a[close], b[close]
            yield np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1)
        first = last


def _differing(bits: Hashes) -> NDArray[np.uint8]:
    """How many of the 64 bits are set."""
    counts: NDArray[np.uint8] = _ONES[bits.view(np.uint16).reshape(-1, 4)].sum(1, np.uint8)
    return counts


def _alike(pairs: Indices, thumbnails: NDArray[np.uint8]) -> Indices:
    """Those of the pairs whose thumbnails are alike, whatever their brightness and contrast."""
    kept = []
    for at in range(0, len(pairs), 2**14):
        some = pairs[at : at + 2**14]
        a, b = (_standardised(thumbnails[some[:, side]]) for side in (0, 1))
        kept.append(some[(a * b).mean(axis=1) >= ALIKE])
    return np.concatenate(kept)


def _standardised(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    x = levels.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    scale: NDArray[np.float32] = np.maximum(x.std(axis=1, keepdims=True), 1e-6)
    return x / scale
