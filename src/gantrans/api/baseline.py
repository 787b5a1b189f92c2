"""Baselines: outputs that need no training, and that a translation must beat. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

INPUT_UNCHANGED, MEAN_IMAGE = "input_unchanged", "mean_image"

LABELS: Mapping[str, str] = {INPUT_UNCHANGED: "input unchanged", MEAN_IMAGE: "mean image"}
"""The columns of tables, by the baseline's name in JSON, in the order of the tables."""

PHRASES: Mapping[str, str] = {
    INPUT_UNCHANGED: "the unchanged input",
    MEAN_IMAGE: "the mean training image",
}
"""The names of baselines within sentences."""


class Baseline(NamedTuple):
    """A baseline's value of a metric.

    Args:
        name: a key of `LABELS`.
        value: in the metric's unit.
    """

    name: str
    value: float

    @property
    def label(self) -> str:
        """The heading of its column: "mean image"."""
        return LABELS[self.name]

    @property
    def phrase(self) -> str:
        """Its name within a sentence: "the mean training image"."""
        return PHRASES[self.name]


def strongest(values: Mapping[str, float], *, higher_is_better: bool) -> Baseline | None:
    """The baseline that is the hardest to beat; a translation that beats it beats all of them.

    Args:
        values: a metric's value of each known baseline, by its name, all finite.
        higher_is_better: the direction of the metric.

    Returns:
        The first in the order of `LABELS` if several are equal; None if none is known.
    """
    known = [Baseline(name, values[name]) for name in LABELS if name in values]
    sign = 1 if higher_is_better else -1
    return max(known, key=lambda baseline: sign * baseline.value, default=None)
