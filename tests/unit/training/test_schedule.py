from __future__ import annotations

from itertools import pairwise

import pytest

from gantrans.spec.model import Train
from gantrans.training.schedule import learning_rate

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
