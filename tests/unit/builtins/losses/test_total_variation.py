from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.total_variation import TotalVariation

MakeStep = Callable[..., TranslationStep]


def loss(beta: float = 1.0) -> TotalVariation:
    return TotalVariation(TotalVariation.Config(beta=beta))


def pixel_by_pixel(images: Tensor, beta: float) -> float:
    across, down = [], []
    for image in images:
        for channel in image.tolist():
            for y, row in enumerate(channel):
                for x, value in enumerate(row):
                    if x + 1 < len(row):
                        across.append(abs(row[x + 1] - value) ** beta)
                    if y + 1 < len(channel):
                        down.append(abs(channel[y + 1][x] - value) ** beta)
    return sum(across) / len(across) + sum(down) / len(down)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
def test_it_is_the_mean_difference_of_neighbours_across_and_down(
    beta: float, make_step: MakeStep
) -> None:
    a = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    b = a.flip(0) * 0.5
    terms = loss(beta).generator(make_step(fake={"a": a, "b": b}))
    assert terms.keys() == {"a", "b"}
    assert terms["a"].item() == pytest.approx(pixel_by_pixel(a, beta), rel=1e-5)
    assert terms["b"].item() == pytest.approx(pixel_by_pixel(b, beta), rel=1e-5)


def test_an_edge_and_a_slope_between_the_same_ends_differ_from_beta_2_on(
    make_step: MakeStep,
) -> None:
    """From -1 to 1 over 4 neighbours: by 2 at once, or by 0.5 four times."""
    edge = torch.tensor([-1.0, -1, 1, 1, 1]).expand(1, 1, 3, 5)
    slope = torch.tensor([-1.0, -0.5, 0, 0.5, 1]).expand(1, 1, 3, 5)
    step = make_step(fake={"a": edge, "b": slope})
    once, squared = loss(1.0).generator(step), loss(2.0).generator(step)
    assert [once["a"].item(), once["b"].item()] == pytest.approx([0.5, 0.5])
    assert [squared["a"].item(), squared["b"].item()] == pytest.approx([1.0, 0.25])


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
def test_a_constant_image_costs_nothing_and_is_left_alone(beta: float, make_step: MakeStep) -> None:
    flat = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    term = loss(beta).generator(make_step(fake={"a": flat}))["a"]
    term.backward()
    assert term.item() == 0
    assert flat.grad is not None
    assert not flat.grad.any()
