"""What a metric holds."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from gantrans.api.metric import Metric, Translated
from gantrans.testing.check import Check, Skipped, checks, need
from gantrans.testing.probe import noise
from gantrans.testing.subject import Subject


def images(seed: int, side: int, *, channels: int = 3, count: int = 4) -> Tensor:
    """(count, channels, side, side) in [-1, 1]."""
    return noise(count, channels, side, side, seed=seed)


def measured(subject: Subject, *batches: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
    """What a new metric says of batches of (source, fake, truth)."""
    metric: Metric = subject.build()
    for source, fake, truth in batches:
        metric.update(Translated(source, fake, truth if metric.needs_truth else None))
    return metric.compute()


def side_for(subject: Subject) -> int:
    """The smallest side that the metric takes."""

    def attempt(side: int) -> None:
        measured(subject, (images(0, side), images(1, side), images(2, side)))

    return subject.smallest_side(attempt)


def ordinary(subject: Subject) -> dict[str, float]:
    """What it says of four images, measured once."""

    def measure() -> dict[str, float]:
        side = side_for(subject)
        return measured(subject, (images(0, side), images(1, side), images(2, side)))

    return subject.once("ordinary", measure)


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
    side = side_for(subject)
    whole = tuple(images(seed, side) for seed in (0, 1, 2))
    parts = [(whole[0][n:m], whole[1][n:m], whole[2][n:m]) for n, m in ((0, 1), (1, 4))]
    apart = measured(subject, *parts)
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
        batches = [
            tuple(images(seed, size, count=1) for seed in (0, 1, 2)) for size in (side, side + 8)
        ]
        return measured(subject, *((a, b, c) for a, b, c in batches))

    found = subject.may_refuse(measure, "images of two sizes in two batches")
    need(
        all(math.isfinite(value) for value in found.values()),
        "its numbers are not finite for images of two sizes",
    )


def takes_other_channels(subject: Subject) -> None:
    """It measures gray images, or refuses them with a clear message."""
    side = side_for(subject)

    def measure() -> dict[str, float]:
        gray = [images(seed, side, channels=1) for seed in (0, 1, 2)]
        return measured(subject, (gray[0], gray[1], gray[2]))

    found = subject.may_refuse(measure, "images of one channel")
    need(
        all(math.isfinite(value) for value in found.values()),
        "its numbers are not finite for images of one channel",
    )


def the_truth_is_best(subject: Subject) -> None:
    """The truth itself scores better than something else."""
    metric = subject.component
    if not metric.needs_truth:
        raise Skipped("it knows no truth")
    side = side_for(subject)
    source, truth, other = (images(seed, side) for seed in (0, 1, 2))
    perfect = measured(subject, (source, truth, truth))[subject.name]
    worse = measured(subject, (source, other, truth))[subject.name]
    need(
        (perfect > worse) is metric.higher_is_better and perfect != worse,
        f"the truth itself scores {perfect:.4g}, other images {worse:.4g}, and higher_is_better "
        f"is {metric.higher_is_better}: correct the formula or higher_is_better",
    )


def leaves_its_input_alone(subject: Subject) -> None:
    """The images that it is given are afterwards as they were."""
    side = side_for(subject)
    batch = images(0, side), images(1, side), images(2, side)
    before = [x.clone() for x in batch]
    measured(subject, batch)
    for name, x, y in zip(("source", "fake", "truth"), batch, before, strict=True):
        need(
            bool((x == y).all()),
            f"update() writes into images.{name}, which other metrics read: use x = x + y, not "
            "x += y, .clamp_() and the like",
        )


def measures_the_same_again(subject: Subject) -> None:
    """The same images have the same numbers each time, asked twice or measured anew."""
    side = side_for(subject)
    metric: Metric = subject.build()
    source, fake, truth = images(0, side), images(1, side), images(2, side)
    metric.update(Translated(source, fake, truth if metric.needs_truth else None))
    first, second = metric.compute(), metric.compute()
    need(
        first == second == ordinary(subject),
        f"the same images give {ordinary(subject)}, {first} and {second}: draw no random numbers, "
        "and change nothing in compute()",
    )


CHECKS: tuple[Check, ...] = checks(
    "metric",
    gives_numbers_by_name,
    batches_do_not_matter,
    takes_images_of_several_sizes,
    takes_other_channels,
    the_truth_is_best,
    leaves_its_input_alone,
    measures_the_same_again,
)
