"""Who learns from a loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.step import DOMAINS, Domain
from gantrans.testing.check import Skipped, need
from gantrans.testing.loss_trial import (
    TRANSLATED,
    Trial,
    fitted,
    height_for,
    sides,
    step_for,
    summed,
    terms_of,
    tried,
)
from gantrans.testing.subject import Subject


def gradient_reaches_the_generator(subject: Subject) -> None:
    """Generators learn from each term, through a translation of each domain that it reads."""
    trial = tried(subject, "generator")
    cut = "leave out .detach(), .data, .item(), no_grad(), rounding and comparisons"
    reached: set[Domain] = set()
    for key, term in trial.terms.items():
        name = f"its term{f' {key!r}' if key else ''}"
        need(
            isinstance(term, Tensor) and term.requires_grad,
            f"{name} has no gradient at all: compute it from translated images, and {cut}",
        )
        domains = reached_by(term, trial)
        need(bool(domains), f"the gradient of {name} reaches no translated image: {cut}")
        reached |= domains
    # A pass may be a fixed target, such as step.cycle[d].detach(); one of its domain must learn.
    for domain in DOMAINS:
        read = sorted(name for name, at in trial.step.seen if at == domain and name in TRANSLATED)
        need(
            not read or domain in reached,
            f"it reads {', '.join(f'step.{name}[{domain!r}]' for name in read)}, but no gradient "
            f"reaches a translation to {domain!r}: {cut}",
        )


def its_own_parameters_learn(subject: Subject) -> None:
    """If it is trainable, the gradient of its terms reaches each of its parameters."""
    torch.manual_seed(0)
    loss = fitted(subject.build())
    if not loss.trainable:
        raise Skipped("it is not trainable")
    own = {name: w for name, w in loss.named_parameters() if w.requires_grad}
    need(
        bool(own),
        "it is trainable and has no parameters: make them in __init__ or fit_to(), as attributes "
        "that are modules or nn.Parameter, or leave out `trainable`",
    )
    for side in sides(subject):
        step, _ = step_for(subject, side, height=height_for(subject))
        advice = f"{side}(step) has no gradient at all: leave out .detach() and no_grad()"
        torch.autograd.backward(summed(terms_of(loss, side, step), advice))
    for name, weight in own.items():
        need(
            weight.grad is not None and bool(torch.isfinite(weight.grad).all()),
            f"no finite gradient reaches its parameter {name}: use it in each term, or freeze it "
            "with requires_grad_(False)",
        )


def reached_by(term: Tensor, trial: Trial) -> set[Domain]:
    """The domains whose translated images have a gradient of a term that is not 0 everywhere."""
    leaves = [(domain, x) for of in trial.leaves.values() for domain, x in of.items()]
    gradients = torch.autograd.grad(
        term, [x for _, x in leaves], retain_graph=True, allow_unused=True
    )
    pairs = zip(leaves, gradients, strict=True)
    return {domain for (domain, _), found in pairs if found is not None and bool(found.any())}


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
