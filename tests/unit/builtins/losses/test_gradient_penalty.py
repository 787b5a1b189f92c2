"""On critics whose gradient is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from critics import Linear, Scales, Square, judged_by
from gantrans.builtins.losses.gradient_penalty import GradientPenalty
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job, watch_gradients

SHAPE = (3, 4, 5)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def of_norm(norm: float, seed: int = 0) -> Tensor:
    w = noise(*SHAPE, seed=seed)
    return w * (norm / w.norm())


def loss(**settings: float) -> GradientPenalty:
    return GradientPenalty(GradientPenalty.Config(**settings))


REAL = {"a": noise(2, *SHAPE, seed=1), "b": noise(2, *SHAPE, seed=2)}
FAKE = {"a": noise(2, *SHAPE, seed=3), "b": noise(2, *SHAPE, seed=4)}


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_a_linear_critic_pays_for_what_its_slope_is_off_1(norm: float) -> None:
    step = judged_by(Linear(of_norm(norm)), Linear(of_norm(2.0)), real=REAL, fake=FAKE)
    terms = loss().discriminator(step)
    assert terms["a"].item() == pytest.approx((norm - 1) ** 2, abs=1e-6)
    assert terms["b"].item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("target", "expected"), [(0.0, 9.0), (0.5, 6.25), (3.0, 0.0), (5.0, 4.0)])
def test_the_slope_that_costs_nothing_is_a_setting(target: float, expected: float) -> None:
    step = judged_by(Linear(of_norm(3.0)), None, real=REAL, fake={"a": FAKE["a"]})
    terms = loss(target=target).discriminator(step)
    assert {key: term.item() for key, term in terms.items()} == {
        "a": pytest.approx(expected, abs=1e-5)
    }


def test_with_several_scales_it_is_the_slope_of_their_mean() -> None:
    v, w = of_norm(2.0, seed=5), of_norm(5.0, seed=6)
    step = judged_by(Scales(Linear(v), Linear(w)), None, real=REAL, fake={"a": FAKE["a"]})
    expected = (((v + w) / 2).norm().item() - 1) ** 2
    assert loss().discriminator(step)["a"].item() == pytest.approx(expected, rel=1e-5)


def test_it_is_the_mean_over_images_of_each_ones_penalty() -> None:
    """D = |x|^2 / 2 has the slope |x|; where real and translated images agree, so do those between.

    The norm is of each image: not of each pixel, and not of the batch.
    """
    images = torch.stack([of_norm(1.5), of_norm(4.0)])
    step = judged_by(Square(), None, real={"a": images}, fake={"a": images})
    expected = ((1.5 - 1) ** 2 + (4.0 - 1) ** 2) / 2
    assert loss().discriminator(step)["a"].item() == pytest.approx(expected, rel=1e-5)


def test_the_images_looked_at_lie_between_those_of_a_domain() -> None:
    """With D = |x|^2 / 2, along one axis: a slope between those at the two ends, for each image."""
    real, fake = torch.zeros(500, 1, 1, 1), torch.ones(500, 1, 1, 1)
    term = loss(target=0).discriminator(
        judged_by(Square(), None, real={"a": real}, fake={"a": fake})
    )
    # The mean of u^2 is 1/3; of 500, it errs by 0.013.
    assert term["a"].item() == pytest.approx(1 / 3, abs=0.07)


def test_the_draw_depends_on_torchs_seed_alone() -> None:
    step = judged_by(Square(), Square(), real=REAL, fake=FAKE)

    def terms(seed: int) -> list[float]:
        torch.manual_seed(seed)
        return [term.item() for term in loss().discriminator(step).values()]

    assert terms(3) == terms(3)
    assert terms(3) != terms(4)


def test_it_trains_the_critic_towards_the_slope() -> None:
    critic = Linear(of_norm(3.0))
    real, fake = REAL["a"].clone().requires_grad_(), FAKE["a"].clone().requires_grad_()
    loss().discriminator(judged_by(critic, None, real={"a": real}, fake={"a": fake}))[
        "a"
    ].backward()
    # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    assert critic.w.grad is not None
    assert torch.allclose(critic.w.grad, 2 * 2 * critic.w.detach() / 3, atol=1e-5)
    assert real.grad is None
    assert fake.grad is None


def test_a_critic_that_is_flat_pays_1_and_its_gradient_is_finite() -> None:
    critic = Linear(torch.zeros(SHAPE))
    term = loss().discriminator(judged_by(critic, None, real=REAL, fake={"a": FAKE["a"]}))["a"]
    term.backward()
    assert term.item() == 1
    assert critic.w.grad is not None
    assert torch.isfinite(critic.w.grad).all()


SMALL = {"type": "patchgan", "width": 4, "layers": 1}


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        {**SMALL, "spectral": True},
        {**SMALL, "norm": "batch"},
        {"type": "multiscale", "scales": 2, "each": SMALL},
        {"type": "multiscale", "scales": 2, "each": {**SMALL, "spectral": True}},
        {"type": "pixel", "width": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("penalty", ["gradient_penalty", "r1"])
def test_discriminators_can_be_trained_with_it(penalty: str, settings: dict[str, Any]) -> None:
    """Beside an adversarial loss, whose scores are of the same pass and the same weights."""
    job = tiny_job(
        discriminator={"width": None, "layers": None, **settings},
        losses={penalty: {}, "cycle": None, "identity": None},
        train={"batch_size": 2},
    )
    step = TrainingStep(job)
    gradients = watch_gradients(job.method.networks, step.optimizers.values())
    for number, loaded in enumerate(steps_of(job, 2)):
        terms = step(number, loaded)
        assert torch.isfinite(terms[f"discriminators/{penalty}/b"])
    assert any(name.startswith("discriminator_b.") for name in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())


def test_its_settings_are_those_of_the_paper_unless_the_spec_says_otherwise() -> None:
    config = GradientPenalty.Config()
    assert (config.weight, config.target, config.every) == (10, 1, 1)
    assert GradientPenalty.sides() == {"discriminator"}
