from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.l1 import L1


def test_it_is_the_mean_absolute_difference_to_the_truth(
    make_step: Callable[..., TranslationStep],
) -> None:
    truth = torch.tensor([0.0, 1.0, -1.0, 0.5]).reshape(1, 1, 2, 2)
    fake = torch.tensor([0.5, 1.0, 1.0, 0.0]).reshape(1, 1, 2, 2)
    step = make_step(
        real={"a": 0, "b": 0}, truth={"a": 0.25, "b": truth}, fake={"a": -0.5, "b": fake}
    )
    terms = L1(L1.Config()).generator(step)
    assert {key: term.item() for key, term in terms.items()} == {
        "a": pytest.approx(0.75),
        "b": pytest.approx((0.5 + 0 + 2 + 0.5) / 4),
    }


def test_its_weight_is_that_of_pix2pix_unless_the_spec_says_otherwise() -> None:
    assert L1.Config().weight == 100
    assert L1.Config().requires == {"fake", "truth"}
