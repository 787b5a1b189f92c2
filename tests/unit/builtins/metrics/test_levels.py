"""The metrics that are a mean absolute difference: `l1` to the truth, `cycle` to the source."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gantrans.api.metric import Translated
from gantrans.builtins.metrics.cycle import Cycle
from gantrans.builtins.metrics.l1 import L1

BLACK, WHITE = torch.full((1, 3, 4, 4), -1.0), torch.full((1, 3, 4, 4), 1.0)


def measured(metric: Any, *batches: Translated) -> float:
    made = metric(metric.Config())
    for batch in batches:
        made.update(batch)
    return float(made.compute()[metric.name])


def test_l1_is_between_translation_and_truth_in_levels_of_8_bits() -> None:
    assert measured(L1, Translated(BLACK, WHITE, truth=BLACK)) == 255
    assert measured(L1, Translated(WHITE, BLACK, truth=BLACK)) == 0
    half = torch.zeros(2, 3, 4, 4)
    both = [Translated(half, half, truth=half), Translated(BLACK, WHITE, truth=BLACK)]
    assert measured(L1, *both) == pytest.approx(255 / 3)  # three images, one of them wrong


def test_cycle_is_between_an_image_and_its_way_there_and_back() -> None:
    assert measured(Cycle, Translated(BLACK, WHITE, cycle=BLACK)) == 0
    assert measured(Cycle, Translated(BLACK, BLACK, cycle=BLACK + 0.1)) == pytest.approx(12.75)
    assert not Cycle.higher_is_better and not L1.higher_is_better
