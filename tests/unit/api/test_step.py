from __future__ import annotations

from typing import Any

import pytest
import torch

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
