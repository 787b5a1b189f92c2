from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.identity import Identity


def test_it_is_the_mean_absolute_difference_to_the_image_itself(
    make_step: Callable[..., TranslationStep],
) -> None:
    real = torch.tensor([0.0, 1.0, -1.0, 0.5]).reshape(1, 1, 2, 2)
    same = torch.tensor([0.0, 0.0, -0.5, 0.75]).reshape(1, 1, 2, 2)
    step = make_step(real={"a": 0.25, "b": real}, identity={"a": 1.0, "b": same})
    terms = Identity(Identity.Config()).generator(step)
    assert terms["b"].item() == pytest.approx((0 + 1 + 0.5 + 0.25) / 4)
    assert terms["a"].item() == pytest.approx(0.75)
    assert terms.keys() == {"a", "b"}


def test_its_weight_is_5_unless_the_spec_says_otherwise() -> None:
    assert Identity.Config().weight == 5
