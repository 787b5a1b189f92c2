"""At known scores: the discriminators of these tests give back the image as its score map."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.adversarial import Adversarial

MakeStep = Callable[..., TranslationStep]


def loss(objective: str = "lsgan") -> Adversarial:
    return Adversarial(Adversarial.Config(objective=objective))


def numbers(terms: Mapping[str, Tensor]) -> dict[str, Any]:
    return {key: pytest.approx(term.item(), rel=1e-6) for key, term in terms.items()}


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score))


PERSUADE: dict[str, Callable[[float], float]] = {
    "lsgan": lambda s: (s - 1) ** 2,
    "vanilla": lambda s: -math.log(sigmoid(s)),
    "hinge": lambda s: -s,
    "wgan": lambda s: -s,
}
ON_REAL = {**PERSUADE, "hinge": lambda s: max(0.0, 1 - s)}
ON_FAKE: dict[str, Callable[[float], float]] = {
    "lsgan": lambda s: s**2,
    "vanilla": lambda s: -math.log(1 - sigmoid(s)),
    "hinge": lambda s: max(0.0, 1 + s),
    "wgan": lambda s: s,
}
SHARE = {"lsgan": 0.5, "vanilla": 0.5, "hinge": 0.5, "wgan": 1.0}
"""CycleGAN halves the discriminator's sum; the distance that wgan estimates has no half."""

OBJECTIVES = list(PERSUADE)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("score", [-3.0, -1.0, 0.0, 0.5, 1.0, 2.5])
def test_the_generators_side_at_known_scores(
    objective: str, score: float, make_step: MakeStep
) -> None:
    step = make_step(fake={"a": score, "b": score + 0.25})
    terms = loss(objective).generator(step)
    # The direction a -> b is judged by where it arrives.
    assert numbers(terms) == {
        "ab": PERSUADE[objective](score + 0.25),
        "ba": PERSUADE[objective](score),
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(("real", "fake"), [(1.0, 0.0), (0.0, 0.0), (-2.0, 3.0), (0.4, -0.6)])
def test_the_discriminators_side_is_its_share_of_the_sum_of_both_errors(
    objective: str, real: float, fake: float, make_step: MakeStep
) -> None:
    step = make_step(real={"a": real, "b": fake}, fake={"a": fake, "b": real})
    assert numbers(loss(objective).discriminator(step)) == {
        "a": SHARE[objective] * (ON_REAL[objective](real) + ON_FAKE[objective](fake)),
        "b": SHARE[objective] * (ON_REAL[objective](fake) + ON_FAKE[objective](real)),
    }


def test_an_undecided_vanilla_discriminator_costs_log_2(make_step: MakeStep) -> None:
    step = make_step(real={"a": 0, "b": 0}, fake={"a": 0, "b": 0})
    assert loss("vanilla").generator(step)["ab"].item() == pytest.approx(math.log(2))
    assert loss("vanilla").discriminator(step)["a"].item() == pytest.approx(math.log(2))


def test_wgans_discriminator_side_is_minus_the_difference_of_the_mean_scores(
    make_step: MakeStep,
) -> None:
    real, fake = torch.tensor([1.0, 5.0, -2.0, 4.0]), torch.tensor([0.5, -1.5, 0.0, 3.0])
    pair = {"real": real.reshape(1, 1, 2, 2), "fake": fake.reshape(1, 1, 2, 2)}
    step = make_step(**{name: {"a": x} for name, x in pair.items()})
    assert loss("wgan").discriminator(step)["a"].item() == pytest.approx(0.5 - 2.0)


def test_lsgan_compares_each_patch_before_the_mean(make_step: MakeStep) -> None:
    scores = torch.tensor([[0.0, 2.0], [1.0, 4.0]]).reshape(1, 1, 2, 2)
    step = make_step(fake={"a": scores, "b": scores})
    assert loss().generator(step)["ab"].item() == pytest.approx((1 + 1 + 0 + 9) / 4)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_several_scales_count_alike_whatever_their_size(
    objective: str, make_step: MakeStep
) -> None:
    """Maps of 4 x 4 and 2 x 2 scores, which are 1 and 3 times the image."""
    step = make_step((1.0, 3.0), real={"a": 0.5, "b": 0.5}, fake={"a": -0.2, "b": -0.2})
    persuade, real, fake = PERSUADE[objective], ON_REAL[objective], ON_FAKE[objective]
    assert numbers(loss(objective).generator(step)) == {
        key: (persuade(-0.2) + persuade(-0.6)) / 2 for key in ("ab", "ba")
    }
    expected = SHARE[objective] * ((real(0.5) + real(1.5)) / 2 + (fake(-0.2) + fake(-0.6)) / 2)
    assert numbers(loss(objective).discriminator(step)) == {"a": expected, "b": expected}


@pytest.mark.parametrize("score", [-200.0, 200.0])
def test_vanilla_stays_finite_at_scores_far_out(score: float, make_step: MakeStep) -> None:
    fake = torch.full((1, 1, 2, 2), score, requires_grad=True)
    step = make_step(real={"a": fake, "b": fake}, fake={"a": fake, "b": fake})
    terms = [*loss("vanilla").generator(step).values()]
    terms += loss("vanilla").discriminator(step).values()
    total = torch.stack(terms).sum()
    total.backward()
    assert math.isfinite(total.item())
    assert fake.grad is not None
    assert torch.isfinite(fake.grad).all()
