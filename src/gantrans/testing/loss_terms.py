"""What the terms of a loss hold: their values, their keys and their scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gantrans.api.loss import Loss
from gantrans.api.method import Side
from gantrans.api.step import DOMAINS, ENDS
from gantrans.testing.check import Skipped, need
from gantrans.testing.loss_trial import (
    fitted,
    height_for,
    loss_of,
    number,
    sides,
    step_for,
    terms_of,
    tried,
)
from gantrans.testing.subject import Subject

KEYS = {*ENDS, *DOMAINS}


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


def is_a_mean_over_the_batch(subject: Subject) -> None:
    """The same images twice over count as much as once."""
    odd: list[str] = []
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
            one, two = (sum(v) / len(v) for v in (values, twice.get(key, [math.nan])))
            what = (
                f"{side}(step){f'[{key!r}]' if key else ''} is {one:.4g} for two images, and "
                f"{two:.4g} for the same ones twice over"
            )
            near = 0.4 if draws else 0.05
            is_sum = one != 0 and abs(two / one - 2) <= near
            need(not is_sum, f"{what}: use .mean(), not .sum(), over the batch")
            allowed = near * abs(one) if draws else 1e-3 * abs(one) + 1e-6
            if not abs(two - one) <= allowed:
                odd.append(what)
    if odd:
        raise Skipped(f"{odd[0]}, so it is no sum, but a measure of the batch as a whole")


def leaves_its_weight_to_the_trainer(subject: Subject) -> None:
    """It gives unweighted terms; the trainer applies `weight`."""
    heavier = {**subject.settings, "weight": 7.0 + float(subject.config.weight)}
    config = subject.validated(heavier)
    loss = loss_of(subject)
    torch.manual_seed(0)
    other: Loss = fitted(config.build()).requires_grad_(False)
    for side in sides(subject):
        step, _ = step_for(subject, side, height=height_for(subject))
        first, second = (terms_of(of, side, step) for of in (loss, other))
        for key, term in first.items():
            need(
                abs(number(term) - number(second.get(key))) <= 1e-6 + 1e-4 * abs(number(term)),
                f"{side}(step) changes with `weight`: the trainer multiplies by it, so leave out "
                "self.config.weight",
            )
