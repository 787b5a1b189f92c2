"""Recipe: what a method's paper settles of a first spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The tables that differ from method to method, and the length of a training.

    Args:
        tables: TOML text from [data] to [optimizer], each table ending with a line break.
        steps: training steps of an epoch.
        once: what an epoch shows, for a comment.
        epochs: how many the paper trains, a number for ordinary data sets.
        constant: how many of these have a constant learning rate.
        whose: whose number `epochs` is, for a comment.
    """

    tables: Sequence[str]
    steps: int
    once: str
    epochs: int = 200
    constant: int = 100
    whose: str = "the paper's"
