"""A trained model, judged: `gantrans evaluate`.

Metrics, data and preprocessing are those of a spec: the run's own, or another that is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch

import gantrans
from gantrans.api.baseline import MEAN_IMAGE
from gantrans.api.dataset import Dataset, Split
from gantrans.api.generator import Generator
from gantrans.api.metric import MetricConfig
from gantrans.api.step import ENDS, Direction
from gantrans.errors import CheckpointError, DataError, NonFiniteError, UsageError
from gantrans.inference.device import choose_device
from gantrans.inference.model_files import generator_files, sha256_of
from gantrans.inference.weights import WeightsHeader, load_generator, read_header
from gantrans.plugin.carried import FilePlugins
from gantrans.plugin.trust import Trust
from gantrans.spec.load import LoadedSpec
from gantrans.training import bootstrap
from gantrans.training.distributed import refuse_several
from gantrans.training.evaluate import Evaluation, Scores
from gantrans.training.faults import blaming
from gantrans.training.judging_spec import spec_of, with_names
from gantrans.training.mean_image import AT_MOST

FORMAT_VERSION = 1

Advance = Callable[[int, int], None]
"""Told how many more images were looked at, and how many there are to look at in all."""


@dataclass(frozen=True)
class Judgement:
    """What a model is worth.

    Args:
        scores: by direction and metric, each with its interval.
        metrics: what was measured, by key.
        images: how many there were of each domain, by its name.
        left_out: why metrics of the spec were not measured, by key.
        warnings: what to keep in mind about the numbers.
        protocol: all that one needs to measure the same again, as JSON.
    """

    scores: Scores
    metrics: Mapping[str, MetricConfig]
    images: Mapping[str, int]
    left_out: Mapping[str, str]
    warnings: Sequence[str]
    protocol: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """What `gantrans evaluate --json` writes."""
        return {
            "format_version": FORMAT_VERSION,
            "scores": self.scores,
            "left_out": dict(self.left_out),
            "warnings": list(self.warnings),
            "protocol": dict(self.protocol),
        }


def judge(
    model: Path,
    *,
    data: Path | None = None,
    metrics: Sequence[str] | None = None,
    split: Split = "test",
    settings: Iterable[str] = (),
    plugins: Iterable[Path] = (),
    device: str = "auto",
    advance: Advance = lambda count, total: None,
    trust: Trust = False,
) -> Judgement:
    """Measure a model on a split of its run's data, or of other data.

    Args:
        model: a run directory (its best checkpoint is taken), a checkpoint folder or a generator
            file; without `data`, of a run.
        data: a spec whose data is taken, and its metrics if it names some.
        metrics: keys of the spec's metrics, or names of others; absent: all that can be had, and
            `cycle` in any case if the model translates both ways.
        split: which images.
        settings: overrides of the spec, each "KEY=VALUE".
        plugins: one-file plugins that the model or the spec needs; they are executed.
        device: where to compute.
        advance: what shows that it goes on.
        trust: whether one-file plugins that the run brings may be executed, if they never were on
            this machine; or a function that is asked.

    Raises:
        GantransError: with one message that says what to do.
    """
    refuse_several("a model is judged")
    chosen = choose_device(device)
    files = generator_files(model)
    headers = [read_header(file) for file in files]  # what is no model is said first
    both_ways = len({header.source for header in headers}) == len(ENDS)
    asked = spec_of(
        model, data, metrics, list(settings), list(plugins), both_ways=both_ways, trust=trust
    )
    loaded = with_names(asked, headers)
    found = {file: load_generator(file, loaded.registry, chosen) for file in files}
    dataset: Dataset = loaded.run.data.build(base_dir=loaded.source.base_dir)
    generators = _by_direction(loaded, dataset, found)
    with blaming(loaded):
        own = loaded.registry.file_plugins()
        evaluation = Evaluation(
            loaded.run,
            dataset,
            generators.keys(),
            chosen,
            split=split,
            bootstrap=True,
            plugins=FilePlugins(tuple(origin.file for origin in own if origin.file)),
        )
        _refuse_impossible(evaluation, split, asked=metrics or ())
        total = evaluation.work
        evaluation.advance = lambda count: advance(count, total)
        scores = evaluation.measure(generators)
    _refuse_non_finite(scores)
    return _judgement(loaded, evaluation, scores, split, _model_facts(model, found))


def _by_direction(
    loaded: LoadedSpec, dataset: Dataset, found: Mapping[Path, tuple[Generator, WeightsHeader]]
) -> dict[Direction, Generator]:
    generators: dict[Direction, Generator] = {}
    for file, (generator, header) in found.items():
        direction: Direction = "ab" if header.source == "a" else "ba"
        if direction in generators:
            raise CheckpointError(f"two generators write {header.name_of(header.target)}")
        generators[direction] = generator
        for domain, channels in (
            (header.source, generator.in_channels),
            (header.target, generator.out_channels),
        ):
            there = dataset.channels("a" if domain == "a" else "b")
            if channels != there:
                raise DataError(
                    f"the images of {header.name_of(domain)} that {file.name} knows have "
                    f"{channels} channels, and those of {loaded.source.name} have {there}: take "
                    "other data, or set its channels"
                )
    return generators


def _refuse_impossible(evaluation: Evaluation, split: Split, asked: Sequence[str]) -> None:
    names = evaluation.spec.domains.model_dump()
    for domain in evaluation.images.images.sources:
        if not evaluation.images.count(domain):
            other = "train" if split == "test" else "test"
            raise DataError(
                f"there are no {split} images of {names[domain]}: name data that have some "
                f"(--data SPEC), or take the others (--split {other})"
            )
    why = _left_out(evaluation)
    for name in asked:
        if name in why:
            raise UsageError(f"{name} cannot be measured: {why[name]}")
    if not evaluation.metrics:
        raise UsageError("there is no metric to measure: name some, such as --metrics swd")


def _refuse_non_finite(scores: Scores) -> None:
    for direction, metrics in scores.items():
        for name, score in metrics.items():
            if not isfinite(score["value"]):
                raise NonFiniteError(
                    f"{name} of {direction} is {score['value']}: the generator gives NaN or "
                    "infinity; judge an earlier checkpoint, and look at the curves of its training"
                )


def _left_out(evaluation: Evaluation) -> dict[str, str]:
    """Why metrics of the spec cannot be measured, by key."""
    return {
        key: "it needs pairs, and these data have none"
        if config.component.needs_truth and not evaluation.images.paired
        else "it needs a way back, and the model translates one way"
        for key, config in evaluation.spec.metrics.items()
        if key not in evaluation.metrics
    }


def _model_facts(
    model: Path, found: Mapping[Path, tuple[Generator, WeightsHeader]]
) -> dict[str, Any]:
    header = next(header for _, header in found.values())
    return {
        "path": str(model),
        "run": header.run,
        "step": header.step,
        "files": {file.name: sha256_of(file) for file in found},
    }


def _judgement(
    loaded: LoadedSpec,
    evaluation: Evaluation,
    scores: Scores,
    split: Split,
    model: Mapping[str, Any],
) -> Judgement:
    names = evaluation.spec.domains.model_dump()
    images = {names[d]: evaluation.images.count(d) for d in evaluation.images.images.sources}
    protocol = {
        "model": model,
        "split": split,
        "images": images,
        "paired": evaluation.images.paired,
        "data": loaded.run.data.model_dump(mode="json"),
        "metrics": {
            key: config.model_dump(mode="json") for key, config in evaluation.metrics.items()
        },
        "measured": evaluation.protocols,
        "baselines": {MEAN_IMAGE: {"of": "training images, evenly spaced", "at_most": AT_MOST}},
        "interval": {
            "of": "bootstrap over images, moved to the value",
            "share": bootstrap.SHARE,
            "draws": bootstrap.DRAWS,
        },
        "gantrans": gantrans.__version__,
        "torch": torch.__version__,
        "device": str(evaluation.images.device),
    }
    warnings = list(_warnings(evaluation, scores, min(images.values())))
    return Judgement(scores, evaluation.metrics, images, _left_out(evaluation), warnings, protocol)


def _warnings(evaluation: Evaluation, scores: Scores, fewest: int) -> Iterator[str]:
    """What to keep in mind, where there are `fewest` images of a domain."""
    for key, config in evaluation.metrics.items():
        if fewest < config.component.enough:
            yield (
                f"{key}: {fewest} images are few, {config.component.enough} or more make a number "
                "that can be compared"
            )
    for domain, why in evaluation.unknown_means.items():
        name = getattr(evaluation.spec.domains, domain)
        yield f"no baseline is the mean training image of {name}: {why}"
    there = any("interval" in score for metrics in scores.values() for score in metrics.values())
    if there and fewest < bootstrap.ENOUGH:
        yield (
            f"the intervals are too narrow: {fewest} images are few, {bootstrap.ENOUGH} or more "
            "make one that can be relied on"
        )
