"""On critics whose gradient is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from critics import Linear, Scales, Square, judged_by
from gantrans.builtins.losses.r1 import R1
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

SHAPE = (3, 4, 5)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


REAL = {"a": noise(2, *SHAPE, seed=1), "b": noise(2, *SHAPE, seed=2)}
LOSS = R1(R1.Config())


def test_a_linear_critic_pays_half_its_squared_slope() -> None:
    v, w = noise(*SHAPE, seed=3), 2 * noise(*SHAPE, seed=4)
    terms = LOSS.discriminator(judged_by(Linear(v), Linear(w), real=REAL))
    assert terms["a"].item() == pytest.approx(v.square().sum().item() / 2, rel=1e-5)
    assert terms["b"].item() == pytest.approx(w.square().sum().item() / 2, rel=1e-5)


def test_only_real_images_count_and_each_has_its_own_gradient() -> None:
    """D = |x|^2 / 2 has the gradient x."""
    terms = LOSS.discriminator(judged_by(Square(), Square(), real=REAL))
    for domain, images in REAL.items():
        expected = sum(float(x.square().sum()) for x in images) / 2 / len(images)
        assert terms[domain].item() == pytest.approx(expected, rel=1e-5)


def test_with_several_scales_it_is_the_slope_of_their_mean() -> None:
    v, w = noise(6, *SHAPE, seed=5), noise(*SHAPE, seed=6)
    step = judged_by(Scales(Linear(v), Linear(w)), Square(), real=REAL)
    expected = ((v.mean(0) + w) / 2).square().sum().item() / 2
    assert LOSS.discriminator(step)["a"].item() == pytest.approx(expected, rel=1e-5)


def test_it_makes_the_critic_flatter() -> None:
    critic = Linear(noise(*SHAPE))
    LOSS.discriminator(judged_by(critic, Square(), real=REAL))["a"].backward()
    assert critic.w.grad is not None
    assert torch.allclose(critic.w.grad, critic.w.detach(), atol=1e-6)  # d/dw |w|^2 / 2


def test_it_needs_no_translation() -> None:
    assert R1.Config().requires == set()
    assert R1.sides() == {"discriminator"}
    assert R1.Config().weight == 10


@pytest.mark.parametrize("every", [1, 4, 16])
def test_applied_now_and_then_it_counts_as_much_as_always(every: int) -> None:
    config = R1.Config(weight=3.0, every=every)
    factors = [config.weight_at(step) for step in range(32)]
    assert sum(factors) / len(factors) == pytest.approx(3.0)
    assert sum(map(bool, factors)) == 32 / every


def test_at_steps_between_it_is_not_computed() -> None:
    job = tiny_job(losses={"r1": {"every": 2}, "cycle": None, "identity": None})
    step = TrainingStep(job)
    curves = [step(number, batch) for number, batch in enumerate(steps_of(job, 4))]
    applied = ["discriminators/r1/a" in terms for terms in curves]
    assert applied == [True, False, True, False]
    assert all(torch.isfinite(value) for terms in curves for value in terms.values())
