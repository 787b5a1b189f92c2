"""Metrics on the test split, each with its values of the baselines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor

from gantrans.api.baseline import INPUT_UNCHANGED, MEAN_IMAGE
from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.generator import Generator
from gantrans.api.metric import Metric, MetricConfig, Translated
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.spec.model import RunSpec
from gantrans.training.assemble import Job
from gantrans.training.bootstrap import intervals
from gantrans.training.cache import ImageCache
from gantrans.training.distributed import ALONE, Ranks
from gantrans.training.evaluation_images import EvaluationImages
from gantrans.training.evaluation_loader import FEW
from gantrans.training.in_use import in_use
from gantrans.training.judged_images import WAY_BACK, JudgedImages
from gantrans.training.mean_image import chosen, mean_image, resized


class Score(TypedDict):
    """A metric's value, its values of the baselines by their names in gantrans.api.baseline, as far
    as they are known, and, where it was asked for, the ends of its 95 % interval."""

    value: float
    baselines: dict[str, float]
    interval: NotRequired[tuple[float, float]]


Scores = dict[str, dict[str, Score]]
"""By direction ("summer->winter"), then by the metric's key in the spec ("psnr").

Further numbers of one metric are "key.number".
"""

Metrics = Mapping[str, Metric]
"""By key in the spec."""


class Evaluation:
    """The metrics of a spec that its data allow, measured whenever asked.

    Args:
        spec: names the metrics and the domains.
        dataset: whose images are translated.
        directions: that there are generators of.
        device: where to compute.
        ranks: who shares the work.
        split: which images.
        training: the training images of each domain; absent: as the dataset has them.
        bootstrap: whether each number gets an interval.
        plugins: needed by processes that load images, if they are not forked.
        advance: called with the number of further images that were looked at.
        say: takes lines on what takes long, and on a baseline that cannot be had.

    Attributes:
        unknown_means: the domains whose mean training image cannot be had, each with the reason.
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
        training: Mapping[Domain, ImageSource] | None = None,
        bootstrap: bool = False,
        plugins: FilePlugins | None = None,
        advance: Callable[[int], None] = lambda count: None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.spec, self.dataset, self.directions = spec, dataset, directions
        self.ranks, self.split, self.bootstrap = ranks, split, bootstrap
        self.plugins, self.advance = plugins or FilePlugins(), advance
        self.training, self.say = training, say
        domains = dict.fromkeys(domain for direction in directions for domain in ENDS[direction])
        paired = bool(domains) and dataset.paired(split)
        self.images = JudgedImages(
            EvaluationImages.of(dataset, split, domains),
            paired,
            spec.train.batch_size,
            device,
            ranks,
            spec.data.workers,
            self.plugins,
        )
        self.metrics = spec.measurable(paired, both_ways=len(directions) == len(ENDS))
        self.protocols: dict[str, dict[str, dict[str, Any]]] = {}  # keyed as scores are
        self.unknown_means: dict[Domain, str] = {}
        self._caches: Mapping[Split, Mapping[Domain, ImageCache]] = {}
        self._baselines: dict[Direction, dict[str, dict[str, float]]] = {}  # by name and number

    @classmethod
    def of(cls, job: Job, say: Callable[[str], None] = lambda line: None) -> Evaluation:
        """That of a run, while it trains."""
        return cls(
            job.spec,
            job.dataset,
            job.method.generators.keys(),
            job.device,
            ranks=job.ranks,
            training=job.samples.sources,
            plugins=job.samples.plugins,
            say=say,
        )

    def use_caches(self, caches: Mapping[Split, Mapping[Domain, ImageCache]]) -> None:
        """Read images from caches, by split and domain."""
        self._caches = caches
        self.images = self.images.with_caches(caches.get(self.split, {}))

    @property
    def possible(self) -> bool:
        """Whether something translates, there are test images, and a metric that they allow."""
        domains = self.images.images.sources
        return bool(self.directions and self.metrics) and all(map(self.images.count, domains))

    @property
    def work(self) -> int:
        """How many images `advance` will have been told of, in the first measuring."""
        total = 0
        for source, target in (ENDS[direction] for direction in self.directions):
            reals = self._asked("needs_real") and not self.images.paired
            total += self.images.count(source) + (self.images.count(target) if reals else 0)
            if self._compared() and (images := self._training_images(target)):
                total += len(chosen(len(images.sources[target])))
        return total

    def measure(self, generators: Mapping[Direction, Generator]) -> Scores:
        """Every metric of every direction; empty if nothing can be measured.

        The values of the baselines, which never change, are measured once.
        """
        if not self.possible:
            return {}
        return {self._called(way): self._scores(way, generators) for way in generators}

    def _scores(
        self, direction: Direction, generators: Mapping[Direction, Generator]
    ) -> dict[str, Score]:
        """Every metric's numbers of one direction."""
        ranks = self.ranks
        metrics: Metrics = {}
        outputs: dict[str, Callable[[Tensor], Tensor]] = {}
        if ranks.first:
            metrics = {key: config.build() for key, config in self.metrics.items()}
            if direction not in self._baselines:
                outputs = self._baseline_outputs(direction)
        baselines: dict[str, Metrics] = {
            name: {key: config.build() for key, config in self._compared().items()}
            for name in outputs
        }
        ranks.wait()  # while weights of a metric may be fetched, and training images are read
        used = [generators[d] for d in (direction, WAY_BACK[direction]) if d in generators]
        for generator in used:
            ranks.like_first(generator)  # what is measured is what is saved
        comparing = [
            metric
            for some in (metrics, *baselines.values())
            for metric in some.values()
            if metric.needs_real
        ]
        fakes = reals = 0
        with in_use(used):
            cycle = self._asked("needs_cycle")
            for translated in self.images.translated(direction, generators, cycle=cycle):
                fakes += len(translated.fake)
                self.advance(len(translated.fake))
                _update(metrics, translated)
                for name, output in outputs.items():
                    instead = output(translated.source)
                    _update(
                        baselines[name],
                        Translated(translated.source, instead, translated.truth),
                    )
                if translated.truth is not None:  # of pairs it is the real image
                    reals += _update_real(comparing, translated.truth)
        if self._asked("needs_real") and not self.images.paired:
            for images in self.images.real(ENDS[direction][1]):
                reals += _update_real(comparing, images)
                self.advance(len(images))
        if outputs:
            self._baselines[direction] = {
                name: _finite_numbers(some) for name, some in baselines.items()
            }
        scores: dict[str, Score] = {}
        for key, metric in metrics.items():
            scores |= self._of(metric, key, direction, (fakes, reals))
        if self.bootstrap:
            said = {key: metric.protocol() for key, metric in metrics.items()}
            self.protocols[self._called(direction)] = said
        ranks.wait()  # metrics of many images take their time
        found: dict[str, Score] = ranks.from_first(scores)
        return found

    def _of(
        self, metric: Metric, key: str, direction: Direction, counts: tuple[int, int]
    ) -> dict[str, Score]:
        """The numbers of one metric, after it was shown all images."""
        values, fakes = metric.compute(), counts[0]
        reals = counts[1] if metric.needs_real else 0
        bounds = {}
        # A single image says nothing of others.
        if self.bootstrap and fakes > 1 and (reals > 1 or not metric.needs_real):
            bounds = intervals(metric, values, fakes, reals, pairs=self.images.paired)
        scores: dict[str, Score] = {}
        for number, value in values.items():
            name = _name(key, metric, number)
            known = self._baselines.get(direction, {})
            baselines = {b: numbers[name] for b, numbers in known.items() if name in numbers}
            scores[name] = {"value": value, "baselines": baselines}
            if number in bounds:
                scores[name]["interval"] = bounds[number]
        return scores

    def _compared(self) -> dict[str, MetricConfig]:
        """The metrics that baselines have: no baseline has a way back."""
        found = self.metrics.items()
        return {key: config for key, config in found if not config.component.needs_cycle}

    def _baseline_outputs(self, direction: Direction) -> dict[str, Callable[[Tensor], Tensor]]:
        """Of each baseline that is defined, its output for a batch of source images."""
        source, target = ENDS[direction]
        outputs: dict[str, Callable[[Tensor], Tensor]] = {}
        if not self._compared():
            return outputs
        if self.dataset.channels(source) == self.dataset.channels(target):
            outputs[INPUT_UNCHANGED] = lambda images: images
        mean = self._mean_image(target)
        if mean is not None:
            outputs[MEAN_IMAGE] = lambda images: resized(mean, images).repeat(len(images), 1, 1, 1)
        return outputs

    def _mean_image(self, domain: Domain) -> Tensor | None:
        """The mean training image (1, C, H, W) of a domain; None, and said, if it cannot be had."""
        name = getattr(self.spec.domains, domain)
        if images := self._training_images(domain):
            if domain not in images.caches and len(images.sources[domain]) > FEW:
                self.say(f"computing the mean training image of {name}, a baseline of the metrics")
            try:
                mean = mean_image(
                    images,
                    domain,
                    workers=self.spec.data.workers,
                    plugins=self.plugins,
                    advance=self.advance,
                )
                return mean[None].to(self.images.device)
            except DataError as error:
                self.unknown_means[domain] = str(error)
        self.say(f"no baseline is the mean training image of {name}: {self.unknown_means[domain]}")
        return None

    def _training_images(self, domain: Domain) -> EvaluationImages | None:
        """The training images of a domain; None if there are none."""
        try:
            images = EvaluationImages.of(self.dataset, "train", [domain], self.training)
        except DataError as error:
            self.unknown_means[domain] = str(error)
            return None
        if not len(images.sources[domain]):
            self.unknown_means[domain] = "there are no training images"
            return None
        if images.transform.of(domain).zoom:  # then images are cached as large as they are
            return images
        return images.with_caches(self._caches.get("train", {}))

    def _asked(self, need: str) -> bool:
        return any(getattr(config.component, need) for config in self.metrics.values())

    def _called(self, direction: Direction) -> str:
        source, target = (getattr(self.spec.domains, domain) for domain in ENDS[direction])
        return f"{source}->{target}"


def _update(metrics: Metrics, images: Translated) -> None:
    for metric in metrics.values():
        metric.update(images)


def _update_real(metrics: Iterable[Metric], images: Tensor) -> int:
    """Show real images to metrics; how many they are."""
    for metric in metrics:
        metric.update_real(images)
    return len(images)


def _finite_numbers(metrics: Metrics) -> dict[str, float]:
    """The numbers of a baseline. A metric need not be defined for an image that never changes, such
    as a correlation: what it cannot compute is left out."""
    found: dict[str, float] = {}
    for key, metric in metrics.items():
        with suppress(DataError, ArithmeticError, torch.linalg.LinAlgError):  # type: ignore[attr-defined]
            values = metric.compute().items()
            found |= {_name(key, metric, number): x for number, x in values if isfinite(x)}
    return found


def _name(key: str, metric: Metric, number: str) -> str:
    """The name of a metric's number in `Scores`."""
    return key if number == metric.name else f"{key}.{number}"


def named(metrics: Mapping[str, MetricConfig], name: str) -> type[Metric]:
    """The metric that a number of `Scores` is of."""
    component: type[Metric] = metrics[name.partition(".")[0]].component
    return component
