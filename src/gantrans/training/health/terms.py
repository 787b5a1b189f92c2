"""What the terms of the losses tell of the discriminators, and of the two sides of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gantrans.training.assemble import Job


def doubt(job: Job, terms: Mapping[str, float]) -> dict[str, float]:
    """By domain, the discriminator's loss as a share of what it is by guessing.

    0: it is always right, and sure. 1: it guesses. More: it is deceived. Of the losses that know
    what guessing costs (Loss.chance); the mean where there are several.

    Args:
        job: the run.
        terms: by curve, <phase>/<loss>/<where>.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for loss, values in _sides(terms):
        chance = job.method.parts.losses.by_name[loss].chance()
        for where, value in values.items():
            if chance and where in _domains(job):
                found[where].append(value / chance)
    return {where: sum(values) / len(values) for where, values in found.items()}


def one_sided(job: Job, terms: Mapping[str, float]) -> dict[str, float]:
    """By "<loss> <where>", how many times a term is as large as that of the other side.

    Of the generators' terms that are errors, so above 0, and that both sides have.
    """
    found: dict[str, float] = {}
    for loss, values in _sides(terms):
        judged = job.method.parts.losses.by_name[loss].chance() and set(values) <= _domains(job)
        if len(values) != 2 or judged or min(values.values()) <= 0:
            continue
        (one, first), (other, second) = values.items()
        found[f"{loss} {one}"], found[f"{loss} {other}"] = first / second, second / first
    return found


def _sides(terms: Mapping[str, float]) -> Iterator[tuple[str, dict[str, float]]]:
    """Of each loss in each phase, its values by what they are of."""
    phases: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for curve, value in terms.items():
        if curve.count("/") >= 2:
            phase, loss, where = curve.rsplit("/", 2)
            phases[phase, loss][where] = value
    for (_, loss), values in phases.items():
        yield loss, values


def _domains(job: Job) -> set[str]:
    return set(job.spec.domains.model_dump().values())
