"""What the terms of the losses tell of the discriminators, and of the two sides of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from gantrans.api.step import ENDS
from gantrans.training.assemble import Job

FARTHEST = 1000.0
"""The ratio where one side is 0 or is not there at all."""


def doubt(job: Job, terms: Mapping[str, float]) -> dict[str, float]:
    """By domain, the discriminator's loss as a share of what it is by guessing.

    0: it is always right, and sure. 1: it guesses. More: it is deceived. Of the losses that know
    what guessing costs (Loss.chance); the mean where there are several.

    Args:
        job: the run.
        terms: by curve, <phase>/<loss>/<where>.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for loss, values in _sides(terms, _phases(job, judging=True)):
        chance = job.method.parts.losses.by_name[loss].chance()
        for where, value in values.items():
            if chance and where in _domains(job):
                found[where].append(value / chance)
    return {where: sum(values) / len(values) for where, values in found.items()}


def one_sided(job: Job, terms: Mapping[str, float]) -> dict[str, float]:
    """By loss, how many times the larger of its two sides is as large as the other.

    Of the generators' terms that are errors; what the discriminators say of both sides is compared
    by their `doubt`, since scores have no zero. Nothing in methods of one direction.
    """
    if len(job.method.generators) < len(ENDS):
        return {}
    found: dict[str, float] = {}
    ways = {"->".join(job.spec.domains.model_dump()[d] for d in ends) for ends in ENDS.values()}
    for loss, values in _sides(terms, _phases(job, judging=False)):
        judged = "discriminator" in job.method.parts.losses.by_name[loss].sides()
        both = next((keys for keys in (ways, _domains(job)) if set(values) <= keys), None)
        if both and not judged and min(values.values()) >= 0:
            found[loss] = _ratio([values.get(key, 0.0) for key in both])
    if len(doubts := doubt(job, terms)) == len(ENDS):
        found["discriminators"] = _ratio(list(doubts.values()))
    return found


def _ratio(sides: Collection[float]) -> float:
    low, high = min(sides), max(sides)
    if high <= 0:
        return 1.0
    return min(high / low, FARTHEST) if low > 0 else FARTHEST


def _phases(job: Job, *, judging: bool) -> set[str]:
    """The names of those that train discriminators, or of the others."""
    return {
        phase.name for phase in job.method.phases if judging == ("discriminator" in phase.sides)
    }


def _sides(
    terms: Mapping[str, float], phases: Collection[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Of each loss in each of the phases, its values by what they are of."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for curve, value in terms.items():
        if curve.count("/") >= 2:
            phase, loss, where = curve.rsplit("/", 2)
            if phase in phases:
                found[phase, loss][where] = value
    for (_, loss), values in found.items():
        yield loss, values


def _domains(job: Job) -> set[str]:
    return set(job.spec.domains.model_dump().values())
