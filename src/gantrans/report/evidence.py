"""The few facts that the verdict goes by, drawn from a run's record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gantrans.report.faults import Period
from gantrans.report.measures import Measure
from gantrans.report.record import Record
from gantrans.report.state import State

Trend = Literal["improving", "flat", "worse"]

CLEAR, SLIGHT = 0.1, 0.02
"""Shares of the value of doing nothing that make a gain clear, or slight."""


@dataclass(frozen=True)
class Gain:
    """How one direction does by the headline metric, against leaving the images alone.

    Args:
        direction: such as "summer->winter".
        value: of the metric.
        nothing: its value for the untouched images.
        measure: how to read it.
        denied_by: other metrics by which this direction is clearly worse than doing nothing.
    """

    direction: str
    value: float
    nothing: float
    measure: Measure
    denied_by: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The gain as a share of the value of doing nothing; negative where it is worse."""
        better = self.value - self.nothing
        better = better if self.measure.higher_is_better else -better
        return better / abs(self.nothing) if self.nothing else math.copysign(better != 0, better)


@dataclass(frozen=True)
class Evidence:
    """What is known of a run.

    Args:
        state: how far it is.
        faults: those that last, the gravest first.
        warnings: likewise.
        watched: whether health was watched, and for long enough to judge.
        metric: the headline metric's name; None without one.
        gains: of each direction whose value of doing nothing is known.
        trend: of the headline metric; None with fewer than three evaluations.
        best_step: of the best evaluation, if there was one.
    """

    state: State
    faults: Sequence[Period] = ()
    warnings: Sequence[Period] = ()
    watched: bool = True
    metric: str | None = None
    gains: Sequence[Gain] = ()
    trend: Trend | None = None
    best_step: int | None = None


def evidence_of(record: Record) -> Evidence:
    """The facts of a run."""
    health = record.health
    names = [name for metrics in record.scores.values() for name in metrics]
    metric = record.measures.headline(names)
    measure = record.measures.of(metric) if metric else None
    gains = []
    if metric and measure:
        for direction, metrics in record.scores.items():
            found = {name: _gain(record, direction, name) for name in metrics}
            denied = [n for n, gain in found.items() if gain and gain.share < -CLEAR]
            if gain := found.get(metric):
                others = tuple(name for name in denied if name != metric)
                gains.append(replace(gain, denied_by=others))
    values = _means(record, metric) if metric else {}
    nothing_mean = sum(gain.nothing for gain in gains) / len(gains) if gains else None
    best = record.best_step
    if best is None and values and measure:
        pick = max if measure.higher_is_better else min
        best = pick(values, key=lambda step: values[step])
    return Evidence(
        state=record.state,
        faults=health.active("fault") if health else (),
        warnings=health.active("warning") if health else (),
        watched=health is not None and health.judged,
        metric=metric,
        gains=gains,
        trend=trend(list(values.values()), measure, nothing_mean) if measure else None,
        best_step=best,
    )


def _gain(record: Record, direction: str, name: str) -> Gain | None:
    score, measure = record.scores[direction][name], record.measures.of(name)
    nothing = score.get("doing_nothing")
    if measure is None or not isinstance(nothing, int | float):
        return None
    return Gain(direction, float(score["value"]), float(nothing), measure)


def trend(values: Sequence[float], measure: Measure, nothing: float | None) -> Trend | None:
    """Where a metric goes in the last third of its evaluations.

    Improving: the best of the last third is better than all before by more than 3 % of what was
    gained so far; worse: the best lies before it, and the last third is on average worse than that
    by more than 10 % of the gain; flat: else.

    Args:
        values: of the evaluations, in their order.
        measure: says which way is up.
        nothing: the value of doing nothing; None: what is gained is counted from the first value.
    """
    if len(values) < 3:
        return None
    sign = 1.0 if measure.higher_is_better else -1.0
    good = [sign * value for value in values]
    late = max(1, len(good) // 3)
    before, after = good[:-late], good[-late:]
    start = good[0] if nothing is None else min(sign * nothing, good[0])
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
    return {step: sum(values) / len(values) for step, values in sorted(found.items())}
