"""Randomness without hidden state (invariant 3): every draw is a function of named numbers.

What sample i of epoch e sees and what the image pool does at step s must not depend on workers,
restarts or ranks. So nothing draws from a stream that goes on; each draw opens its own stream,
named by what it is for. Imports no torch.
"""

from __future__ import annotations

import hashlib
import random


def stream(seed: int, *key: str | int) -> random.Random:
    """A generator of random numbers that depends on `seed` and `key` alone.

    `random.Random` seeded with a string hashes it with SHA-512, so streams of different keys are
    independent and equal on every platform and in every process.
    """
    return random.Random("/".join(map(str, (seed, *key))))


def derived_seed(seed: int, *key: str | int) -> int:
    """A 63-bit seed for torch's own generators, a function of `seed` and `key` alone."""
    digest = hashlib.sha256("/".join(map(str, (seed, *key))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
