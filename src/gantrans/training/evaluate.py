"""Metrics on the test split, each beside what doing nothing would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.api.metric import Metric, Translated
from gantrans.api.step import DOMAINS, ENDS, Direction, Domain
from gantrans.errors import DataError
from gantrans.inference.padding import run_padded
from gantrans.training.assemble import Job
from gantrans.training.evaluation_images import evaluation_image, evaluation_pair
from gantrans.training.in_use import in_use


class Score(TypedDict):
    """A metric's value, and its value for doing nothing where that can be had."""

    value: float
    doing_nothing: NotRequired[float]


Scores = dict[str, dict[str, Score]]
"""By direction ("summer->winter"), then by the metric's key in the spec ("psnr").

Further numbers of one metric are "key.number".
"""


class Evaluation:
    """The metrics of a spec that its data allow, measured whenever asked.

    Args:
        job: the run.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        dataset = job.dataset
        self.sources = {d: dataset.source("test", d) for d in job.samples.sources}
        self.paired = len(self.sources) == len(DOMAINS) and dataset.paired("test")
        self.metrics = job.spec.measurable(self.paired)
        self._nothing: dict[Direction, dict[str, float]] = {}

    @property
    def possible(self) -> bool:
        """Whether something translates, there are test images, and a metric that they allow."""
        translates = bool(self.job.method.generators)
        return translates and bool(self.metrics) and all(map(len, self.sources.values()))

    def measure(self, generators: Mapping[Direction, Generator]) -> Scores:
        """Every metric of every direction; empty if nothing can be measured."""
        if not self.possible:
            return {}
        names = self.job.spec.domains.model_dump()
        scores: Scores = {}
        for direction, generator in generators.items():
            source, target = ENDS[direction]
            values = self._values(direction, generator)
            if direction not in self._nothing:  # it never changes, so it is measured once
                same = self.job.dataset.channels(source) == self.job.dataset.channels(target)
                self._nothing[direction] = self._values(direction, None) if same else {}
            scores[f"{names[source]}->{names[target]}"] = {
                name: _score(value, self._nothing[direction].get(name))
                for name, value in values.items()
            }
        return scores

    def headline(self, scores: Scores) -> float | None:
        """One number for the choice of the best checkpoint: the first metric, mean of directions.

        Larger is better, whatever the metric.
        """
        for key, config in self.metrics.items():
            values = [metrics[key]["value"] for metrics in scores.values() if key in metrics]
            if values:
                mean = sum(values) / len(values)
                return mean if config.component.higher_is_better else -mean
        return None

    def _values(self, direction: Direction, generator: Generator | None) -> dict[str, float]:
        """Every metric's numbers of one direction; of doing nothing without a generator."""
        ranks = self.job.ranks
        metrics: dict[str, Metric] = {}
        if ranks.first:
            metrics = {key: config.build() for key, config in self.metrics.items()}
        ranks.wait()  # while weights of a metric may be fetched
        if generator is not None:
            ranks.like_first(generator)  # what is measured is what is saved
        with in_use([generator] if generator is not None else []):
            for translated in self._translated(direction, generator):
                for metric in metrics.values():
                    metric.update(translated)
        values = {
            key if number == metric.name else f"{key}.{number}": value
            for key, metric in metrics.items()
            for number, value in metric.compute().items()
        }
        ranks.wait()  # metrics of many images take their time
        found: dict[str, float] = ranks.from_first(values)
        return found

    def _translated(
        self, direction: Direction, generator: Generator | None
    ) -> Iterator[Translated]:
        """The test images in order, on the first rank: the ranks take turns with the batches."""
        ranks, (start, _) = self.job.ranks, ENDS[direction]
        count, size = len(self.sources[start]), self.job.spec.train.batch_size
        batches = [range(n, min(n + size, count)) for n in range(0, count, size)]
        for n in range(0, len(batches), ranks.count):
            error, made = None, list[Tensor]()
            try:
                for mine in batches[n : n + ranks.count][ranks.rank : ranks.rank + 1]:
                    for source, truth in self._loaded(direction, mine):
                        fake = source if generator is None else run_padded(generator, source)
                        made += [source, fake, *([] if truth is None else [truth])]
            except DataError as wrong:
                error = wrong
            ranks.raise_any(error)
            for tensors in ranks.to_first(made):
                images = [tensor.to(self.job.device) for tensor in tensors]
                width = 3 if self.paired else 2
                for at in range(0, len(images), width):
                    source, fake, *truths = images[at : at + width]
                    yield Translated(source, fake, truths[0] if truths else None)

    def _loaded(
        self, direction: Direction, indices: range
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Some test images (N, C, H, W) and their truths, neighbours of one shape together."""
        start, end = ENDS[direction]
        batch: list[tuple[Tensor, Tensor | None]] = []
        for index in indices:
            image, truth = self._images(start, end, index)
            if batch and image.shape != batch[0][0].shape:
                yield self._stacked(batch)
                batch = []
            batch.append((image, truth))
        yield self._stacked(batch)

    def _images(self, start: Domain, end: Domain, index: int) -> tuple[Tensor, Tensor | None]:
        """A test image, and its truth if there is one."""
        if not self.paired:
            return evaluation_image(self.job.dataset, self.sources[start], start, index), None
        pair = evaluation_pair(self.job.dataset, self.sources, index)
        return pair[start], pair[end]

    def _stacked(self, batch: list[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None]:
        truths = [truth for _, truth in batch if truth is not None]
        return (
            torch.stack([image for image, _ in batch]).to(self.job.device),
            torch.stack(truths).to(self.job.device) if truths else None,
        )


def _score(value: float, nothing: float | None) -> Score:
    return {"value": value} if nothing is None else {"value": value, "doing_nothing": nothing}
