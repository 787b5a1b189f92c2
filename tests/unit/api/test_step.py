from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.step import TranslationStep
from gantrans.errors import PluginError

PASSES: Any = {
    name: {"a": torch.zeros(1), "b": torch.ones(1)}
    for name in ("real", "fake", "cycle", "identity")
}


@pytest.mark.parametrize("name", ["fake", "cycle", "identity"])
def test_what_a_loss_does_not_require_it_does_not_get(name: str) -> None:
    others = {"fake", "cycle", "identity"} - {name}
    step = TranslationStep(PASSES, {}).seen_by("edges", others)
    with pytest.raises(PluginError) as caught:
        getattr(step, name)
    said = str(caught.value)
    assert f"the loss 'edges' reads step.{name} without naming it" in said
    assert f"add {name!r} to its `requires`" in said
    for other in others:
        assert getattr(step, other) is PASSES[other]


def test_what_it_requires_it_gets_and_real_images_always() -> None:
    step = TranslationStep(PASSES, {}).seen_by("edges", {"cycle"})
    assert step.cycle is PASSES["cycle"]
    assert step.real is PASSES["real"]
    assert TranslationStep(PASSES, {}).seen_by("edges", ()).real is PASSES["real"]


def test_one_losss_view_does_not_change_anothers() -> None:
    step = TranslationStep(PASSES, {})
    step.seen_by("edges", ())
    assert step.fake is PASSES["fake"]
    assert step.seen_by("other", {"fake"}).fake is PASSES["fake"]


# Features

PAIRS: Any = {name: {"b": ({}, {})} for name in ("features", "identity_features")}


@pytest.mark.parametrize("name", ["features", "identity_features"])
def test_features_that_a_loss_does_not_require_it_does_not_get(name: str) -> None:
    [other] = {"features", "identity_features"} - {name}
    step = TranslationStep(PASSES, {}, pairs=PAIRS).seen_by("edges", {other})
    with pytest.raises(PluginError) as caught:
        getattr(step, name)
    assert f"the loss 'edges' reads step.{name} without naming it" in str(caught.value)
    assert f"add {name!r} to its `requires`" in str(caught.value)
    assert getattr(step, other) is PAIRS[other]


def test_what_a_side_has_not_is_said_with_what_it_has() -> None:
    passes: Any = {name: PASSES[name] for name in ("real", "fake")}
    step = TranslationStep(passes, {}, pairs={"features": PAIRS["features"]})
    for name in ("identity_features", "cycle", "source"):
        with pytest.raises(PluginError) as caught:
            getattr(step.seen_by("edges", {name}), name)
        said = str(caught.value)
        assert f"step.{name}, which this side has not (it has fake, features, real)" in said


# Conditional discriminators


class Echo(nn.Module):
    """Gives back what it sees; notes its batches."""

    def __init__(self, *, couples_batch: bool = False) -> None:
        super().__init__()
        self.couples_batch = couples_batch
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        return x


@pytest.mark.parametrize(("couples_batch", "batches"), [(False, [4]), (True, [2, 2])])
def test_a_conditional_discriminator_sees_the_condition_first_beside_each_image(
    couples_batch: bool, batches: list[int]
) -> None:
    judge: Any = Echo(couples_batch=couples_batch)
    labels, real, fake = torch.randn(2, 1, 4, 4), torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    step = TranslationStep(PASSES, {"b": judge}, conditions={"b": labels})
    scores = step.seen_by("adversarial", {"fake"}).score("b", real, fake)
    assert judge.batches == batches
    for image, score in zip((real, fake), scores, strict=True):
        assert isinstance(score, Tensor)
        assert torch.equal(score[:, :1], labels)
        assert torch.equal(score[:, 1:], image)


def test_the_condition_of_one_domain_is_nothing_to_the_other() -> None:
    judges: Any = {"a": Echo(), "b": Echo()}
    image = torch.randn(1, 3, 4, 4)
    step = TranslationStep(PASSES, judges, conditions={"b": image})
    [score] = step.score("a", image)
    assert score is image or torch.equal(score, image)  # type: ignore[arg-type]
    [score] = step.score("b", image)
    assert score.shape == (1, 6, 4, 4)  # type: ignore[union-attr]
