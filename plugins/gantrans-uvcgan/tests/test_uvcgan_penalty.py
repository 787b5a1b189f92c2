from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import gantrans
from gantrans import Discriminator, TranslationStep
from gantrans.errors import DataError
from gantrans_uvcgan.penalty import UVCGANPenalty

REGISTRY = gantrans.load_registry()
PIXELS = (3, 4, 4)


class Linear(Discriminator):
    """D(x) = <w, x>, so grad D(x) = w everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__(None, in_channels=3)
        self.weight = torch.nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("chw,nchw->n", self.weight, x)[:, None, None, None]


class SeveralScores(Linear):
    """A map of four scores <w, x>, and one of a single score 2 <w, x>."""

    def forward(self, x: Tensor) -> list[Tensor]:
        score = super().forward(x)
        return [score.expand(-1, 1, 2, 2), 2 * score]


class Quadratic(Discriminator):
    """D(x) = |x|^2 / 2, so grad D(x) = x."""

    def __init__(self) -> None:
        super().__init__(None, in_channels=3)

    def forward(self, x: Tensor) -> Tensor:
        return x.square().flatten(1).sum(1)[:, None, None, None] / 2


def weight_of_norm(norm: float) -> Tensor:
    random = torch.randn(PIXELS, generator=torch.Generator().manual_seed(3))
    return norm * random / random.norm()


def step_of(discriminator: Discriminator, *, size: int = 4) -> TranslationStep:
    random = torch.Generator().manual_seed(4)

    def domains() -> dict[Any, Tensor]:
        return {d: torch.rand(2, 3, size, size, generator=random) * 2 - 1 for d in ("a", "b")}

    passes = {"real": domains(), "fake": domains()}
    return TranslationStep(passes, {"a": discriminator, "b": discriminator})


def penalty(step: TranslationStep, **settings: Any) -> dict[str, Tensor]:
    loss: UVCGANPenalty = REGISTRY.config("loss", "uvcgan_penalty", settings).build()
    return dict(loss.discriminator(step.seen_by("it", loss.config.requires)))


@pytest.mark.parametrize("gamma", [1.0, 50.0, 120.0])
def test_a_linear_discriminator_pays_for_its_distance_to_gamma(gamma: float) -> None:
    found = penalty(step_of(Linear(weight_of_norm(30.0))), gamma=gamma)

    assert set(found) == {"a", "b"}
    for term in found.values():
        assert term.item() == pytest.approx((30 - gamma) ** 2 / gamma**2, rel=1e-5)


def test_the_defaults_are_the_papers_numbers_for_images_that_span_two() -> None:
    """The paper: 0.1 (|grad| - 100)^2 / 100^2 for pixels p in [0, 1]; here x = 2 p - 1."""
    by_p = weight_of_norm(70.0)
    by_x = by_p / 2  # dD/dx = dD/dp dp/dx

    term = penalty(step_of(Linear(by_x)))["a"]

    assert term.item() == pytest.approx((70 - 100) ** 2 / 100**2, rel=1e-5)
    assert REGISTRY.config("loss", "uvcgan_penalty", {}).weight == 0.1


def test_all_scores_of_an_image_are_summed() -> None:
    term = penalty(step_of(SeveralScores(weight_of_norm(3.0))), gamma=10.0)["b"]

    assert term.item() == pytest.approx(((4 + 2) * 3 - 10) ** 2 / 10**2, rel=1e-5)


def test_it_looks_between_a_real_and_a_translated_image_where_the_seed_says() -> None:
    step = step_of(Quadratic())
    torch.manual_seed(7)
    found = penalty(step, gamma=2.0)

    torch.manual_seed(7)
    for domain in ("a", "b"):
        share = torch.rand(2, 1, 1, 1)
        mixed = share * step.real[domain] + (1 - share) * step.fake[domain]
        slope = mixed.flatten(1).norm(dim=1)
        wanted = ((slope - 2) ** 2 / 4).mean()
        assert found[domain].item() == pytest.approx(wanted.item(), rel=1e-5)


def test_its_gradient_moves_the_slope_towards_gamma() -> None:
    """d/dw (|w| - gamma)^2 / gamma^2 = 2 (|w| - gamma) / gamma^2 w / |w|."""
    discriminator = Linear(weight_of_norm(30.0))

    penalty(step_of(discriminator), gamma=50.0)["a"].backward()

    wanted = 2 * (30 - 50) / 50**2 * weight_of_norm(1.0)
    torch.testing.assert_close(discriminator.weight.grad, wanted)


def test_a_flat_discriminator_gets_a_finite_gradient() -> None:
    discriminator = Linear(torch.zeros(PIXELS))
    term = penalty(step_of(discriminator))["a"]
    term.backward()

    assert term.item() == 1
    assert torch.isfinite(discriminator.weight.grad).all()


def test_it_is_computed_in_float32_whatever_the_precision() -> None:
    torch.manual_seed(0)
    judge = REGISTRY.config("discriminator", "patchgan", {"width": 4, "layers": 2})
    step = step_of(judge.build(in_channels=3), size=16)

    torch.manual_seed(5)
    exact = penalty(step)
    torch.manual_seed(5)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = penalty(step)

    assert mixed["a"].dtype == torch.float32
    assert all(torch.equal(mixed[domain], exact[domain]) for domain in exact)


def test_it_trains_discriminators_and_no_generator() -> None:
    step = step_of(Linear(weight_of_norm(1.0)))
    step.fake["a"].requires_grad_()

    penalty(step)["a"].backward()

    assert step.fake["a"].grad is None
    assert UVCGANPenalty.sides() == {"discriminator"}


def test_images_of_different_sizes_are_refused() -> None:
    step = step_of(Linear(weight_of_norm(1.0)))
    step.passes["fake"]["a"] = torch.zeros(2, 3, 8, 8)

    with pytest.raises(DataError, match=r"4 x 4 .* 8 x 8"):
        penalty(step)
