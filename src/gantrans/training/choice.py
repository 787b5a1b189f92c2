"""Which checkpoint is the best so far, for how long none was better, and whether to stop for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gantrans.api.baseline import strongest
from gantrans.api.metric import MetricConfig
from gantrans.api.step import ENDS
from gantrans.spec.model import RunSpec
from gantrans.training.assemble import Job
from gantrans.training.evaluate import Score, Scores
from gantrans.training.standing import Measured, digits


def first_usable(metrics: Mapping[str, MetricConfig]) -> str | None:
    """The key of the first metric that may choose; None if there is none.

    The way back says nothing of a translation: by it, the unchanged input would be the best.
    """
    usable = (key for key, config in metrics.items() if not config.component.needs_cycle)
    return next(usable, None)


class Choice:
    """Follows one metric over the evaluations of a run. All ranks come to the same.

    Args:
        spec: the run's; `train.best_by` names the metric, else the first usable one chooses.
        metrics: those of the spec that can be had.

    Attributes:
        metric: the key of the one that chooses; None: nothing does.
        ranking: the best evaluations, {"step", "value"}, the best first, at most `train.keep_best`;
            of equal values the earlier comes first.
        waited: evaluations in a row without a new best.
        newest: the newest evaluation, {"step", "value", "baselines"}; these by name, as far as
            they are known of all directions.
        stopped: whether the run ends for want of a new best.
    """

    def __init__(self, spec: RunSpec, metrics: Mapping[str, MetricConfig]) -> None:
        self.train, self.usual = spec.train, first_usable(metrics)
        self.metric = spec.train.best_by or self.usual
        self.higher_is_better = True
        if self.metric is not None:
            self.higher_is_better = metrics[self.metric].component.higher_is_better
        self.forget()

    @classmethod
    def of(cls, job: Job) -> Choice:
        """That of a run, at its beginning."""
        both_ways = len(job.method.generators) == len(ENDS)
        return cls(job.spec, job.spec.measurable(job.dataset.paired("test"), both_ways=both_ways))

    def forget(self) -> None:
        """Begin anew."""
        self.ranking: list[dict[str, Any]] = []
        self.newest: dict[str, Any] | None = None
        self.waited, self.stopped = 0, False

    @property
    def best(self) -> dict[str, Any] | None:
        """The best so far: {"step", "value", "metric"}; the earliest of equals."""
        return {**self.ranking[0], "metric": self.metric} if self.ranking else None

    def mean(self, scores: Scores) -> float | None:
        """The metric's mean over the directions; None if there is none."""
        return _mean([score["value"] for score in self._of_metric(scores)])

    def _of_metric(self, scores: Scores) -> list[Score]:
        """The chosen metric's score of each direction that has one."""
        return [found[self.metric] for found in scores.values() if self.metric in found]

    def evaluated(self, step: int, scores: Scores) -> bool:
        """Take note of an evaluation; whether its step is one of the best, and to be kept.

        A new best leaves `waited` 0. A value that is not finite is none.
        """
        value = self.mean(scores)
        if value is None:
            return False
        known = [score["baselines"] for score in self._of_metric(scores)]
        of_all = [name for name in known[0] if all(name in baselines for baselines in known)]
        baselines = {name: _mean([some[name] for some in known]) for name in of_all}
        self.newest = {"step": step, "value": value, "baselines": baselines}
        kept = False
        if math.isfinite(value):
            one = {"step": step, "value": value}
            ranked = sorted([*self.ranking, one], key=self._rank)  # stable
            self.ranking = ranked[: self.train.keep_best]
            kept = one in self.ranking
        improved = kept and self.ranking[0]["step"] == step
        self.waited = 0 if improved else self.waited + 1
        self.stopped = 0 < self.train.stop_after <= self.waited
        return kept

    def _rank(self, one: Mapping[str, Any]) -> float:
        return -one["value"] if self.higher_is_better else float(one["value"])

    def measured(self) -> Measured | None:
        """What a display shows of it."""
        if self.metric is None or self.newest is None:
            return None
        best = self.best or {"value": None, "step": None}
        known = self.newest.get("baselines", {})
        baseline = strongest(known, higher_is_better=self.higher_is_better)
        step, value = self.newest["step"], self.newest["value"]
        return Measured(self.metric, step, value, baseline, best["value"], best["step"])

    def why_stopped(self) -> str | None:
        """Why the run ends early, in plain words; None if it does not."""
        if not self.stopped:
            return None
        best = self.best
        was = (
            f"the best was {digits(best['value'])} at step {best['step']}"
            if best
            else "none was finite"
        )
        return f"no better {self.metric} in {self.waited} evaluations: {was}"

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, for JSON."""
        return {
            "metric": self.metric,
            "ranking": self.ranking,
            "newest": self.newest,
            "waited": self.waited,
            "stopped": self.stopped,
        }

    def load_state(self, facts: Mapping[str, Any]) -> bool:
        """Go on from a checkpoint's facts: `best`, and `choice` as of `state`.

        Gives False, and begins anew, if another metric chose until then. A run that had stopped
        goes on where `train.stop_after` now allows it.
        """
        self.forget()
        state, best = facts.get("choice"), facts["best"]
        if state is None:  # of gantrans before 0.2: a larger value was better, whatever the metric
            if best and self.metric == self.usual:
                sign = 1 if self.higher_is_better else -1
                self.ranking = [{"step": best["step"], "value": sign * best["value"]}]
            return not best or self.metric == self.usual
        if state["metric"] != self.metric:
            return not best
        self.ranking = [dict(one) for one in state["ranking"]][: self.train.keep_best]
        self.newest, self.waited = state["newest"], int(state["waited"])
        self.stopped = state["stopped"] and 0 < self.train.stop_after <= self.waited
        return True


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
