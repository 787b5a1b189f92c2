"""Metric: a number that says how good translated images are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from torch import Tensor

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot


@dataclass(frozen=True)
class Translated:
    """One batch of translated test images, all (N, C, H, W) in [-1, 1].

    `fake` is the translation of `source`; `truth` is what it should look like, where the dataset
    knows. To score "doing nothing", the framework passes `source` as `fake`.
    """

    source: Tensor
    fake: Tensor
    truth: Tensor | None = None


class MetricConfig(ComponentConfig):
    """Settings of a metric."""


class Metric(Component):
    """Collects batches of one direction, then gives its numbers. Made anew for each evaluation."""

    kind = "metric"
    Config: ClassVar[type[ComponentConfig]] = MetricConfig

    needs_truth: ClassVar[bool] = False
    """True: reads `truth`, and is left out where the dataset has none."""

    higher_is_better: ClassVar[bool] = True
    """Which way is up: of the first metric in a spec the best checkpoint is chosen by it."""

    unit: ClassVar[str] = ""
    """What stands behind its values, such as "dB"; empty for a plain number."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)

    def update(self, images: Translated) -> None:
        """Take in one batch."""
        raise NotImplementedError  # each metric has its own

    def compute(self) -> dict[str, float]:
        """The numbers over all batches, by name; the one named like the metric is its headline."""
        raise NotImplementedError  # each metric has its own


MetricSlot = Annotated[MetricConfig, Slot("metric")]
