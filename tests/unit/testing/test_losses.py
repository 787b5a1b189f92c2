from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from faulty import built, fault, faulty, unproven
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import DOMAINS
from gantrans.errors import DataError
from gantrans.testing.losses import CHECKS


class Sound(Loss):
    """Translations and what comes back resemble the images."""

    name = "sound"
    requires = {"fake", "cycle"}

    def generator(self, step: Any) -> dict[str, Tensor]:
        return {
            d: F.l1_loss(step.cycle[d], step.real[d]) + step.fake[d].square().mean()
            for d in DOMAINS
        }

    def discriminator(self, step: Any) -> dict[str, Tensor]:
        terms = {}
        for domain in DOMAINS:
            real, fake = step.score(domain, step.real[domain], step.fake[domain])
            terms[domain] = (real - 1).square().mean() + fake.square().mean()
        return terms


def generator(side: Callable[[Any, Any], Any], *requires: str, **parts: Any) -> Any:
    """A loss of the generators alone, that reads `fake` unless it says otherwise."""
    parts = {"requires": set(requires) or {"fake"}, **parts}
    return faulty(Loss, generator=side, **parts)


def discriminator(side: Callable[[Any, Any], Any], **parts: Any) -> Any:
    return faulty(Loss, discriminator=side, requires={"fake"}, **parts)


def scores(step: Any, domain: Any = "a") -> Tensor:
    [found] = step.score(domain, step.fake[domain])
    return found


def fake(step: Any) -> Tensor:
    return step.fake["a"]


def writing_real(self: Any, step: Any) -> Tensor:
    step.real["b"].clamp_(-0.1, 0.1)
    return fake(step).mean()


def wanting_real(self: Any, step: Any) -> Tensor:
    x = step.real["a"].requires_grad_()
    return step.score("a", x)[0].mean() + scores(step, "b").mean()


def freeing(self: Any, step: Any) -> Tensor:
    step.discriminators["a"].requires_grad_(True)
    return fake(step).mean()


def judging_in_use(self: Any, step: Any) -> Tensor:
    step.discriminators["a"].eval()
    return fake(step).square().mean()


def remembering(self: Any, step: Any) -> Tensor:
    self.calls = getattr(self, "calls", 0) + 1
    return fake(step).square().mean() * self.calls


def relative_to_the_first(self: Any, step: Any) -> Tensor:
    value = fake(step).square().mean()
    self.first = getattr(self, "first", value.detach())
    return value / self.first


def changing_late(self: Any, step: Any) -> Tensor:
    self.calls = getattr(self, "calls", 0) + 1
    return fake(step).square().mean() * (2 if self.calls > 50 else 1)


def clipping(self: Any, step: Any) -> Tensor:
    for weight in step.discriminators["b"].parameters():
        weight.data.clamp_(-0.01, 0.01)
    return scores(step).mean() + scores(step, "b").mean()


def seeding(self: Any, step: Any) -> Tensor:
    torch.manual_seed(0)
    return fake(step).square().mean()


def linear(self: Any) -> None:
    self.features = nn.Conv2d(3, 4, 3)


class Trained(Loss):
    """A scale that is learned, and an offset that the term leaves out."""

    trainable = True
    requires = {"fake"}

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def generator(self, step: Any) -> Tensor:
        return (self.scale * fake(step)).square().mean()


FAULTS = [
    fault("its_own_parameters_learn", faulty(Trained), "its parameter offset"),
    fault(
        "its_own_parameters_learn",
        generator(lambda self, step: fake(step).square().mean(), trainable=True),
        "has no parameters",
    ),
    fault("has_a_side", faulty(Loss), "define one"),
    fault("terms_are_finite_scalars", generator(lambda s, step: fake(step)), "such as .mean()"),
    fault("terms_are_finite_scalars", generator(lambda s, step: {}), "empty mapping"),
    fault(
        "terms_are_finite_scalars",
        generator(lambda s, step: {"ab": fake(step).mean().item()}),
        "without .item()",
    ),
    fault(
        "terms_are_finite_scalars",
        generator(lambda s, step: (fake(step) * 0).mean() / 0),
        "divisions away from 0",
    ),
    fault(
        "keys_are_directions_or_domains",
        generator(lambda s, step: {"summer": fake(step).mean()}),
        'use "ab", "ba"',
    ),
    fault(
        "requires_all_that_it_reads",
        generator(lambda s, step: fake(step).mean() + step.identity["a"].mean()),
        "requires = {'fake', 'identity'}",
    ),
    fault(
        "requires_nothing_else",
        generator(lambda s, step: fake(step).mean(), "fake", "cycle"),
        "take it out of `requires`",
    ),
    fault(
        "gradient_reaches_the_generator",
        generator(lambda s, step: fake(step).detach().mean()),
        "leave out .detach()",
    ),
    fault(
        "gradient_reaches_the_generator",
        generator(
            lambda s, step: fake(step).square().mean() + step.cycle["b"].detach().mean(),
            "fake",
            "cycle",
        ),
        "step.cycle['b'], but no gradient reaches a translation to 'b'",
    ),
    fault(
        "gradient_reaches_the_generator",
        generator(
            lambda s, step: {
                "ab": step.fake["b"].square().mean() + step.fake["a"].square().mean(),
                "ba": step.fake["a"].detach().mean() + 0 * step.fake["a"].sum(),
            }
        ),
        "the gradient of its term 'ba' reaches no translated image",
    ),
    fault(
        "gradient_reaches_the_generator",
        generator(
            lambda s, step: {"ab": fake(step).square().mean(), "ba": step.fake["b"].detach().mean()}
        ),
        "its term 'ba' has no gradient",
    ),
    fault(
        "gradient_reaches_the_discriminators",
        discriminator(lambda s, step: scores(step).detach().mean()),
        "leave out .detach()",
    ),
    fault(
        "gradient_reaches_the_discriminators",
        discriminator(lambda s, step: scores(step, "a").mean()),
        "the discriminator of 'b'",
    ),
    fault("leaves_the_step_alone", generator(writing_real), "writes into step.real['b']"),
    fault(
        "leaves_the_step_alone",
        generator(lambda s, step: fake(step).mul_(2).square().mean()),
        "writes into step.fake['a']",
    ),
    fault("leaves_the_step_alone", discriminator(wanting_real), "x.detach().requires_grad_()"),
    fault("leaves_the_step_alone", discriminator(clipping), "the weights of the discriminator of"),
    fault("leaves_the_step_alone", generator(freeing), "leave requires_grad_()"),
    fault("leaves_the_step_alone", generator(judging_in_use), "leave its mode"),
    fault(
        "is_a_mean_over_the_batch",
        generator(lambda s, step: fake(step).square().sum()),
        "not .sum()",
    ),
    fault(
        "is_a_mean_over_the_batch",
        generator(lambda s, step: (fake(step).square() * torch.rand(1)).sum()),
        "not .sum()",
    ),
    fault(
        "gives_the_same_twice_with_one_seed",
        generator(lambda s, step: fake(step).square().mean() * random.random()),
        "draw random numbers with torch",
    ),
    fault("gives_the_same_twice_with_one_seed", generator(remembering), "no memory"),
    fault("keeps_no_state", generator(relative_to_the_first), "a resumed run would differ"),
    fault("keeps_no_state", generator(changing_late), "a function of the step's images"),
    fault("leaves_randomness_alone", generator(seeding), "leave out torch.manual_seed()"),
    fault(
        "leaves_its_weight_to_the_trainer",
        generator(lambda s, step: s.config.weight * fake(step).square().mean()),
        "leave out self.config.weight",
    ),
    fault(
        "takes_other_channels",
        generator(lambda s, step: fake(step)[:, 1:].square().mean()),
        "not finite",
    ),
    fault(
        "takes_other_channels",
        generator(lambda s, step: s.features(fake(step)).mean(), __init__=built(linear)),
        "make it work, or refuse",
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


def test_one_that_compares_with_the_truth_passes(is_sound: Callable[[Any], None]) -> None:
    class Paired(Loss):
        """Translations are what they should be."""

        name = "paired"
        requires = {"fake", "truth"}

        def generator(self, step: Any) -> Tensor:
            return F.l1_loss(step.fake["b"], step.truth["b"])

    is_sound(Paired)


def test_one_whose_settings_choose_what_it_reads_passes(outcome: Callable[..., Any]) -> None:
    class Choosing(Loss):
        """Reads what it is told to."""

        name = "choosing"
        requires = {"cycle"}

        class Config(LossConfig):
            """Settings."""

            of: str = Field("cycle", description="what is read")

            @property
            def requires(self) -> frozenset[str]:
                return frozenset({self.of})

        def generator(self, step: Any) -> Tensor:
            return getattr(step, self.config.of)["a"].square().mean()

    for check in ("requires_all_that_it_reads", "requires_nothing_else"):
        assert outcome(Choosing, check, of="identity").status == "ok"


def test_second_derivatives_and_random_points_pass(is_sound: Callable[[Any], None]) -> None:
    """A gradient penalty: at random points between real and translated images."""

    class Penalty(Loss):
        """The slope of the discriminators is 1."""

        name = "penalty"
        requires = {"fake"}

        def discriminator(self, step: Any) -> dict[str, Tensor]:
            terms = {}
            for domain in DOMAINS:
                share = torch.rand(len(step.real[domain]), 1, 1, 1)
                real, made = step.real[domain].detach(), step.fake[domain].detach()
                x = (share * real + (1 - share) * made).requires_grad_()
                [score] = step.score(domain, x)
                [slope] = torch.autograd.grad(score.sum(), x, create_graph=True)
                terms[domain] = (slope.flatten(1).norm(dim=1) - 1).square().mean()
            return terms

    is_sound(Penalty)


def test_a_fixed_target_is_no_fault(outcome: Callable[..., Any]) -> None:
    """What comes back is what translations are compared with, and need not learn itself."""
    component = generator(
        lambda s, step: sum(F.l1_loss(step.fake[d], step.cycle[d].detach()) for d in DOMAINS),
        "fake",
        "cycle",
    )

    assert outcome(component, "gradient_reaches_the_generator").status == "ok"


def test_a_measure_of_the_batch_as_a_whole_is_not_called_a_sum(outcome: Callable[..., Any]) -> None:
    found = outcome(generator(lambda s, step: fake(step).var(0).mean()), "is_a_mean_over_the_batch")

    assert (found.status, "of the batch as a whole" in found.message) == ("skipped", True)


def test_what_is_computed_once_and_kept_is_no_state(outcome: Callable[..., Any]) -> None:
    def with_window(self: Any, step: Any) -> Tensor:
        self.window = getattr(self, "window", torch.ones(1, 3, 5, 5) / 75)
        return F.conv2d(fake(step), self.window).square().mean()

    assert outcome(generator(with_window), "keeps_no_state").status == "ok"


def test_a_loss_that_needs_larger_images_gets_them(outcome: Callable[..., Any]) -> None:
    component = generator(
        lambda s, step: F.conv2d(fake(step), torch.ones(1, 3, 50, 50)).square().mean()
    )

    assert outcome(component, "gradient_reaches_the_generator").status == "ok"


def test_gray_images_may_be_refused_with_a_clear_message(outcome: Callable[..., Any]) -> None:
    def coloured(self: Any, step: Any) -> Tensor:
        if fake(step).shape[1] != 3:
            raise DataError("it compares colours")
        return fake(step).square().mean()

    found = outcome(generator(coloured), "takes_other_channels")

    assert (found.status, "it compares colours" in found.message) == ("skipped", True)
