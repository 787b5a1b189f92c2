"""What a loss holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gantrans.api.loss import Loss
from gantrans.api.method import Side
from gantrans.api.step import DOMAINS, ENDS
from gantrans.errors import GantransError
from gantrans.testing.check import Check, CheckFailed, blamed, checks, need
from gantrans.testing.loss_trial import (
    TRANSLATED,
    height_for,
    loss_of,
    number,
    scalars,
    sides,
    step_for,
    summed,
    terms_of,
    tried,
)
from gantrans.testing.subject import Subject

KEYS = {*ENDS, *DOMAINS}
BF16_TOLERANCE = 0.05


def has_a_side(subject: Subject) -> None:
    """It overrides `generator`, `discriminator` or both."""
    need(
        bool(loss_of(subject).sides()),
        "it overrides neither generator(step) nor discriminator(step): define one",
    )


def terms_are_finite_scalars(subject: Subject) -> None:
    """Each side gives a finite scalar, or some by key."""
    for side in sides(subject):
        terms = tried(subject, side).terms
        need(bool(terms), f"{side}(step) gives an empty mapping: give a term, or leave it out")
        for key, term in terms.items():
            what = f"{side}(step){f'[{key!r}]' if key else ''}"
            need(isinstance(term, Tensor), f"{what} is {term!r}: give a tensor, without .item()")
            need(
                term.dim() == 0,
                f"{what} has the shape {tuple(term.shape)}: give a scalar, such as .mean()",
            )
            need(
                bool(torch.isfinite(term)),
                f"{what} is {term.item()}: keep roots, logarithms and divisions away from 0",
            )


def keys_are_directions_or_domains(subject: Subject) -> None:
    """The keys of its terms are "ab" and "ba" (directions), or "a" and "b" (domains)."""
    for side in sides(subject):
        terms = tried(subject, side).terms
        unknown = [key for key in terms if key and key not in KEYS]
        need(
            not unknown,
            f"{side}(step) has the keys {', '.join(map(repr, unknown))}, which no curve is named "
            'by: use "ab", "ba", "a" and "b", or give one scalar',
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


def gradient_reaches_the_generator(subject: Subject) -> None:
    """The generators learn from it: its gradient goes through every translation it requires."""
    trial = tried(subject, "generator")
    cut = "leave out .detach(), .data, .item(), no_grad(), rounding and comparisons"
    for key, term in trial.terms.items():
        need(
            isinstance(term, Tensor) and term.requires_grad,
            f"its term{f' {key!r}' if key else ''} has no gradient at all: compute it from "
            f"translated images, and {cut}",
        )
    torch.autograd.backward(summed(trial.terms, cut), retain_graph=True)
    reached = {
        name
        for name, images in trial.leaves.items()
        if any(x.grad is not None and bool(x.grad.any()) for x in images.values())
    }
    need(bool(reached), f"its gradient reaches no translated image: {cut}")
    for name in sorted(trial.step.read & set(TRANSLATED)):
        need(
            name in reached,
            f"it reads step.{name}, but no gradient reaches it: {cut}",
        )


def gradient_reaches_the_discriminators(subject: Subject) -> None:
    """The discriminators learn from it, both of them."""
    trial = tried(subject, "discriminator")
    advice = (
        "no gradient reaches {}: compute its term from step.score(domain, images), and leave out "
        ".detach() and no_grad(); a gradient that is part of the term needs create_graph=True"
    )
    objective = summed(trial.terms, advice.format("the discriminators"))
    torch.autograd.backward(objective, retain_graph=True)
    for domain, network in trial.step.discriminators.items():
        learns = any(w.grad is not None and bool(w.grad.any()) for w in network.parameters())
        need(learns, advice.format(f"the discriminator of {domain!r}"))


def leaves_the_step_alone(subject: Subject) -> None:
    """Images and discriminators are afterwards as they were."""
    for side in sides(subject):
        torch.manual_seed(0)
        loss = loss_of(subject)
        step, _ = step_for(subject, side, height=height_for(subject))
        images = {f"{n}[{d!r}]": x for n, of in step.passes.items() for d, x in of.items()}
        weights = {
            f"the discriminator of {d!r}": list(net.parameters())
            for d, net in step.discriminators.items()
        }
        before = {name: (x.detach().clone(), x.requires_grad) for name, x in images.items()}
        frozen = {name: [w.requires_grad for w in own] for name, own in weights.items()}
        terms_of(loss, side, step)
        for name, x in images.items():
            value, learning = before[name]
            need(
                torch.equal(x.detach(), value),
                f"{side}(step) writes into step.{name}, which other losses read: use x = x + y, "
                "not x += y, .clamp_() and the like",
            )
            need(
                x.requires_grad == learning and (x.is_leaf is False or x.grad is None),
                f"{side}(step) leaves a gradient on step.{name}: take x.detach().requires_grad_() "
                "for a tensor of its own, and torch.autograd.grad for the gradient",
            )
        for name, own in weights.items():
            need(
                [w.requires_grad for w in own] == frozen[name] and all(w.grad is None for w in own),
                f"{side}(step) changes {name}: leave requires_grad_() and .backward() to the "
                "trainer; torch.autograd.grad gives a gradient without storing it",
            )
        for domain, network in step.discriminators.items():
            need(
                network.training,
                f"{side}(step) puts the discriminator of {domain!r} into eval(): leave its mode",
            )


def is_a_mean_over_the_batch(subject: Subject) -> None:
    """The same images twice over count as much as once."""
    for side in sides(subject):
        loss, height = loss_of(subject), height_for(subject)

        def of(
            times: int,
            seeds: Sequence[int],
            side: Side = side,
            loss: Loss = loss,
            height: int = height,
        ) -> dict[str, list[float]]:
            step, _ = step_for(subject, side, height=height, times=times)
            runs = [terms_of(loss, side, step, seed) for seed in seeds]
            return {key: [number(run[key]) for run in runs] for key in runs[0]}

        once, twice = of(1, (3, 4)), of(2, (3, 4))
        draws = any(a != b for a, b in once.values())
        if draws:  # single draws differ; a sum would still be twice as much
            seeds = range(12)
            once, twice = of(1, seeds), of(2, seeds)
        for key, values in once.items():
            one, two = (sum(v) / len(v) for v in (values, twice.get(key, [float("nan")])))
            allowed = 0.4 * abs(one) if draws else 1e-3 * abs(one) + 1e-6
            need(
                abs(two - one) <= allowed,
                f"{side}(step){f'[{key!r}]' if key else ''} is {one:.4g} for two images, and "
                f"{two:.4g} for the same ones twice over: use .mean(), not .sum(), over the batch",
            )


def gives_the_same_twice_with_one_seed(subject: Subject) -> None:
    """Run twice after the same torch.manual_seed, it gives the same."""
    for side in sides(subject):
        loss = loss_of(subject)
        step, _ = step_for(subject, side, height=height_for(subject))
        first, second = (terms_of(loss, side, step) for _ in range(2))
        differing = [key for key in first if number(first[key]) != number(second.get(key))]
        need(
            not differing and first.keys() == second.keys(),
            f"{side}(step) gives two results for one seed: draw random numbers with torch, and "
            "keep no memory of earlier steps",
        )


def leaves_its_weight_to_the_trainer(subject: Subject) -> None:
    """It gives unweighted terms; the trainer applies `weight`."""
    heavier = {**subject.settings, "weight": 7.0 + float(subject.config.weight)}
    config = subject.component.Config.model_validate(
        heavier, context={"components": subject.registry}
    )
    loss = loss_of(subject)
    torch.manual_seed(0)
    other: Loss = config.build().requires_grad_(False)
    for side in sides(subject):
        step, _ = step_for(subject, side, height=height_for(subject))
        first, second = (terms_of(of, side, step) for of in (loss, other))
        for key, term in first.items():
            need(
                abs(number(term) - number(second.get(key))) <= 1e-6 + 1e-4 * abs(number(term)),
                f"{side}(step) changes with `weight`: the trainer multiplies by it, so leave out "
                "self.config.weight",
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


def works_in_bf16(subject: Subject) -> None:
    """Under bf16 autocast on the CPU its terms are finite float32, within 5 % of the exact ones."""
    for side in sides(subject):
        loss = loss_of(subject)
        step, _ = step_for(subject, side, height=height_for(subject))
        exact = terms_of(loss, side, step)
        try:
            with torch.autocast("cpu", torch.bfloat16):
                rough = terms_of(loss, side, step)
        except GantransError:
            raise
        except RuntimeError as error:
            raise CheckFailed(
                f"{side}(step) under bf16 autocast raises {blamed(error, subject.code)}; bring "
                "its own tensors to the type of those that they meet, or work in float32 "
                "(.float())"
            ) from error
        for key, term in rough.items():
            what = f"{side}(step){f'[{key!r}]' if key else ''} under bf16 autocast"
            need(
                term.dtype == torch.float32,
                f"{what} is {term.dtype}: average in float32, as in .float().mean()",
            )
            value, close = number(exact.get(key)), number(term)
            need(
                abs(close - value) <= BF16_TOLERANCE * abs(value) + 1e-3,
                f"{what} is {close:.4g}, not {value:.4g}: do what needs digits (differences, "
                "powers, sums) in float32, with .float() on what a network gives",
            )


CHECKS: tuple[Check, ...] = checks(
    "loss",
    has_a_side,
    terms_are_finite_scalars,
    keys_are_directions_or_domains,
    requires_all_that_it_reads,
    requires_nothing_else,
    gradient_reaches_the_generator,
    gradient_reaches_the_discriminators,
    leaves_the_step_alone,
    is_a_mean_over_the_batch,
    gives_the_same_twice_with_one_seed,
    leaves_its_weight_to_the_trainer,
    takes_other_channels,
    works_in_bf16,
)
