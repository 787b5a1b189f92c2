from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faulty import built, fault, faulty, unproven
from gantrans.api.discriminator import Discriminator
from gantrans.testing.discriminators import CHECKS


class Sound(Discriminator):
    """One convolution."""

    name = "sound"
    min_size = 4

    def __init__(self, config: Any, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        self.conv = nn.Conv2d(in_channels, 1, 4, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


def only_colour(self: Any, config: Any, *, in_channels: int) -> None:
    Sound.__init__(self, config, in_channels=3)


def seeding(self: Any) -> None:
    torch.manual_seed(0)


def with_attribute(self: Any) -> None:
    self.scale = torch.rand(1) + 0.5


def with_idle_weight(self: Any) -> None:
    self.idle = nn.Linear(2, 2)


def with_pythons_draw(self: Any) -> None:
    with torch.no_grad():
        self.conv.weight.mul_(random.random())


def reading_a_weight(self: Any) -> None:
    self.scale = float(self.conv.weight.detach().sum())


FAULTS = [
    fault(
        "gives_score_maps",
        faulty(Sound, forward=lambda self, x: self.conv(x).mean(dim=(1, 2, 3))),
        "with h = w = 1",
    ),
    fault("gives_score_maps", faulty(Sound, forward=lambda self, x: []), "give one at least"),
    fault(
        "gives_score_maps",
        faulty(Sound, forward=lambda self, x: self.conv(x) / 0),
        "not finite",
    ),
    fault(
        "takes_oblong_images",
        faulty(Sound, forward=lambda self, x: self.conv(x) @ self.conv(x)),
        "make it work, or refuse",
    ),
    fault("takes_other_channels", faulty(Sound, __init__=only_colour), "make it work, or refuse"),
    fault("takes_the_smallest_size", faulty(Sound, min_size=2), "set self.min_size"),
    fault(
        "leaves_its_input_alone",
        faulty(Sound, forward=lambda self, x: self.conv(x.mul_(0.5))),
        "x = x + y",
    ),
    fault("gradient_reaches_all", faulty(Sound, __init__=built(with_idle_weight)), "idle.weight"),
    fault(
        "batch_coupling_is_as_said",
        faulty(Sound, forward=lambda self, x: self.conv(x - x.mean(0))),
        "self.couples_batch = True",
    ),
    fault(
        "same_twice_with_one_seed",
        faulty(Sound, __init__=built(with_pythons_draw)),
        "not with random or numpy",
    ),
    fault(
        "in_use_it_draws_nothing",
        faulty(Sound, forward=lambda self, x: self.conv(x + torch.randn_like(x))),
        "while self.training",
    ),
    fault("leaves_randomness_alone", faulty(Sound, __init__=built(seeding)), "after its __init__"),
    fault(
        "survives_saving",
        faulty(
            Sound,
            __init__=built(with_attribute),
            forward=lambda self, x: self.conv(x) * self.scale,
        ),
        "register_buffer",
    ),
    fault(
        "works_in_bf16",
        faulty(Sound, forward=lambda self, x: (1000 * self.conv(x)).sin()),
        "in float32",
    ),
    fault(
        "builds_on_the_meta_device", faulty(Sound, __init__=built(reading_a_weight)), "no values"
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


def test_one_of_several_scales_passes(is_sound: Callable[[Any], None]) -> None:
    class Scales(Sound):
        """Two scales."""

        name = "scales"

        def forward(self, x: Tensor) -> list[Tensor]:
            return [self.conv(x), self.conv(x)[..., ::2, ::2]]

    is_sound(Scales)
