"""What measured numbers advise, in words."""

from __future__ import annotations

from collections.abc import Sequence

from gantrans.training.bench.throughput import Throughput
from gantrans.training.bench.trials import Trial

WORTH = 1.05
"""Times as fast: less is noise."""

WAITS = 0.05
"""Share of the time spent waiting for data that is worth a word."""

BUSY = 0.3
"""Spread of the speed from which on numbers are doubtful."""

_PRICE = {
    "precision": "it changes numbers: products are rounded, weights and losses stay float32",
    "batch_size": "it changes the training: an epoch has half as many steps",
    "compile": "the first step took {first:.0f} s",
    "threads": "fewer threads are faster where other work uses the processors; set it in the shell",
}


def advise(own: Throughput, trials: Sequence[Trial], *, cached: bool) -> list[str]:
    """Lines of advice, what gains most first.

    Args:
        own: what the spec's own settings give.
        trials: the settings that were tried.
        cached: whether the images are read from a cache, decoded and resized.
    """
    lines = []
    if own.spread > BUSY:
        lines.append(
            f"the speed varies by {own.spread:.0%}: something else uses this machine, so measure "
            "again when it is idle"
        )
    better = sorted(
        (trial for trial in trials if trial.times_as_fast >= WORTH),
        key=lambda trial: -trial.times_as_fast,
    )
    if own.waiting >= WAITS:
        lines.append(_on_waiting(own.waiting, trials, cached))
    for trial in better:
        price = _PRICE.get(trial.key, "").format(first=trial.first)
        line = f"{trial.setting} is {trial.times_as_fast:.2f} times as fast here"
        lines.append(f"{line} ({price})" if price else line)
    for trial in trials:
        if trial.key == "recompute" and trial.peak and trial.peak_before:
            part, times = trial.peak / trial.peak_before, trial.seconds / trial.before
            lines.append(
                f"{trial.setting} needs {part:.0%} of the memory, and {times:.2f} times as long"
            )
    if not better and own.waiting < WAITS:
        lines.append(
            f"nothing tried is more than {WORTH - 1:.0%} faster: it is near what this machine gives"
        )
    return lines


def _on_waiting(waiting: float, trials: Sequence[Trial], cached: bool) -> str:
    line = f"the data keep the step waiting {waiting:.0%} of the time"
    for trial in trials:
        if trial.key == "workers" and trial.times_as_fast >= WORTH:
            return f"{line}: set {trial.setting}"
    if cached:
        return f"{line}, though they are cached: the disk or the processors have other work too"
    tried = any(trial.key == "workers" for trial in trials)
    more = "more workers do not help: " if tried else ""
    return f"{line}: {more}smaller image files would, or a cache of them"
