from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faulty import fault, faulty, unproven
from gantrans.api.normalizer import Normalizer
from gantrans.testing.normalizers import CHECKS


class Sound(Normalizer):
    """Instance norm."""

    name = "sound"

    def layer(self, channels: int) -> nn.Module:
        return nn.InstanceNorm2d(channels)


class Layer(nn.Module):
    """A layer that does what a function says."""

    def __init__(self, function: Callable[[Any, Tensor], Tensor], scale: Any = 1.0) -> None:
        super().__init__()
        self.function, self.scale = function, scale

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def layer(function: Callable[[Any, Tensor], Tensor], scale: Callable[[], Any] = lambda: 1) -> Any:
    return faulty(Sound, layer=lambda self, channels: Layer(function, scale()))


ONE = nn.InstanceNorm2d(4)


class Forgetting(nn.Module):
    """Running means that are not saved."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.mean.lerp_(x.mean((0, 2, 3), keepdim=True).float(), 0.1)
        return x - self.mean


def seeding(self: Any, x: Tensor) -> Tensor:
    torch.manual_seed(1)
    return x


FAULTS = [
    fault("keeps_the_shape", layer(lambda self, x: x[..., 1:]), "keep the shape"),
    fault("keeps_the_shape", layer(lambda self, x: x / 0), "eps"),
    fault("keeps_the_shape", layer(lambda self, x: x.detach()), "leave out .detach()"),
    fault("makes_a_layer_each_time", faulty(Sound, layer=lambda self, c: ONE), "make a new one"),
    fault(
        "cancels_the_bias_as_said",
        faulty(Sound, cancels_bias=True, layer=lambda self, c: nn.Identity()),
        "set it to False",
    ),
    fault("cancels_the_bias_as_said", faulty(Sound, cancels_bias=True), "learned `bias`"),
    fault("leaves_its_input_alone", layer(lambda self, x: x.mul_(2)), "x = x + y"),
    fault(
        "batch_coupling_is_as_said",
        faulty(Sound, layer=lambda self, channels: nn.BatchNorm2d(channels)),
        "couples_batch = True",
    ),
    fault("batch_coupling_is_as_said", faulty(Sound, couples_batch=True), "set it to False"),
    fault(
        "same_twice_with_one_seed",
        layer(lambda self, x: x * random.random()),
        "draw random numbers with torch",
    ),
    fault(
        "survives_saving",
        layer(lambda self, x: x * self.scale, lambda: torch.rand(1)),
        "register_buffer",
    ),
    fault("survives_saving", faulty(Sound, layer=lambda self, c: Forgetting(c)), "persistent"),
    fault("leaves_randomness_alone", layer(seeding), "leave out torch.manual_seed()"),
    fault("works_in_bf16", layer(lambda self, x: x @ x.transpose(2, 3) @ x * 100 % 1), "float32"),
    fault(
        "builds_on_the_meta_device",
        layer(lambda self, x: x, lambda: float(torch.rand(1))),
        "no values",
    ),
]


@pytest.mark.parametrize(("check", "component", "words"), FAULTS)
def test_a_fault_is_found_by_its_check_which_says_what_to_change(
    check: str, component: Any, words: str, outcome: Callable[..., Any]
) -> None:
    found = outcome(component, check)

    assert found.status == "failed"
    assert words in found.message


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert unproven(FAULTS, CHECKS) == set()


def test_a_sound_one_passes(is_sound: Callable[[Any], None]) -> None:
    is_sound(Sound)
