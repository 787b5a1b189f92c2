from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.loss import Loss
from gantrans.api.step import DOMAINS, TranslationStep
from gantrans.plugin.registry import Registry

KIND = "loss"
PASSES = {"fake", "cycle", "identity"}


@dataclass(frozen=True)
class WatchedStep(TranslationStep):
    """Notes what is read."""

    read: set[str] = field(default_factory=set)

    def _read(self, name: str) -> Any:
        self.read.add(name)
        return super()._read(name)


@pytest.fixture
def loss(config: Any) -> Loss:
    built: Loss = config.build()
    if not set(built.requires) <= PASSES:
        pytest.skip(f"it reads {', '.join(built.requires)}, which this test cannot give")
    return built


@pytest.fixture
def step(registry: Registry) -> WatchedStep:
    torch.manual_seed(0)
    judge = registry.config("discriminator", "patchgan", {"width": 4, "layers": 2})
    passes = {
        name: {d: torch.rand(2, 3, 32, 32).mul(1.8).sub(0.9).requires_grad_() for d in DOMAINS}
        for name in ("real", *sorted(PASSES))
    }
    return WatchedStep(passes, {domain: judge.build(in_channels=3) for domain in DOMAINS})


def terms(loss: Loss, side: str, step: TranslationStep) -> dict[str, Tensor]:
    if side not in loss.sides():
        pytest.skip(f"it has no {side} side")
    given = getattr(loss, side)(step.seen_by(loss.name, loss.requires))
    return dict(given) if isinstance(given, Mapping) else {"": given}


def gradients(images: Mapping[Any, Tensor]) -> list[bool]:
    return [x.grad is not None and bool(x.grad.any()) for x in images.values()]


SIDES = pytest.mark.parametrize("side", ["generator", "discriminator"])


def test_it_has_a_side(loss: Loss) -> None:
    assert loss.sides()


@SIDES
def test_it_gives_finite_scalars_by_direction_or_domain(
    loss: Loss, side: str, step: WatchedStep
) -> None:
    found = terms(loss, side, step)
    assert found
    assert set(found) <= {"", "ab", "ba", "a", "b"}
    for key, term in found.items():
        assert term.shape == (), key
        assert torch.isfinite(term), key


def test_it_requires_all_that_it_reads_and_nothing_else(loss: Loss, step: WatchedStep) -> None:
    """What it reads without naming raises; what it names without reading costs time."""
    for side in sorted(loss.sides()):
        terms(loss, side, step)
    assert step.read == set(loss.requires)


def test_its_generator_side_trains_the_generators(loss: Loss, step: WatchedStep) -> None:
    torch.stack(list(terms(loss, "generator", step).values())).sum().backward()
    for name in loss.requires:
        assert any(gradients(step.passes[name])), name


def test_its_discriminator_side_trains_both_discriminators(loss: Loss, step: WatchedStep) -> None:
    torch.stack(list(terms(loss, "discriminator", step).values())).sum().backward()
    for domain, discriminator in step.discriminators.items():
        found = [weight.grad for weight in discriminator.parameters()]
        assert any(g is not None and bool(g.any()) for g in found), domain


@SIDES
def test_it_is_a_mean_over_the_batch(loss: Loss, side: str, step: WatchedStep) -> None:
    """The same images twice count as much as once."""

    def times(count: int) -> TranslationStep:
        passes = {
            name: {domain: torch.cat([x] * count) for domain, x in images.items()}
            for name, images in step.passes.items()
        }
        return TranslationStep(passes, step.discriminators)

    once, twice = (terms(loss, side, times(count)) for count in (1, 2))
    for key, term in once.items():
        assert twice[key].item() == pytest.approx(term.item(), rel=1e-4, abs=1e-6), key
