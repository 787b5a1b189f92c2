"""Metrics on the test split, each beside what doing nothing would give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NotRequired, TypedDict

import torch

from gantrans.api.dataset import Dataset, Split
from gantrans.api.generator import Generator
from gantrans.api.metric import Metric, MetricConfig
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.spec.model import RunSpec
from gantrans.training.assemble import Job
from gantrans.training.bootstrap import intervals
from gantrans.training.distributed import ALONE, Ranks
from gantrans.training.in_use import in_use
from gantrans.training.judged_images import WAY_BACK, JudgedImages


class Score(TypedDict):
    """A metric's value, its value for doing nothing where that can be had, and, where it was asked
    for, the ends of its 95 % interval."""

    value: float
    doing_nothing: NotRequired[float]
    interval: NotRequired[tuple[float, float]]


Scores = dict[str, dict[str, Score]]
"""By direction ("summer->winter"), then by the metric's key in the spec ("psnr").

Further numbers of one metric are "key.number".
"""


class Evaluation:
    """The metrics of a spec that its data allow, measured whenever asked.

    Args:
        spec: names the metrics and the domains.
        dataset: whose images are translated.
        directions: that there are generators of.
        device: where to compute.
        ranks: who shares the work.
        split: which images.
        bootstrap: whether each number gets an interval.
        advance: told how many more images were looked at.
    """

    def __init__(
        self,
        spec: RunSpec,
        dataset: Dataset,
        directions: Collection[Direction],
        device: torch.device,
        *,
        ranks: Ranks = ALONE,
        split: Split = "test",
        bootstrap: bool = False,
        advance: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.spec, self.dataset, self.directions = spec, dataset, directions
        self.ranks, self.bootstrap, self.advance = ranks, bootstrap, advance
        domains = dict.fromkeys(domain for direction in directions for domain in ENDS[direction])
        sources = {domain: dataset.source(split, domain) for domain in domains}
        paired = bool(sources) and dataset.paired(split)
        batch_size = spec.train.batch_size
        self.images = JudgedImages(dataset, sources, paired, batch_size, device, ranks)
        self.metrics = spec.measurable(paired, both_ways=len(directions) == len(ENDS))
        self.protocols: dict[str, dict[str, dict[str, Any]]] = {}  # keyed as scores are
        self._nothing: dict[Direction, dict[str, Score]] = {}

    @classmethod
    def of(cls, job: Job) -> Evaluation:
        """That of a run, while it trains."""
        directions = job.method.generators.keys()
        return cls(job.spec, job.dataset, directions, job.device, ranks=job.ranks)

    @property
    def possible(self) -> bool:
        """Whether something translates, there are test images, and a metric that they allow."""
        sources = self.images.sources
        return bool(self.directions and self.metrics) and all(map(len, sources.values()))

    @property
    def work(self) -> int:
        """How many images `advance` will have been told of, in the first measuring."""
        counts = {domain: len(source) for domain, source in self.images.sources.items()}
        total = 0
        for source, target in (ENDS[direction] for direction in self.directions):
            reals = counts[target] if self._asked("needs_real") and not self.images.paired else 0
            times = 2 if self._same_channels(source, target) else 1
            total += times * (counts[source] + reals)
        return total

    def measure(self, generators: Mapping[Direction, Generator]) -> Scores:
        """Every metric of every direction; empty if nothing can be measured."""
        if not self.possible:
            return {}
        scores: Scores = {}
        for direction in generators:
            source, target = ENDS[direction]
            found = self._scores(direction, generators)
            if direction not in self._nothing:  # it never changes, so it is measured once
                same = self._same_channels(source, target)
                self._nothing[direction] = self._scores(direction, {}) if same else {}
            for name, score in found.items():
                if name in self._nothing[direction]:
                    score["doing_nothing"] = self._nothing[direction][name]["value"]
            scores[self._called(direction)] = found
        return scores

    def _scores(
        self, direction: Direction, generators: Mapping[Direction, Generator]
    ) -> dict[str, Score]:
        """Every metric's numbers of one direction; of doing nothing without generators."""
        ranks = self.ranks
        configs = {
            key: config
            for key, config in self.metrics.items()
            if generators or not config.component.needs_cycle
        }
        metrics: dict[str, Metric] = {}
        if ranks.first:
            metrics = {key: config.build() for key, config in configs.items()}
        ranks.wait()  # while weights of a metric may be fetched
        cycle = bool(generators) and self._asked("needs_cycle")
        used = [generators[d] for d in (direction, WAY_BACK[direction]) if d in generators]
        for generator in used:
            ranks.like_first(generator)  # what is measured is what is saved
        with in_use(used):
            counts = self._shown(direction, generators, metrics, cycle=cycle)
        scores: dict[str, Score] = {}
        bootstrap = self.bootstrap and bool(generators)
        for key, metric in metrics.items():
            scores |= self._of(metric, key, counts, bootstrap=bootstrap)
        if bootstrap:
            said = {key: metric.protocol() for key, metric in metrics.items()}
            self.protocols[self._called(direction)] = said
        ranks.wait()  # metrics of many images take their time
        found: dict[str, Score] = ranks.from_first(scores)
        return found

    def _shown(
        self,
        direction: Direction,
        generators: Mapping[Direction, Generator],
        metrics: Mapping[str, Metric],
        *,
        cycle: bool,
    ) -> tuple[int, int]:
        """Show the metrics all images; how many translations, and how many real ones."""
        fakes = reals = 0
        comparing = [metric for metric in metrics.values() if metric.needs_real]
        for translated in self.images.translated(direction, generators, cycle=cycle):
            fakes += len(translated.fake)
            self.advance(len(translated.fake))
            for metric in metrics.values():
                metric.update(translated)
            if translated.truth is not None:  # of pairs it is the real image
                reals += len(translated.truth)
                for metric in comparing:
                    metric.update_real(translated.truth)
        if self._asked("needs_real") and not self.images.paired:
            for images in self.images.real(ENDS[direction][1]):
                reals += len(images)
                self.advance(len(images))
                for metric in comparing:
                    metric.update_real(images)
        return fakes, reals

    def _of(
        self, metric: Metric, key: str, counts: tuple[int, int], *, bootstrap: bool
    ) -> dict[str, Score]:
        """What one metric says of the images that it was shown."""
        values, fakes = metric.compute(), counts[0]
        reals = counts[1] if metric.needs_real else 0
        bounds = {}
        # A single image says nothing of others.
        if bootstrap and fakes > 1 and (reals > 1 or not metric.needs_real):
            bounds = intervals(metric, values, fakes, reals, pairs=self.images.paired)
        scores: dict[str, Score] = {}
        for number, value in values.items():
            score = scores[key if number == metric.name else f"{key}.{number}"] = {"value": value}
            if number in bounds:
                score["interval"] = bounds[number]
        return scores

    def _asked(self, need: str) -> bool:
        return any(getattr(config.component, need) for config in self.metrics.values())

    def _called(self, direction: Direction) -> str:
        source, target = (getattr(self.spec.domains, domain) for domain in ENDS[direction])
        return f"{source}->{target}"

    def _same_channels(self, source: Domain, target: Domain) -> bool:
        return self.dataset.channels(source) == self.dataset.channels(target)


def named(metrics: Mapping[str, MetricConfig], name: str) -> type[Metric]:
    """The metric that a number of `Scores` is of."""
    component: type[Metric] = metrics[name.partition(".")[0]].component
    return component
