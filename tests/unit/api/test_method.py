from __future__ import annotations

from typing import Any

import pytest
import torch

from gantrans.api.loss import Loss
from gantrans.api.method import LossSet
from gantrans.api.step import TranslationStep
from gantrans.errors import PluginError

IMAGE = torch.ones(1, 1, 2, 2)
STEP = TranslationStep({"real": {"a": IMAGE, "b": IMAGE}}, {})


class Gives(Loss):
    """Gives what it is told to."""

    name = "gives"
    value: Any

    def generator(self, step: TranslationStep) -> Any:
        return self.value


def terms(value: Any) -> Any:
    loss = Gives(Gives.Config())
    loss.value = value
    return LossSet({"mine": loss}).terms("generator", STEP, {"mine"})["mine"]


@pytest.mark.parametrize(
    "value", [torch.ones(1), IMAGE, 0.5, None, {"ab": torch.ones(2)}, {"ab": None}]
)
def test_a_loss_that_gives_no_scalar_is_named(value: Any) -> None:
    with pytest.raises(PluginError, match=r"the loss 'mine' gave .* scalar"):
        terms(value)


@pytest.mark.parametrize("value", [torch.tensor(0.5), {"ab": torch.tensor(0.5)}, {}])
def test_scalars_are_taken_as_they_are(value: Any) -> None:
    assert terms(value) is value
