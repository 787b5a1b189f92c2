"""Metric: a number that says how good translated images are."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar

from torch import Tensor

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot


@dataclass(frozen=True)
class Translated:
    """One batch of translated test images, all (N, C, H, W) in [-1, 1].

    `fake` is the translation of `source`; `truth` is what it should look like, where the dataset
    knows; `cycle` is `fake` translated back, where a metric asks for it. To score the
    baselines, the framework passes as `fake` the unchanged `source`, or N times the mean image of
    the target's training images.
    """

    source: Tensor
    fake: Tensor
    truth: Tensor | None = None
    cycle: Tensor | None = None


class MetricConfig(ComponentConfig):
    """Settings of a metric."""


class Metric(Component):
    """Collects batches of one direction, then gives its numbers. Made anew for each evaluation.

    For a mean over images, gantrans.api.image_metric.ImageMetric leaves only one method to write.
    """

    kind = "metric"
    Config: ClassVar[type[ComponentConfig]] = MetricConfig

    needs_truth: ClassVar[bool] = False
    """True: reads `truth`, and is left out where the dataset has none."""

    needs_cycle: ClassVar[bool] = False
    """True: reads `cycle`, and is left out where nothing translates back, and of the baselines.

    It never chooses the best checkpoint: the unchanged input would win.
    """

    needs_real: ClassVar[bool] = False
    """True: compares with all real images of the target domain, which `update_real` gets."""

    higher_is_better: ClassVar[bool] = True
    """Which way is up: of the first metric in a spec the best checkpoint is chosen by it."""

    unit: ClassVar[str] = ""
    """What stands behind its values, such as "dB"; empty for a plain number."""

    least: ClassVar[float] = -inf
    """What none of its numbers can be below, such as 0 of a distance: an interval ends there."""

    enough: ClassVar[int] = 0
    """How many images of each side it wants: with fewer, `gantrans evaluate` warns of it."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        raise NotImplementedError  # each metric has its own

    def update_real(self, images: Tensor) -> None:
        """Take in one batch (N, C, H, W) of real images of the target domain, if `needs_real`.

        They come in their order, in batches of their own, before, between or after the others.
        """
        raise NotImplementedError  # each metric that needs them has its own

    def compute(self) -> dict[str, float]:
        """The numbers over all batches, by name; the one named like the metric is its headline."""
        raise NotImplementedError  # each metric has its own

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        """Some or all of the numbers, as if other images had been tested; {}: it cannot tell.

        `gantrans evaluate` asks it a thousand times for a bootstrap interval, after `compute`.
        How far the numbers stray from their mean counts, not where that is: so a distance between
        two sets may keep the function that tells them apart, and take the mean of that.

        Args:
            fakes: numbers (N,) of the N images that `update` got, drawn with replacement.
            reals: numbers (M,) of the M images that `update_real` got, likewise; empty without.
        """
        return {}

    def protocol(self) -> dict[str, Any]:
        """What one must know beside its settings to measure the same: digests, sizes; as JSON."""
        return {}


MetricSlot = Annotated[MetricConfig, Slot("metric")]
