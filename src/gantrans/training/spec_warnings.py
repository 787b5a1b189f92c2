"""Settings of a spec that have no effect, or not the one they seem to have: no reason to refuse."""

from __future__ import annotations

from collections.abc import Iterator

from gantrans.api.loss import LossConfig
from gantrans.api.problem import Problem
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import Train

CADENCES = ("log_every", "sample_every", "evaluate_every", "checkpoint_every", "keep_every")


def spec_warnings(loaded: LoadedSpec, steps: int | None = None) -> list[str]:
    """The warnings about a valid spec, a line each: `warning: file:line: key: message`.

    Args:
        loaded: the spec.
        steps: of the whole run; None where nobody has counted the images: less is known then.
    """
    found = list(_in_decay(loaded.run.train))
    if steps is not None:
        found += _in_cadences(loaded.run.train, steps)
        for name, config in loaded.run.losses.items():
            if config.weight:
                found += _in_loss(name, config, steps)
    return [f"warning: {line}" for line in loaded.source.lines(found)]


def _in_decay(train: Train) -> Iterator[Problem]:
    if train.decay_every is not None and train.decay_every >= train.epochs:
        why = f"the learning rate never falls: the run has {train.epochs} epochs"
        yield Problem(("train", "decay_every"), why)


def _in_cadences(train: Train, steps: int) -> Iterator[Problem]:
    for key in CADENCES:
        value = getattr(train, key)
        if value > steps and value != Train.model_fields[key].default:  # short runs are no mistake
            yield Problem(("train", key), f"the run has {steps} steps: it happens at the end only")


def _in_loss(name: str, config: LossConfig, steps: int) -> Iterator[Problem]:
    left = steps - config.start
    if left <= 0:
        yield Problem(("losses", name, "start"), f"never applied: the run has {steps} steps")
        return
    if config.ramp > left:
        why = f"the weight reaches {left / config.ramp:.2g} of its value: the run has {steps} steps"
        yield Problem(("losses", name, "ramp"), why)
    if config.every >= left and config.every > 1:
        why = f"applied at step {config.start} alone: the run has {steps} steps"
        yield Problem(("losses", name, "every"), why)
