"""What a loss holds."""

from __future__ import annotations

from typing import Any

import torch

from gantrans.api.method import Side
from gantrans.testing import loss_effects, loss_gradients, loss_terms
from gantrans.testing.check import Check, checks, need
from gantrans.testing.loss_trial import (
    height_for,
    loss_of,
    scalars,
    sides,
    step_for,
    terms_of,
    tried,
)
from gantrans.testing.subject import Subject


def use(subject: Subject) -> None:
    """Compute its terms."""
    for side in sides(subject):
        tried(subject, side)


def has_a_side(subject: Subject) -> None:
    """It overrides `generator`, `discriminator` or both."""
    need(
        bool(loss_of(subject).sides()),
        "it overrides neither generator(step) nor discriminator(step): define one",
    )


def requires_all_that_it_reads(subject: Subject) -> None:
    """It names in `requires` all that it reads of the step."""
    loss = loss_of(subject)
    for side in sides(subject):
        missing = sorted(tried(subject, side).step.read - set(loss.config.requires))
        need(
            not missing,
            f"{side}(step) reads {', '.join(f'step.{name}' for name in missing)} without naming "
            f"it: requires = {{{', '.join(map(repr, sorted({*loss.config.requires, *missing})))}}}",
        )


def requires_nothing_else(subject: Subject) -> None:
    """It names in `requires` nothing that it does not read, since that is computed for nothing."""
    loss = loss_of(subject)
    read = {name for side in sides(subject) for name in tried(subject, side).step.read}
    idle = sorted(set(loss.config.requires) - read)
    need(
        not idle,
        f"it requires {', '.join(map(repr, idle))} but reads no such thing: take it out of "
        "`requires`, and generators are spared the pass",
    )


def takes_other_channels(subject: Subject) -> None:
    """It takes gray images, or refuses them with a clear message."""
    for side in sides(subject):

        def gray(side: Side = side) -> dict[str, Any]:
            step, _ = step_for(subject, side, height=height_for(subject), channels=1)
            return terms_of(loss_of(subject), side, step)

        terms = subject.may_refuse(gray, "images of one channel")
        need(
            all(bool(torch.isfinite(term)) for term in scalars(terms)),
            f"{side}(step) is not finite for images of one channel",
        )


CHECKS: tuple[Check, ...] = checks(
    "loss",
    has_a_side,
    loss_terms.terms_are_finite_scalars,
    loss_terms.keys_are_directions_or_domains,
    requires_all_that_it_reads,
    requires_nothing_else,
    loss_gradients.gradient_reaches_the_generator,
    loss_gradients.gradient_reaches_the_discriminators,
    loss_gradients.its_own_parameters_learn,
    loss_effects.leaves_the_step_alone,
    loss_terms.is_a_mean_over_the_batch,
    loss_effects.gives_the_same_twice_with_one_seed,
    loss_effects.keeps_no_state,
    loss_effects.leaves_randomness_alone,
    loss_terms.leaves_its_weight_to_the_trainer,
    takes_other_channels,
)
