from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.step import TranslationStep

Passes = dict[str, Tensor]
MakeStep = Callable[..., TranslationStep]


class Echo(nn.Module):
    """A discriminator whose score map is the image itself; of several scales, if asked."""

    couples_batch = False

    def __init__(self, factors: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        return [x[..., ::n, ::n] * f for n, f in enumerate(self.factors, 1)] if self.factors else x


@pytest.fixture
def make_step() -> MakeStep:
    """A step of 1-channel images, each given as a number (a constant image) or a tensor."""

    def make(
        factors: tuple[float, ...] = (), **passes: dict[str, float | Tensor]
    ) -> TranslationStep:
        images = {
            name: {
                domain: x if isinstance(x, Tensor) else torch.full((2, 1, 4, 4), float(x))
                for domain, x in given.items()
            }
            for name, given in passes.items()
        }
        judges = {"a": Echo(factors), "b": Echo(factors)}
        return TranslationStep(images, judges)

    return make
