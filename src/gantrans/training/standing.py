"""Where a run stands: all that a display shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from gantrans.api.baseline import Baseline
from gantrans.inference import memory


@dataclass(frozen=True)
class Pace:
    """How fast a run is.

    Args:
        step: finished steps, of `steps`.
        epoch: the epoch it is in, from 1, of `epochs`.
        images_per_second: of all domains together, since the last report.
        waiting: share of that time spent waiting for data, from 0 to 1.
        seconds_left: an estimate from the pace of the whole session.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    images_per_second: float
    waiting: float
    seconds_left: float


@dataclass(frozen=True)
class Measured:
    """The metric that chooses the best checkpoint: means over the directions.

    Args:
        metric: its key in the spec.
        step: of the newest evaluation.
        value: what that gave.
        baseline: the strongest baseline; None if none is known.
        best: the best value so far; None if none was finite.
        best_step: where that was.
    """

    metric: str
    step: int
    value: float
    baseline: Baseline | None
    best: float | None
    best_step: int | None


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    Args:
        pace: how fast it is.
        curves: the mean of each since the last report.
        measured: the newest metric; None before the first evaluation, and where nothing chooses.
        health: one line on what the detectors see; empty until they have looked.
        memory: how much is in use, in words.
    """

    pace: Pace
    curves: Mapping[str, float]
    measured: Measured | None = None
    health: str = ""
    memory: str = ""


def memory_in_use(device: torch.device) -> str:
    """The most that was in use on a GPU, or what this process holds; empty if none can tell."""
    count = memory.held() if device.type == "cpu" else memory.peak(device)
    if count is None:
        return ""
    return memory.mebibytes(count) + ("" if device.type == "cpu" else f" on {device}")


def clock(seconds: float) -> str:
    """75 -> 1:15"""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def digits(value: float) -> str:
    """With two decimals, or three digits where that is more: 19.27, 0.00412."""
    return f"{value:.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"
