from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Metric, Translated
from gantrans.training.bootstrap import intervals


class Mean(ImageMetric):
    """The mean of a translation."""

    name = "mean"

    def values(self, images: Translated) -> Tensor:
        return images.fake[:, 0, 0, 0]


class Gap(Metric):
    """The distance of two means, which is larger for drawn images than it is."""

    name = "gap"
    needs_real = True

    def __init__(self, config: Any, fakes: Tensor, reals: Tensor) -> None:
        super().__init__(config)
        self.fakes, self.reals = fakes, reals

    def compute(self) -> dict[str, float]:
        return self.resampled(torch.arange(len(self.fakes)), torch.arange(len(self.reals)))

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        return {"gap": abs(float(self.fakes[fakes].mean() - self.reals[reals].mean()))}


class Bounded(Gap):
    """Says that a distance is never below 0."""

    name = "bounded"
    least = 0.0


class Silent(Gap):
    """Cannot tell of other images."""

    name = "silent"

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        return {}


def normal(count: int, seed: int) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def of_mean(values: Tensor) -> tuple[float, float]:
    metric = Mean(Mean.Config())
    images = values.reshape(-1, 1, 1, 1)
    metric.update(Translated(images, images))
    return intervals(metric, metric.compute(), len(values), 0, pairs=False)["mean"]


def test_it_covers_the_true_mean_of_normal_values_as_often_as_it_says() -> None:
    """Of a percentile bootstrap of 25 values it is known to be a little less than 95 %."""
    bounds = [of_mean(normal(25, seed)) for seed in range(60)]
    covered = sum(low <= 0 <= high for low, high in bounds)
    assert 0.85 * 60 <= covered <= 59


def test_it_is_as_wide_as_the_formula_of_a_mean() -> None:
    values = 3 + 2 * normal(400, 0)
    low, high = of_mean(values)
    half = 1.96 * float(values.std()) / math.sqrt(400)
    assert (low, high) == pytest.approx(
        (float(values.mean()) - half, float(values.mean()) + half), abs=0.02
    )


def test_the_interval_lies_about_the_value_though_drawn_sets_are_further_apart() -> None:
    metric = Gap(Gap.Config(), normal(50, 0), normal(50, 1))
    metric.reals = metric.reals - metric.reals.mean() + metric.fakes.mean() + 0.02
    drawn = [metric.resampled(torch.randint(50, (50,)), torch.arange(50))["gap"] for _ in range(50)]
    assert sum(drawn) / 50 > 0.05
    low, high = intervals(metric, metric.compute(), 50, 50, pairs=False)["gap"]
    assert low < 0.02 < high


def test_an_interval_ends_where_no_number_of_the_metric_can_be() -> None:
    metric = Gap(Gap.Config(), normal(50, 0), normal(50, 0) + 0.01)
    without, _ = intervals(metric, metric.compute(), 50, 50, pairs=False)["gap"]
    assert without < 0
    bounded = Bounded(Bounded.Config(), metric.fakes, metric.reals)
    low, high = intervals(bounded, bounded.compute(), 50, 50, pairs=False)["gap"]
    assert low == 0 and high > 0.01


def test_the_same_images_have_the_same_interval_and_a_metric_that_cannot_tell_has_none() -> None:
    metric = Gap(Gap.Config(), normal(20, 0), normal(30, 1))
    first, again = (intervals(metric, metric.compute(), 20, 30, pairs=False) for _ in range(2))
    assert first == again
    silent = Silent(Silent.Config(), normal(20, 0), normal(30, 1))
    assert intervals(silent, {"silent": 1.0}, 20, 30, pairs=False) == {}


def test_of_pairs_both_images_are_drawn() -> None:
    """A difference that is the same in all pairs does not stray."""
    values = normal(20, 0)
    metric = Gap(Gap.Config(), values, values + 0.5)
    low, high = intervals(metric, metric.compute(), 20, 20, pairs=True)["gap"]
    assert (low, high) == pytest.approx((0.5, 0.5))
