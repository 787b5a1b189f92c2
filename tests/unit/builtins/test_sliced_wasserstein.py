from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from gantrans.builtins.sliced_wasserstein import directions, potentials, sliced_wasserstein


def points(count: int, seed: int, size: int = 5, shift: float = 0.0) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


def transported(x: Tensor, y: Tensor, along: Tensor) -> float:
    """The area between the shares of points below t, direction by direction, t by t."""
    total = 0.0
    for direction in along.T:
        a, b = (sorted((points @ direction).tolist()) for points in (x, y))
        ends = sorted([*a, *b])
        for low, high in pairwise(ends):
            below = sum(v <= low for v in a) / len(a) - sum(v <= low for v in b) / len(b)
            total += abs(below) * (high - low)
    return total / along.shape[1]


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 9), (7, 10), (1, 4)])
def test_it_is_the_work_of_transport_along_each_direction(n: int, m: int) -> None:
    x, y, along = points(n, 0), points(m, 1, shift=0.5), directions(5, 70, seed=3)
    expected = transported(x, y, along)
    assert sliced_wasserstein(x, y, along) == pytest.approx(expected, rel=1e-5)


def test_equal_sets_are_at_0_in_any_order_and_however_often_each_point_is_there() -> None:
    x, along = points(20, 0), directions(5, 8, seed=0)
    assert sliced_wasserstein(x, x.flip(0), along) == 0
    assert sliced_wasserstein(x, x.repeat(3, 1), along) == pytest.approx(0, abs=1e-6)


def test_a_shift_costs_its_length_along_each_direction() -> None:
    x, along = points(30, 0), directions(5, 64, seed=0)
    shift = torch.tensor([0.3, -0.1, 0.0, 2.0, 0.5])
    expected = float((shift @ along).abs().mean())
    assert sliced_wasserstein(x + shift, x, along) == pytest.approx(expected, rel=1e-5)


def test_directions_have_length_1_and_go_everywhere() -> None:
    along = directions(3, 4000, seed=1)
    assert torch.allclose(along.norm(dim=0), torch.ones(4000))
    assert along.mean(dim=1).abs().max() < 0.05
    assert torch.equal(along, directions(3, 4000, seed=1))
    assert not torch.equal(along, directions(3, 4000, seed=2))


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 9)])
def test_the_difference_of_the_potentials_is_the_distance(n: int, m: int) -> None:
    x, y, along = points(n, 0), points(m, 1, shift=0.2), directions(5, 70, seed=3)
    of_x, of_y = potentials(x, y, along)
    assert of_x.shape == (n,) and of_y.shape == (m,)
    found = float(of_x.mean() - of_y.mean())
    assert found == pytest.approx(sliced_wasserstein(x, y, along), rel=1e-5)


def test_kept_potentials_tell_of_other_points_no_more_than_their_distance() -> None:
    """They are functions of slope 1 at most, of which the distance takes the best."""
    x, y, along = points(40, 0), points(40, 1, shift=0.3), directions(5, 16, seed=3)
    of_x, of_y = potentials(x, y, along)
    stream = torch.Generator().manual_seed(0)
    for _ in range(20):
        i, j = (torch.randint(40, (40,), generator=stream) for _ in range(2))
        told = float(of_x[i].mean() - of_y[j].mean())
        assert told <= sliced_wasserstein(x[i], y[j], along) + 1e-5
