"""The learning rate over a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gantrans.spec.model import Train

FACTOR = 0.1
"""Of each fall, where `decay_factor` is absent."""

PATIENCE = 5
"""Evaluations without a new best, where `decay_patience` is absent."""


def learning_rate(
    step: int, steps_per_epoch: int, lr: float, train: Train, drops: int = 0
) -> float:
    """The rate of one step.

    linear: constant for `decay_start` epochs, then along a line to 0 (Zhu et al. 2017).
    cosine: along half a cosine instead (Loshchilov & Hutter 2017, without restarts), from the end
    of the warm-up on.
    step: times `decay_factor` after each `decay_every` epochs.
    plateau: times `decay_factor` for each of `drops`, see Plateau.
    In front of any of them the first `warmup` steps rise linearly.

    Args:
        step: finished steps.
        steps_per_epoch: steps in one epoch.
        lr: the rate to begin with.
        train: the run's length and decay. A `decay_start` beyond the end keeps the rate constant,
            so that a run can be cut short with `epochs` alone.
        drops: how often the rate has fallen because of a plateau.
    """
    rise = min(1.0, (step + 1) / train.warmup) if train.warmup else 1.0
    risen = train.warmup / steps_per_epoch
    return lr * rise * _share(step / steps_per_epoch, risen, train, drops)


def _share(epoch: float, risen: float, train: Train, drops: int) -> float:
    factor = FACTOR if train.decay_factor is None else train.decay_factor
    match train.decay:
        case "linear":
            return 1 - _progress(epoch, train, train.epochs / 2)
        case "cosine":
            return (1 + math.cos(math.pi * _progress(epoch, train, risen))) / 2
        case "step":
            return float(factor ** int(epoch / (train.decay_every or train.epochs / 4)))
        case "plateau":
            return float(factor**drops)
        case "none":
            return 1.0


def _progress(epoch: float, train: Train, usual_start: float) -> float:
    """How much of the decay is over, from 0 to 1."""
    start = usual_start if train.decay_start is None else train.decay_start
    return (epoch - start) / (train.epochs - start) if epoch > start else 0.0


@dataclass
class Plateau:
    """Notices that evaluations bring no new best any more.

    Args:
        patience: how many in a row it takes.
        waited: how many there were.
        drops: how often the learning rate has fallen for it.
    """

    patience: int
    waited: int = 0
    drops: int = 0

    def state(self) -> dict[str, int]:
        """What a resumed run needs."""
        return {"waited": self.waited, "drops": self.drops}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; nothing is the state of a new run."""
        self.waited, self.drops = int(state.get("waited", 0)), int(state.get("drops", 0))

    def evaluated(self, improved: bool) -> bool:
        """Take note of an evaluation; whether the rate falls now."""
        self.waited = 0 if improved else self.waited + 1
        if self.waited < self.patience:
            return False
        self.waited, self.drops = 0, self.drops + 1
        return True
