from __future__ import annotations

import hashlib
import random
from itertools import pairwise

from gantrans.api.randomness import derived_seed, stream


def test_a_stream_depends_on_its_seed_and_key_alone() -> None:
    random.seed(1)
    first = stream(3, "crop", 7).random()
    random.seed(2)
    random.random()
    assert stream(3, "crop", 7).random() == first


def test_streams_of_different_keys_differ() -> None:
    keys = [(0, "crop", 1), (1, "crop", 1), (0, "flip", 1), (0, "crop", 2), (0, "crop", 11)]
    assert len({stream(*key).random() for key in keys}) == len(keys)


def test_a_stream_is_python_s_own_generator_named_by_the_key() -> None:
    assert stream(3, "crop", 7).random() == random.Random("3/crop/7").random()


def test_draws_of_neighbouring_keys_are_uniform_and_unrelated() -> None:
    draws = [stream(0, "pool", step).random() for step in range(2000)]
    mean = sum(draws) / len(draws)
    lagged = sum((x - 0.5) * (y - 0.5) for x, y in pairwise(draws))
    assert abs(mean - 0.5) < 4 * (1 / 12 / len(draws)) ** 0.5
    assert abs(lagged / len(draws)) < 4 / 12 / len(draws) ** 0.5


def test_a_derived_seed_is_the_top_63_bits_of_the_digest_of_its_key() -> None:
    digest = hashlib.sha256(b"5/build/generator_ab").hexdigest()
    assert derived_seed(5, "build", "generator_ab") == int(digest[:16], 16) // 2
    assert all(0 <= derived_seed(seed, "x") < 2**63 for seed in range(100))
