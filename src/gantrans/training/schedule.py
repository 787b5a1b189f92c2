"""The learning rate over a run."""

from __future__ import annotations

from gantrans.spec.model import Train


def learning_rate(step: int, steps_per_epoch: int, lr: float, train: Train) -> float:
    """Constant for `decay_start` epochs, then linearly to 0 at the end (Zhu et al. 2017).

    Args:
        step: finished steps.
        steps_per_epoch: steps in one epoch.
        lr: the rate to begin with.
        train: the run's length and `decay_start`; one beyond the end keeps the rate constant, so
            that a run can be cut short with `epochs` alone.
    """
    start = train.epochs / 2 if train.decay_start is None else train.decay_start
    epoch = step / steps_per_epoch
    if epoch <= start:
        return lr
    return lr * (train.epochs - epoch) / (train.epochs - start)
