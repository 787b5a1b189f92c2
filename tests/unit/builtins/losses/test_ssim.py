"""What structural similarity is, tests/unit/builtins/test_structural_similarity.py holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.step import TranslationStep
from gantrans.builtins.losses.ssim import SSIM
from gantrans.builtins.structural_similarity import structural_similarity

MakeStep = Callable[..., TranslationStep]
C1 = 0.0001


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def loss(**settings: Any) -> SSIM:
    return SSIM(SSIM.Config(**settings))


def test_two_constant_images_differ_in_luminance_alone(make_step: MakeStep) -> None:
    """-0.5 and 0.6 of [-1, 1] are 0.25 and 0.8 of [0, 1]."""
    step = make_step(real={"a": -0.5, "b": 1.0}, cycle={"a": 0.6, "b": 1.0})
    terms = loss().generator(step)
    expected = 1 - (2 * 0.25 * 0.8 + C1) / (0.25**2 + 0.8**2 + C1)
    # A variance in float32 is exact to some 1e-7, beside C2 = 0.0009.
    assert terms["a"].item() == pytest.approx(expected, abs=1e-3)
    assert terms["b"].item() == pytest.approx(0, abs=1e-3)


def test_it_is_1_minus_the_mean_over_the_images(make_step: MakeStep) -> None:
    real, back = noise(3, 3, 20, 20), noise(3, 3, 20, 20, seed=1)
    step = make_step(real={"a": real}, cycle={"a": back})
    exact = structural_similarity((real.double() + 1) / 2, (back.double() + 1) / 2)
    assert loss().generator(step)["a"].item() == pytest.approx(1 - exact.mean().item(), abs=1e-5)


@pytest.mark.parametrize(
    ("compare", "requires", "pair"),
    [
        ("cycle", {"cycle"}, ("cycle", "real")),
        ("identity", {"identity"}, ("identity", "real")),
        ("source", {"fake", "source"}, ("fake", "source")),
        ("truth", {"fake", "truth"}, ("fake", "truth")),
    ],
)
def test_the_spec_chooses_what_is_compared(
    compare: str, requires: set[str], pair: tuple[str, str], make_step: MakeStep
) -> None:
    """All images but those compared are different noise."""
    names = ("real", "fake", "cycle", "identity", "source", "truth")
    images = {name: noise(1, 1, 16, 16, seed=n) for n, name in enumerate(names)}
    made, wanted = pair
    images[made] = images[wanted]
    step = make_step(**{name: {"a": x, "b": x} for name, x in images.items()})
    chosen = loss(compare=compare)
    assert chosen.config.requires == requires
    terms = chosen.generator(step.seen_by("ssim", requires))
    assert [terms[domain].item() for domain in ("a", "b")] == pytest.approx([0, 0], abs=1e-5)
    for other in {"cycle", "identity", "source", "truth"} - {compare}:
        assert loss(compare=other).generator(step)["a"].item() > 0.1


def test_descending_it_makes_the_images_alike(make_step: MakeStep) -> None:
    real = noise(1, 1, 16, 16)
    back = (real * 0.5).requires_grad_()
    before = loss().generator(make_step(real={"a": real}, cycle={"a": back}))["a"]
    before.backward()
    assert back.grad is not None
    moved = back.detach() - 0.05 * back.grad / back.grad.norm()
    after = loss().generator(make_step(real={"a": real}, cycle={"a": moved}))["a"]
    assert after.item() < before.item()


def test_of_even_images_the_darker_one_shall_become_brighter(make_step: MakeStep) -> None:
    """Their variance is 0, and must not be divided by."""
    real = torch.full((1, 1, 16, 16), 0.3)
    back = torch.full((1, 1, 16, 16), -0.3, requires_grad=True)
    loss().generator(make_step(real={"a": real}, cycle={"a": back}))["a"].backward()
    assert back.grad is not None
    assert (back.grad < 0).all()
