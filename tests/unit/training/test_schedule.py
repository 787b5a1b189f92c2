from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from gantrans.spec.model import Train
from gantrans.training.schedule import Plateau, learning_rate

LR = 2e-4


def rate(epoch: float, epochs: int = 200, decay_start: int | None = 100, length: int = 8) -> float:
    """After so many epochs of `length` steps, as a share of the first rate."""
    train = Train(epochs=epochs, decay_start=decay_start)
    return learning_rate(round(epoch * length), length, LR, train) / LR


@pytest.mark.parametrize(
    ("epoch", "share"),
    [(0, 1), (99.875, 1), (100, 1), (101, 0.99), (150, 0.5), (175, 0.25), (199, 0.01)],
)
def test_it_is_constant_to_the_boundary_then_falls_linearly(epoch: float, share: float) -> None:
    assert rate(epoch) == pytest.approx(share, rel=1e-12)


def test_it_falls_with_every_step_and_reaches_0_only_at_the_end() -> None:
    rates = [rate(100 + step / 8) for step in range(801)]
    falls = {round(before - after, 9) for before, after in pairwise(rates)}
    assert falls == {round(1 / 800, 9)}
    assert rates[-2] > 0
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_it_falls_from_half_way_unless_told_otherwise() -> None:
    assert rate(3.5, epochs=7, decay_start=None) == 1
    assert rate(5.25, epochs=7, decay_start=None) == pytest.approx(0.5)


def test_it_may_fall_from_the_first_step() -> None:
    assert rate(0, epochs=10, decay_start=0) == 1
    assert rate(0.5, epochs=10, decay_start=0) == pytest.approx(0.95)


def test_it_may_never_fall() -> None:
    assert rate(9.875, epochs=10, decay_start=10) == 1


def test_a_run_cut_short_before_the_decay_keeps_its_rate() -> None:
    assert rate(1.5, epochs=2, decay_start=100) == 1


def other_rate(epoch: float, drops: int = 0, length: int = 8, **settings: Any) -> float:
    train = Train.model_validate({"epochs": 40, **settings})
    return learning_rate(round(epoch * length), length, LR, train, drops) / LR


@pytest.mark.parametrize("epoch", [0, 5, 10, 17.5, 30, 40])
def test_a_cosine_falls_from_the_first_step_to_0_at_the_end(epoch: float) -> None:
    expected = 0.5 * (1 + math.cos(math.pi * epoch / 40))
    assert other_rate(epoch, decay="cosine") == pytest.approx(expected, abs=1e-12)


def test_a_cosine_may_begin_later() -> None:
    assert other_rate(20, decay="cosine", decay_start=20) == 1
    assert other_rate(30, decay="cosine", decay_start=20) == pytest.approx(0.5)
    assert other_rate(25, decay="cosine", decay_start=20) == pytest.approx((2 + 2**0.5) / 4)


@pytest.mark.parametrize(("epoch", "falls"), [(0, 0), (9.875, 0), (10, 1), (19, 1), (39.875, 3)])
def test_steps_fall_by_a_factor_each_quarter_unless_told_otherwise(
    epoch: float, falls: int
) -> None:
    assert other_rate(epoch, decay="step") == pytest.approx(0.1**falls)
    settings = {"decay": "step", "decay_every": 10, "decay_factor": 0.5}
    assert other_rate(epoch, **settings) == pytest.approx(0.5**falls)


def test_a_plateau_falls_by_a_factor_each_time_one_was_noticed() -> None:
    rates = [other_rate(20, drops=n, decay="plateau") for n in range(3)]
    assert rates == pytest.approx([1, 0.1, 0.01])


def test_none_stays() -> None:
    assert other_rate(39, decay="none") == 1


def test_a_warm_up_rises_to_the_rate_in_so_many_steps_and_then_decays_as_always() -> None:
    train = Train(epochs=10, decay_start=5, warmup=4)
    rates = [learning_rate(step, 8, LR, train) / LR for step in (0, 1, 3, 4, 39, 60)]
    assert rates == pytest.approx([0.25, 0.5, 1, 1, 1, 0.5])


def test_a_cosine_begins_where_the_warm_up_ends() -> None:
    train = Train(epochs=10, decay="cosine", warmup=16)  # of 80 steps
    rates = [learning_rate(step, 8, LR, train) / LR for step in (7, 15, 16, 48, 80)]
    assert rates == pytest.approx([0.5, 1, 1, 0.5, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"decay": "none", "decay_start": 3}, "decay_start.* is for decay = 'linear' or 'cosine'"),
        ({"decay_every": 3}, "decay_every.* is for decay = 'step'"),
        ({"decay": "step", "decay_patience": 3}, "decay_patience.* is for decay = 'plateau'"),
    ],
)
def test_a_setting_that_the_decay_does_not_read_is_refused(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Train.model_validate(settings)


def test_a_plateau_is_noticed_after_so_many_evaluations_without_a_new_best() -> None:
    plateau = Plateau(patience=3)
    history = [True, False, False, True, False, False, False, False, False, False, True]
    noticed = [plateau.evaluated(improved) for improved in history]
    assert [n for n, fell in enumerate(noticed) if fell] == [6, 9]
    assert (plateau.waited, plateau.drops) == (0, 2)
