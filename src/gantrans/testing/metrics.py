"""What a metric holds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gantrans.api.metric import Metric, Translated
from gantrans.testing.check import Check, Skipped, checks, need
from gantrans.testing.probe import noise
from gantrans.testing.subject import Subject


def images(seed: int, side: int, *, channels: int = 3, count: int = 4) -> Tensor:
    """(count, channels, side, side) in [-1, 1]."""
    return noise(count, channels, side, side, seed=seed)


def batch(side: int, *, channels: int = 3, count: int = 4) -> Translated:
    """Images, all different; the truth also serves as the real images of the target."""
    source, fake, truth, cycle = (
        images(seed, side, channels=channels, count=count) for seed in (0, 1, 2, 3)
    )
    return Translated(source, fake, truth, cycle)


def shown(subject: Subject, *batches: Translated) -> Metric:
    """A new metric that has got of these batches what it needs."""
    metric: Metric = subject.build()
    for given in batches:
        truth = given.truth if metric.needs_truth else None
        cycle = given.cycle if metric.needs_cycle else None
        metric.update(Translated(given.source, given.fake, truth, cycle))
    for given in batches:
        if metric.needs_real and given.truth is not None:
            metric.update_real(given.truth)
    return metric


def measured(subject: Subject, *batches: Translated) -> dict[str, float]:
    """What a new metric says of some batches."""
    return shown(subject, *batches).compute()


def side_for(subject: Subject) -> int:
    """The smallest side that the metric takes."""

    def attempt(side: int) -> None:
        measured(subject, batch(side))

    return subject.smallest_side(attempt)


def ordinary(subject: Subject) -> dict[str, float]:
    """What it says of four images, measured once."""

    return subject.once("ordinary", lambda: measured(subject, batch(side_for(subject))))


def use(subject: Subject) -> None:
    """Measure some images."""
    ordinary(subject)


def gives_numbers_by_name(subject: Subject) -> None:
    """It gives finite numbers by name, one of them under its own name."""
    found: Any = ordinary(subject)
    need(
        isinstance(found, dict) and subject.name in found,
        f"compute() gives {found!r}: give a dict with {subject.name!r}, its headline",
    )
    for name, value in found.items():
        need(
            type(value) is float and math.isfinite(value),
            f"compute()[{name!r}] is {value!r}: give a finite Python float, such as float(x)",
        )


def batches_do_not_matter(subject: Subject) -> None:
    """The numbers are the same however images are put into batches."""
    whole = batch(side_for(subject))
    apart = measured(subject, _part(whole, 0, 1), _part(whole, 1, 4))
    for name, value in ordinary(subject).items():
        need(
            math.isclose(apart.get(name, math.nan), value, rel_tol=1e-4, abs_tol=1e-6),
            f"{name} is {value:.6g} for four images at once, and {apart.get(name, math.nan):.6g} "
            "for one and then three: sum over images in update(), divide by their number in "
            "compute()",
        )


def takes_images_of_several_sizes(subject: Subject) -> None:
    """Batches may have images of different sizes, as test images do."""
    side = side_for(subject)

    def measure() -> dict[str, float]:
        return measured(subject, *(batch(size, count=2) for size in (side, side + 8)))

    found = subject.may_refuse(measure, "images of two sizes in two batches")
    need(
        all(math.isfinite(value) for value in found.values()),
        "its numbers are not finite for images of two sizes",
    )


def takes_other_channels(subject: Subject) -> None:
    """It measures gray images, or refuses them with a clear message."""
    side = side_for(subject)

    found = subject.may_refuse(
        lambda: measured(subject, batch(side, channels=1)), "images of one channel"
    )
    need(
        all(math.isfinite(value) for value in found.values()),
        "its numbers are not finite for images of one channel",
    )


def the_truth_is_best(subject: Subject) -> None:
    """The truth itself, or the real images, score better than something else."""
    metric = subject.component
    if not (metric.needs_truth or metric.needs_real):
        raise Skipped("it knows no truth")
    given = batch(side_for(subject))
    assert given.truth is not None
    _need_better(
        subject,
        "the truth itself" if metric.needs_truth else "the real images",
        replace(given, fake=given.truth),
        "other images",
        replace(given, fake=0.5 * given.fake + 0.4),
    )


def the_perfect_way_back_is_best(subject: Subject) -> None:
    """An image that comes back as it was scores better than another."""
    if not subject.component.needs_cycle:
        raise Skipped("it reads no way back")
    given = batch(side_for(subject))
    perfect = replace(given, cycle=given.source)
    _need_better(subject, "an image that comes back", perfect, "another one", given)


def leaves_its_input_alone(subject: Subject) -> None:
    """The images that it is given are afterwards as they were."""
    given, before = batch(side_for(subject)), batch(side_for(subject))
    measured(subject, given)
    for name, was in vars(before).items():
        need(
            bool((getattr(given, name) == was).all()),
            f"update() writes into images.{name}, which other metrics read: use x = x + y, not "
            "x += y, .clamp_() and the like",
        )


def measures_the_same_again(subject: Subject) -> None:
    """The same images have the same numbers each time, asked twice or measured anew."""
    metric = shown(subject, batch(side_for(subject)))
    first, second = metric.compute(), metric.compute()
    need(
        first == second == ordinary(subject),
        f"the same images give {ordinary(subject)}, {first} and {second}: draw no random numbers, "
        "and change nothing in compute()",
    )


def resamples_its_own_numbers(subject: Subject) -> None:
    """Of exactly the images that it was shown, `resampled` gives its numbers, each time."""
    metric = shown(subject, batch(side_for(subject)))
    numbers = metric.compute()
    everyone = torch.arange(4)
    none = everyone if metric.needs_real else everyone[:0]
    found = metric.resampled(everyone, none)
    if not found:
        raise Skipped("it cannot tell of other images, so it has no interval")
    for name, value in found.items():
        need(
            type(value) is float
            and name in numbers
            and math.isclose(value, numbers[name], rel_tol=1e-3, abs_tol=1e-6),
            f"resampled() of all images gives {name} = {value!r}, and compute() "
            f"{numbers.get(name)!r}: give the same numbers, as if the drawn images had been shown",
        )
    drawn = torch.tensor([0, 0, 3, 1])
    others = drawn if metric.needs_real else drawn[:0]
    need(
        metric.resampled(drawn, others) == metric.resampled(drawn, others)
        and metric.compute() == numbers,
        "resampled() of the same images gives other numbers each time, or changes those of "
        "compute(): draw no random numbers in it, and change nothing",
    )


def _part(whole: Translated, first: int, last: int) -> Translated:
    return Translated(**{name: images[first:last] for name, images in vars(whole).items()})


def _need_better(
    subject: Subject, better: str, one: Translated, worse: str, other: Translated
) -> None:
    metric = subject.component
    best, poor = (measured(subject, given)[subject.name] for given in (one, other))
    need(
        (best > poor) is metric.higher_is_better and best != poor,
        f"{better} scores {best:.4g}, {worse} {poor:.4g}, and higher_is_better is "
        f"{metric.higher_is_better}: correct the formula or higher_is_better",
    )


CHECKS: tuple[Check, ...] = checks(
    "metric",
    gives_numbers_by_name,
    batches_do_not_matter,
    takes_images_of_several_sizes,
    takes_other_channels,
    the_truth_is_best,
    the_perfect_way_back_is_best,
    leaves_its_input_alone,
    measures_the_same_again,
    resamples_its_own_numbers,
)
