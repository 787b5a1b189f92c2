from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faulty import built, fault, faulty, unproven
from gantrans.api.generator import Generator
from gantrans.api.recompute import recomputed
from gantrans.errors import DataError
from gantrans.testing.generators import CHECKS


class Sound(Generator):
    """One convolution."""

    name = "sound"

    def __init__(self, config: Any, *, in_channels: int, out_channels: int) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).tanh()


class Encoding(Sound):
    """A generator whose two layers can be asked for their features."""

    name = "encoding"

    def encoder_layers(self) -> tuple[str, ...]:
        return "image", "conv"

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        everything = {"image": x, "conv": self.conv(x)}
        return {name: everything[name] for name in layers}


class Recomputing(Sound):
    """A generator that forgets what is inside its one block."""

    name = "recomputing"
    recomputes = True

    def __init__(self, config: Any, *, in_channels: int, out_channels: int) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        self.block = nn.Sequential(
            *(nn.Conv2d(out_channels, out_channels, 1) for _ in range(2)), nn.Dropout()
        )

    def forward(self, x: Tensor) -> Tensor:
        return recomputed(self.block, self.conv(x), self.recompute).tanh()


def half_when_told(self: Any, x: Tensor) -> Tensor:
    return Recomputing.forward(self, x) * (0.5 if self.recompute else 1.0)


def changed(change: Callable[[Tensor], Tensor]) -> Callable[..., dict[str, Tensor]]:
    """`encoder_features` whose second layer is not what it was."""

    def encoder_features(self: Any, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        found = Encoding.encoder_features(self, x, layers)
        return {name: change(one) if name == "conv" else one for name, one in found.items()}

    return encoder_features


def overwriting(self: Any, x: Tensor, layers: Collection[str]) -> tuple[Tensor, dict[str, Tensor]]:
    features = self.encoder_features(x, layers)
    features["conv"].relu_()
    return self(x), features


def another_image(self: Any, x: Tensor, layers: Collection[str]) -> tuple[Tensor, Any]:
    return self.conv(x).sigmoid(), self.encoder_features(x, layers)


def cut_off(self: Any, x: Tensor, layers: Collection[str]) -> tuple[Tensor, Any]:
    return self(x), self.encoder_features(x.detach(), layers)


def seeding(self: Any) -> None:
    torch.manual_seed(0)


def seeding_forward(self: Any, x: Tensor) -> Tensor:
    torch.manual_seed(0)
    return Sound.forward(self, x)


def only_colour(self: Any, config: Any, *, in_channels: int, out_channels: int) -> None:
    Sound.__init__(self, config, in_channels=3, out_channels=3)


def with_attribute(self: Any) -> None:
    self.scale = torch.rand(1) + 0.5


def with_idle_weight(self: Any) -> None:
    self.idle = nn.Linear(2, 2)


def with_pythons_draw(self: Any) -> None:
    with torch.no_grad():
        self.conv.weight.mul_(random.random())


def reading_a_weight(self: Any) -> None:
    self.scale = float(self.conv.weight.detach().sum())


def from_numpy(self: Any) -> None:
    self.register_buffer("grid", torch.from_numpy(np.ones(3, np.float32)))


def counting(self: Any, x: Tensor) -> Tensor:
    self.calls = getattr(self, "calls", 0) + 1
    return Sound.forward(self, x) / self.calls


def memory(self: Any, x: Tensor) -> Tensor:
    return Sound.forward(self, x) * random.random()


def writing(self: Any, x: Tensor) -> Tensor:
    return Sound.forward(self, x.mul_(0.5))


def wanting_gradient(self: Any, x: Tensor) -> Tensor:
    return Sound.forward(self, x if x.requires_grad else x.requires_grad_())


FAULTS = [
    fault(
        "keeps_the_size",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x)[..., 1:]),
        "pad and upsample",
    ),
    fault(
        "values_are_in_range",
        faulty(Sound, forward=lambda self, x: self.conv(x)),
        "end with a tanh",
    ),
    fault(
        "values_are_in_range",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x).double()),
        "give float32",
    ),
    fault(
        "takes_oblong_images",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x).transpose(2, 3)),
        "multiple_of",
    ),
    fault("takes_other_channels", faulty(Sound, __init__=only_colour), "refuse with a GantransErr"),
    fault(
        "gives_features",
        faulty(Encoding, encoder_layers=lambda self: ("conv", "conv")),
        "a name of its own",
    ),
    fault(
        "gives_features",
        faulty(
            Encoding,
            encoder_features=lambda self, x, layers: Encoding.encoder_features(
                self, x, self.encoder_layers()
            ),
        ),
        "layers that are asked for",
    ),
    fault(
        "gives_features",
        faulty(Encoding, encoder_features=changed(lambda one: one.flatten(2))),
        "reshaping them to maps",
    ),
    fault(
        "gives_features",
        faulty(Encoding, encoder_features=changed(lambda one: one / 0)),
        "give finite floats",
    ),
    fault(
        "gives_features",
        faulty(Encoding, encoder_features=changed(lambda one: one.int())),
        "give finite floats",
    ),
    fault(
        "features_come_with_the_image",
        faulty(Encoding, forward_with_features=overwriting),
        "inplace=True",
    ),
    fault(
        "features_come_with_the_image",
        faulty(Encoding, forward_with_features=another_image),
        "leave forward_with_features to the base class",
    ),
    fault(
        "features_come_with_the_image",
        faulty(Encoding, forward_with_features=lambda self, x, layers: (self(x), {})),
        "each layer that is asked for",
    ),
    fault(
        "features_pass_the_gradient_on",
        faulty(Encoding, encoder_features=changed(torch.Tensor.detach)),
        "leave out .detach()",
    ),
    fault(
        "features_pass_the_gradient_on",
        faulty(Encoding, forward_with_features=cut_off),
        "leave out .detach()",
    ),
    fault("recomputing_changes_no_gradient", faulty(Sound, recomputes=True), "leave `recomputes`"),
    fault(
        "recomputing_changes_no_gradient",
        faulty(Recomputing, forward=half_when_told),
        "other gradients",
    ),
    fault(
        "takes_the_smallest_size",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, F.pad(x, (4,) * 4, "reflect"))),
        "set self.min_size",
    ),
    fault("leaves_its_input_alone", faulty(Sound, forward=writing), "x = x + y"),
    fault("leaves_its_input_alone", faulty(Sound, forward=wanting_gradient), "requires_grad_()"),
    fault("gradient_reaches_all", faulty(Sound, __init__=built(with_idle_weight)), "idle.weight"),
    fault(
        "gradient_reaches_all",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x.detach())),
        "leave out .detach()",
    ),
    fault(
        "batch_coupling_is_as_said",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x - x.mean(0))),
        "self.couples_batch = True",
    ),
    fault(
        "batch_coupling_is_as_said",
        faulty(Sound, couples_batch=True),
        "do not depend on each other",
    ),
    fault(
        "same_twice_with_one_seed",
        faulty(Sound, __init__=built(with_pythons_draw)),
        "not with random or numpy",
    ),
    fault("same_twice_with_one_seed", faulty(Sound, forward=counting), "no memory"),
    fault(
        "same_twice_with_one_seed", faulty(Sound, forward=memory), "draw random numbers with tor"
    ),
    fault(
        "in_use_it_draws_nothing",
        faulty(Sound, forward=lambda self, x: Sound.forward(self, x + torch.randn_like(x))),
        "while self.training",
    ),
    fault("leaves_randomness_alone", faulty(Sound, __init__=built(seeding)), "after its __init__"),
    fault("leaves_randomness_alone", faulty(Sound, forward=seeding_forward), "after its forward"),
    fault(
        "survives_saving",
        faulty(
            Sound,
            __init__=built(with_attribute),
            forward=lambda self, x: Sound.forward(self, x) * self.scale,
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
    fault("builds_on_the_meta_device", faulty(Sound, __init__=built(from_numpy)), "not from numpy"),
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


def test_one_with_an_encoder_passes(is_sound: Callable[[Any], None]) -> None:
    is_sound(Encoding)


def test_one_that_recomputes_passes(is_sound: Callable[[Any], None]) -> None:
    is_sound(Recomputing)


@pytest.mark.parametrize(
    "check",
    ["gives_features", "features_come_with_the_image", "features_pass_the_gradient_on"],
)
def test_features_are_not_asked_of_a_generator_that_names_no_layers(
    check: str, outcome: Callable[..., Any]
) -> None:
    found = outcome(Sound, check)

    assert found.status == "skipped"
    assert "no encoder_layers()" in found.message


def test_batch_norm_spectral_norm_and_dropout_are_no_faults(
    is_sound: Callable[[Any], None],
) -> None:
    """Their buffers change with every pass, and their draws with the shape of the batch."""

    class Modern(Sound):
        """Batch norm, spectral norm and dropout."""

        name = "modern"
        couples_batch = True

        def __init__(self, config: Any, *, in_channels: int, out_channels: int) -> None:
            super().__init__(config, in_channels=in_channels, out_channels=out_channels)
            self.first = nn.utils.parametrizations.spectral_norm(nn.Conv2d(in_channels, 4, 1))
            self.rest = nn.Sequential(
                nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, out_channels, 1)
            )

        def forward(self, x: Tensor) -> Tensor:
            return (self.rest(self.first(x)) + self.conv(x)).tanh()

    is_sound(Modern)


def test_gates_that_begin_at_zero_are_no_fault(outcome: Callable[..., Any]) -> None:
    """ReZero: at first no gradient reaches what is behind the gate."""

    def gated(self: Any) -> None:
        self.gate = nn.Parameter(torch.zeros(1))
        self.behind = nn.Conv2d(3, 3, 1)

    component = faulty(
        Sound,
        __init__=built(gated),
        forward=lambda self, x: Sound.forward(self, x + self.gate * self.behind(x)),
    )

    assert outcome(component, "gradient_reaches_all").status == "ok"


def test_what_is_refused_with_a_clear_message_is_no_fault(outcome: Callable[..., Any]) -> None:
    def only_colour(self: Any, config: Any, *, in_channels: int, out_channels: int) -> None:
        if in_channels != 3:
            raise DataError("it reads colour images only")
        Sound.__init__(self, config, in_channels=3, out_channels=3)

    found = outcome(faulty(Sound, __init__=only_colour), "takes_other_channels")

    assert found.status == "skipped"
    assert "it reads colour images only" in found.message
