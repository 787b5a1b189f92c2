from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.cycle import Cycle


def test_it_is_the_mean_absolute_difference_to_where_the_cycle_began(
    make_step: Callable[..., TranslationStep],
) -> None:
    real = torch.tensor([0.0, 1.0, -1.0, 0.5]).reshape(1, 1, 2, 2)
    back = torch.tensor([0.5, 1.0, 1.0, 0.0]).reshape(1, 1, 2, 2)
    step = make_step(real={"a": real, "b": 0.25}, cycle={"a": back, "b": -0.5})
    terms = Cycle(Cycle.Config()).generator(step)
    assert terms["a"].item() == pytest.approx((0.5 + 0 + 2 + 0.5) / 4)
    assert terms["b"].item() == pytest.approx(0.75)
    assert terms.keys() == {"a", "b"}


def test_its_weight_is_10_unless_the_spec_says_otherwise() -> None:
    assert Cycle.Config().weight == 10
