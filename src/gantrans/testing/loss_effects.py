"""What a loss leaves as it was, and that it remembers nothing."""

from __future__ import annotations

import math
from functools import partial

import torch

from gantrans.testing.check import need
from gantrans.testing.loss_trial import (
    height_for,
    loss_of,
    new_loss,
    number,
    sides,
    step_for,
    terms_of,
)
from gantrans.testing.probe import seeds_torch
from gantrans.testing.subject import Subject

CALLS = 64
"""How many steps a loss has seen before it is compared with a new one."""


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
        values = {name: [w.detach().clone() for w in own] for name, own in weights.items()}
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
                all(map(torch.equal, own, values[name])),
                f"{side}(step) writes into the weights of {name}, which its optimizer alone may "
                "change: give a term that keeps them small, such as a penalty",
            )
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


def keeps_no_state(subject: Subject) -> None:
    """What it gives depends on this step, not on earlier ones: a resumed run forgets those."""
    used, fresh, height = new_loss(subject), new_loss(subject), height_for(subject)
    for side in sides(subject):
        other, _ = step_for(subject, side, height=height, seed=100)
        for _ in range(CALLS):
            terms_of(used, side, other)
    for side in sides(subject):
        step, _ = step_for(subject, side, height=height)
        first, later = (terms_of(loss, side, step) for loss in (fresh, used))
        for key, term in first.items():
            value, after = number(term), number(later.get(key))
            need(
                math.isnan(value) or abs(after - value) <= 1e-6 + 1e-4 * abs(value),
                f"{side}(step){f'[{key!r}]' if key else ''} is {value:.4g} when it is new, and "
                f"{after:.4g} for the same images after others: state of a loss is not saved, so "
                "a resumed run would differ; make it a function of the step's images",
            )


def leaves_randomness_alone(subject: Subject) -> None:
    """It does not seed torch, whose random numbers others draw too."""
    for side in sides(subject):
        loss = loss_of(subject)
        step, _ = step_for(subject, side, height=height_for(subject))
        need(
            not seeds_torch(partial(getattr(loss, side), step)),
            f"after {side}(step), torch draws the same whatever was drawn before: leave out "
            "torch.manual_seed(), and draw what must not vary from a torch.Generator of its own",
        )
