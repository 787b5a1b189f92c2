"""What a spec says of a metric that decides something, and its data or other keys do not allow."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gantrans.api.dataset import Dataset
from gantrans.api.problem import Problem, nearest
from gantrans.api.step import ENDS, Domain
from gantrans.errors import DataError
from gantrans.spec.model import RunSpec, Train


def in_choice(spec: RunSpec, paired: bool, *, directions: int = len(ENDS)) -> Iterator[Problem]:
    """Keys of `[train]` that need a metric which cannot be had.

    Args:
        spec: the run's.
        paired: whether the test data is.
        directions: how many there are generators of.
    """
    deciding = _deciding(spec.train)
    if deciding and not directions:
        name = spec.method.component.name
        for key, what in deciding.items():
            why = f"{what} of translations, and {name!r} makes none"
            yield Problem(("train", key), f"{why}: {_instead(key)}")
        return
    measurable = spec.measurable(paired, both_ways=directions == len(ENDS))
    if spec.train.best_by is not None:
        wrong = _wrong_choice(spec, list(measurable))
        yield from [Problem(("train", "best_by"), wrong)] if wrong else []
    # What comes back says nothing of a translation: it chooses no best checkpoint either.
    elif all(config.component.needs_cycle for config in measurable.values()):
        metrics = ", ".join(spec.metrics)
        why = (
            f"with {metrics} and these test data there is none (cycle does not count)"
            if metrics
            else "there is none"
        )
        for key, what in deciding.items():
            other = f"name one in [metrics], or {_instead(key)}"
            yield Problem(("train", key), f"{what}, and {why}: {other}")
    if not spec.train.evaluate_every:
        late = {"decay": "a plateau", "stop_after": "an early end"}
        for what in [late[key] for key in deciding if key in late]:
            why = f"0 measures at the end only, when it is too late for {what}"
            yield Problem(("train", "evaluate_every"), why)


def refuse_without_test_images(train: Train, dataset: Dataset, domains: list[Domain]) -> None:
    """A DataError if a metric shall decide something, and there is nothing to measure it on."""
    if all(len(dataset.source("test", domain)) for domain in domains):
        return
    for key in _deciding(train):
        value = json.dumps(getattr(train, key))
        raise DataError(f"train.{key} = {value} needs test images, and there are none")


def _deciding(train: Train) -> dict[str, str]:
    """The keys that need a metric, and why."""
    wanted = {
        "decay": ("a plateau is one of a metric", train.decay == "plateau"),
        "best_by": ("the best is that of a metric", train.best_by is not None),
        "stop_after": ("it waits for a better metric", train.stop_after > 0),
        "keep_best": ("the best are those of a metric", train.keep_best > 1),
    }
    return {key: why for key, (why, is_wanted) in wanted.items() if is_wanted}


def _instead(key: str) -> str:
    return 'choose another decay, such as "cosine"' if key == "decay" else "take this key out"


def _wrong_choice(spec: RunSpec, measurable: list[str]) -> str | None:
    """Why `train.best_by` cannot choose; None if it can."""
    key = str(spec.train.best_by)
    if key not in spec.metrics:
        there = list(spec.metrics)
        has = f"it has: {', '.join(there)}" if there else "it has none"
        return f"the spec has no metric {key!r}{nearest(key, there)} ({has})"
    metric = spec.metrics[key].component
    if metric.needs_cycle:
        return f"{key} cannot choose: it is best of a generator that changes nothing"
    if key not in measurable:
        usable = [k for k in measurable if not spec.metrics[k].component.needs_cycle]
        others = f": choose {' or '.join(usable)}" if usable else ""
        return (
            f"{key} needs pairs, and the test data of {spec.data.component.name!r} has none{others}"
        )
    return None
