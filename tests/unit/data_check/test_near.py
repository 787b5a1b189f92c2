from __future__ import annotations

import numpy as np
import pytest

from gantrans.data_check.alike import connected
from gantrans.data_check.near import close_pairs, near_pairs


def by_brute_force(hashes: np.ndarray, distance: int) -> set[tuple[int, int]]:
    numbers = [int(value) for value in hashes]
    return {
        (a, b)
        for b in range(len(numbers))
        for a in range(b)
        if (numbers[a] ^ numbers[b]).bit_count() <= distance
    }


def searched(hashes: np.ndarray, distance: int) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for pairs in close_pairs(hashes, distance) for a, b in pairs}


def clustered(seed: int, count: int) -> np.ndarray:
    """Hashes of which many differ in 0 to 12 bits, spread over the quarters in every way."""
    rng = np.random.default_rng(seed)
    made = []
    for centre in rng.integers(0, 2**64, count // 10, dtype=np.uint64):
        for _ in range(10):
            bits = rng.choice(64, rng.integers(0, 7), replace=False)
            made.append(int(centre) ^ sum(1 << int(bit) for bit in bits))
    return np.array(made, np.uint64)


@pytest.mark.parametrize("distance", [0, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_search_finds_what_comparing_all_with_all_finds(seed: int, distance: int) -> None:
    hashes = clustered(seed, 400)
    expected = by_brute_force(hashes, distance)
    assert len(expected) > 50 or distance == 0
    assert searched(hashes, distance) == expected


def test_bits_that_all_hashes_share_hide_no_pair() -> None:
    hashes = clustered(5, 300) & np.uint64(0xFF00FF0000FFFFFF)
    assert searched(hashes, 7) == by_brute_force(hashes, 7)


def test_many_pairs_in_one_quarter_are_compared_block_by_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashes = clustered(7, 200)
    expected = by_brute_force(hashes, 7)
    monkeypatch.setattr("gantrans.data_check.near._BLOCK", 7)
    assert searched(hashes, 7) == expected


def test_close_hashes_of_pictures_that_differ_are_no_pair() -> None:
    rng = np.random.default_rng(0)
    hashes = np.array([5, 5, 5], np.uint64)
    first, other = rng.integers(0, 256, (2, 256))
    brighter = first // 2 + 60
    thumbnails = np.stack([first, other, brighter]).astype(np.uint8)
    assert near_pairs(hashes, thumbnails).tolist() == [[0, 2]]


def test_no_pictures_have_no_pairs() -> None:
    assert near_pairs(np.empty(0, np.uint64), np.empty((0, 256), np.uint8)).shape == (0, 2)


def test_groups_are_the_connected_components() -> None:
    links = [(1, 2), (8, 9), (2, 3), (5, 4), (9, 10), (3, 1)]
    assert sorted(map(sorted, connected(links))) == [[1, 2, 3], [4, 5], [8, 9, 10]]
