"""The few facts that the verdict goes by, drawn from a run's record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gantrans.api.baseline import Baseline
from gantrans.report.faults import Period
from gantrans.report.measures import Measure
from gantrans.report.record import Record, Score
from gantrans.report.state import State

Trend = Literal["improving", "flat", "worse"]

CLEAR, SLIGHT = 0.1, 0.02
"""Shares of a baseline's value that make a gain clear, or slight."""


@dataclass(frozen=True)
class Gain:
    """The headline metric of one direction, against the strongest baseline.

    Args:
        direction: such as "summer->winter".
        value: of the metric.
        baseline: the strongest of those that are known: a value that beats it beats all of them.
        measure: how to read it.
        denied_by: other metrics by which this direction is clearly worse than a baseline.
    """

    direction: str
    value: float
    baseline: Baseline
    measure: Measure
    denied_by: tuple[str, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether it is clearly better than all baselines, and no other metric denies it."""
        return self.share > CLEAR and not self.denied_by

    @property
    def share(self) -> float:
        """The gain as a share of the baseline's value; negative where it is worse.

        A value that is not finite is worse than any.
        """
        if not math.isfinite(self.value):
            return -math.inf
        against = self.baseline.value
        better = self.value - against
        better = better if self.measure.higher_is_better else -better
        return better / abs(against) if against else math.copysign(better != 0, better)


@dataclass(frozen=True)
class Evidence:
    """What is known of a run.

    Args:
        state: how far it is.
        faults: those that last, the gravest first.
        warnings: likewise.
        passed: whether some came and went.
        watched: whether health was watched, and for long enough to judge.
        metric: the headline metric's name; None without one.
        gains: of each direction with a known baseline.
        trend: of the headline metric; None with fewer than three evaluations.
        best_step: of the best evaluation, if there was one.
        at_best: the gains at the best checkpoint, where it is known.
    """

    state: State
    faults: Sequence[Period] = ()
    warnings: Sequence[Period] = ()
    passed: bool = False
    watched: bool = True
    metric: str | None = None
    gains: Sequence[Gain] = ()
    trend: Trend | None = None
    best_step: int | None = None
    at_best: Sequence[Gain] = ()


def evidence_of(record: Record) -> Evidence:
    """The facts of a run."""
    health = record.health
    names = [name for metrics in record.scores.values() for name in metrics]
    metric = record.measures.headline(names)
    measure = record.measures.of(metric) if metric else None
    gains = _gains(record, metric, record.scores)
    values = _means(record, metric) if metric else {}
    baseline = sum(gain.baseline.value for gain in gains) / len(gains) if gains else None
    best, at_best = record.best_step, []
    if best is not None:
        at_best = _gains(record, metric, _scores_at(record, best))
    elif values and measure:
        pick = max if measure.higher_is_better else min
        best = pick(values, key=lambda step: values[step])
    return Evidence(
        state=record.state,
        faults=health.active("fault") if health else (),
        warnings=health.active("warning") if health else (),
        passed=health is not None and any(p.until is not None for p in health.periods),
        watched=health is not None and health.judged,
        metric=metric,
        gains=gains,
        at_best=at_best if len(at_best) == len(gains) else (),
        trend=trend(list(values.values()), measure, baseline) if measure else None,
        best_step=best,
    )


def _gains(
    record: Record, metric: str | None, scores: Mapping[str, Mapping[str, Score]]
) -> list[Gain]:
    """That of each direction with a known baseline."""
    gains = []
    for direction, metrics in scores.items():
        found = {
            name: Gain(direction, score.value, baseline, measure)
            for name, score in metrics.items()
            if (measure := record.measures.of(name))
            and (baseline := measure.strongest(score.baselines))
        }
        denied = (name for name, gain in found.items() if gain.share < -CLEAR and name != metric)
        if metric in found:
            gains.append(replace(found[metric], denied_by=tuple(denied)))
    return gains


def _scores_at(record: Record, step: int) -> dict[str, dict[str, Score]]:
    """The scores of an earlier evaluation, by the curves."""
    found: dict[str, dict[str, Score]] = {}
    for direction, metrics in record.scores.items():
        for name, score in metrics.items():
            curve = record.curves.by_name.get(f"metrics/{name}/{direction}")
            value = curve.near(step) if curve else None
            if value is not None:
                found.setdefault(direction, {})[name] = replace(score, value=value)
    return found


def trend(values: Sequence[float], measure: Measure, baseline: float | None) -> Trend | None:
    """Where a metric goes in the last third of its evaluations.

    Improving: the best of the last third is better than all before by more than 3 % of what was
    gained so far; worse: the best lies before it, and the last third is on average worse than that
    by more than 10 % of the gain; flat: else.

    Args:
        values: of the evaluations, in their order.
        measure: says which way is up.
        baseline: the value of the strongest; None: gains are counted from the first value.
    """
    if len(values) < 3:
        return None
    sign = 1.0 if measure.higher_is_better else -1.0
    good = [sign * value for value in values]
    late = max(1, len(good) // 3)
    before, after = good[:-late], good[-late:]
    start = good[0] if baseline is None else min(sign * baseline, good[0])
    gained = max(good) - start
    if gained <= 0:
        return "flat"
    if max(after) > max(before) + 0.03 * gained:
        return "improving"
    if max(before) - sum(after) / len(after) > 0.1 * gained:
        return "worse"
    return "flat"


def _means(record: Record, metric: str) -> dict[int, float]:
    """The mean over the directions at each evaluation."""
    found: dict[int, list[float]] = {}
    for direction in record.scores:
        curve = record.curves.by_name.get(f"metrics/{metric}/{direction}")
        for point in curve.points if curve else ():
            found.setdefault(point.step, []).append(point.mean)
    most = max(map(len, found.values()), default=0)  # one was not finite where there are fewer
    return {s: sum(values) / most for s, values in sorted(found.items()) if len(values) == most}
