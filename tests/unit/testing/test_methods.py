from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from faulty import built, fault, faulty, unproven
from gantrans.api.method import Batch, PhaseResult
from gantrans.builtins.methods.cyclegan import CycleGAN
from gantrans.testing.methods import CHECKS


def method(then: Callable[[Any], None] = lambda self: None, **parts: Any) -> Any:
    """CycleGAN with something wrong after it was made."""
    return faulty(CycleGAN, __init__=built(then), **parts)


def phase(number: int, change: Callable[[Any, PhaseResult], PhaseResult]) -> Callable[[Any], None]:
    """Changes what a phase gives."""

    def then(self: Any) -> None:
        original = self.phases[number].forward
        self.phases[number].forward = lambda batch: change(self, original(batch))

    return then


def forgets_one(self: Any) -> None:
    del self.phases[0].trains["generator_ba"]


def one_name(self: Any) -> None:
    self.phases[1].name = self.phases[0].name


def another_object(self: Any) -> None:
    self.phases[1].trains["discriminator_a"] = self.d_b


def exchanged(self: Any) -> None:
    self.generators = {"ab": self.g_ba, "ba": self.g_ab}


def wrong_direction(self: Any) -> None:
    self.generators = {"there": self.g_ab}


def outsider(self: Any) -> None:
    self.generators = {"ab": self.parts.make_generator("other", "a", "b")}


def writes_into_the_batch(self: Any) -> None:
    original = self.phases[1].forward

    def forward(batch: Batch) -> PhaseResult:
        result = original(batch)
        batch.real["b"].clamp_(-0.1, 0.1)
        return result

    self.phases[1].forward = forward


def cut(self: Any, result: PhaseResult) -> PhaseResult:
    terms = {name: {k: t.detach() for k, t in by.items()} for name, by in result.terms.items()}
    return replace(result, terms=terms)


def infinite(self: Any, result: PhaseResult) -> PhaseResult:
    terms = {name: {k: t / 0 for k, t in by.items()} for name, by in result.terms.items()}
    return replace(result, terms=terms)


def silent(self: Any, result: PhaseResult) -> PhaseResult:
    return replace(result, terms={})


def drawing(self: Any, result: PhaseResult) -> PhaseResult:
    factor = random.random()
    terms = {name: {k: t * factor for k, t in by.items()} for name, by in result.terms.items()}
    return replace(result, terms=terms)


def counting(self: Any) -> None:
    """What comes later depends on a number that state() does not have."""
    self.calls = 0
    original = self.phases[1].forward

    def forward(batch: Batch) -> PhaseResult:
        self.calls += 1
        result = original(batch)
        terms = {n: {k: t * self.calls for k, t in by.items()} for n, by in result.terms.items()}
        return replace(result, terms=terms)

    self.phases[1].forward = forward


def in_bf16(self: Any, result: PhaseResult) -> PhaseResult:
    """A term that is far off where the networks run in bf16."""
    off = 2.0 if torch.is_autocast_enabled("cpu") else 1.0
    terms = {name: {k: t * off for k, t in by.items()} for name, by in result.terms.items()}
    return replace(result, terms=terms)


def translates_nothing(self: Any) -> None:
    self.generators = {}


def sheets(draw: Callable[[int], Any]) -> Callable[..., Any]:
    return lambda self, networks, count: {"noise": draw(count)}


FAULTS = [
    fault("has_something_to_show", method(translates_nothing), "override sheets()"),
    fault(
        "has_something_to_show",
        method(sheets=sheets(lambda count: torch.rand(count, 3, 8, 8))),
        "seeded from parts.seed",
    ),
    fault(
        "has_something_to_show",
        method(sheets=sheets(lambda count: 2 * torch.ones(count, 3, 8, 8))),
        "outside [-1, 1]",
    ),
    fault(
        "has_something_to_show",
        method(sheets=sheets(lambda count: torch.zeros(1, 3, 8, 8))),
        "one image for each",
    ),
    fault("averages_its_own_networks", method(averaged=["generator"]), "none of its networks"),
    fault("trains_every_network_once", method(forgets_one), "name each network in `trains`"),
    fault("trains_every_network_once", method(one_name), "give each its own name"),
    fault("trains_every_network_once", method(another_object), "pass the same object"),
    fault("generators_have_their_direction", method(exchanged), "exchange them"),
    fault("generators_have_their_direction", method(wrong_direction), '"ab" and "ba"'),
    fault("generators_have_their_direction", method(outsider), "put it into `networks`"),
    fault("a_step_moves_every_network", method(phase(1, cut)), "without .detach()"),
    fault("leaves_the_batch_alone", method(writes_into_the_batch), "writes into batch.real['b']"),
    fault("terms_are_finite_scalars", method(phase(0, infinite)), "give finite scalars"),
    fault(
        "gives_what_it_provides",
        method(provides={"fake", "cycle", "identity", "source", "truth", "features"}),
        "take them out of `provides`",
    ),
    fault("gives_what_it_provides", method(phase(0, silent)), "let a phase give"),
    fault("gives_the_same_twice_with_one_seed", method(phase(1, drawing)), "randomness.stream"),
    fault("resumes_as_if_never_stopped", method(counting), "that a later step depends on"),
    fault(
        "resumes_as_if_never_stopped",
        method(load_state=lambda self, state: None),
        "take back everything",
    ),
    fault(
        "resumes_as_if_never_stopped",
        method(load_state=lambda self, state: state["pool"]),
        "read the keys",
    ),
    fault("works_in_bf16", method(phase(0, in_bf16)), "gantrans.api.network"),
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
    is_sound(faulty(CycleGAN))
