from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.metric import Translated

KIND = "metric"


def images(seed: int, count: int = 4) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 32, 32, generator=random) * 2 - 1


def measured(config: Any, *batches: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
    metric = config.build()
    for source, fake, truth in batches:
        metric.update(Translated(source, fake, truth if metric.needs_truth else None))
    found: dict[str, float] = metric.compute()
    return found


def test_it_gives_finite_numbers_and_one_of_its_own_name(config: Any) -> None:
    found = measured(config, (images(0), images(1), images(2)))
    assert type(config).component.name in found
    for name, value in found.items():
        assert isinstance(value, float), name
        assert math.isfinite(value), name


def test_it_does_not_matter_how_images_are_batched(config: Any) -> None:
    parts = [(images(0)[n:m], images(1)[n:m], images(2)[n:m]) for n, m in ((0, 1), (1, 4))]
    whole = measured(config, (images(0), images(1), images(2)))
    assert measured(config, *parts) == pytest.approx(whole, rel=1e-4)


def test_the_truth_itself_scores_better_than_something_else(config: Any) -> None:
    component = type(config).component
    if not component.needs_truth:
        pytest.skip("it knows no truth")
    perfect = measured(config, (images(0), images(1), images(1)))[component.name]
    other = measured(config, (images(0), images(2), images(1)))[component.name]
    assert (perfect > other) is component.higher_is_better


def test_what_it_is_given_is_left_alone(config: Any) -> None:
    batch = images(0), images(1), images(2)
    before = [x.clone() for x in batch]
    measured(config, batch)
    assert all(torch.equal(x, y) for x, y in zip(batch, before, strict=True))
