"""Whether a run is finished, still runs, or was broken off; read from its files."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gantrans.inference.model_files import STATE_FILE
from gantrans.report.curves import Curves
from gantrans.report.running import is_running
from gantrans.report.values import count, finite

ENDED = "ended: "
"""How the line of log.txt begins that says why a session ended before its time."""

_OPENING = re.compile(r"to train on, (\d{1,15}) steps in \d+ epochs")
"""How a session begins in log.txt; in runs of before 0.2 nothing else says how long they are."""

SILENT, DEAD = 120.0, 86_400.0
"""Seconds without a sign of life after which a run may have ended, and after which it has."""

DOMAINS = 2
"""Of how many the images a second are counted."""

Ending = Literal["finished", "stopped early", "running", "silent", "interrupted", "failed"]


@dataclass(frozen=True)
class State:
    """How far a run is.

    Args:
        ending: "stopped early" by its own rule; "interrupted" by a user or a kill; "silent" where
            nothing was heard for long, and nothing tells whether that is usual.
        step: the last one that anything is known of.
        steps: how many there are to be; None if that is unknown.
        seconds: of training; None if that is unknown.
        why: the message that it failed or was stopped with, if there is one.
        age: seconds since the last sign of life, of a run without an end.
        usual: seconds between two lines of numbers, as far as one can tell.
    """

    ending: Ending
    step: int
    steps: int | None
    seconds: float | None
    why: str = ""
    age: float | None = None
    usual: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing comes any more unless somebody resumes it."""
        return self.ending not in ("running", "silent")

    @property
    def done(self) -> bool:
        """Whether it came to an end of its own."""
        return self.ending in ("finished", "stopped early")


def state_of(
    run: Path,
    *,
    resolved: Mapping[str, Any],
    summary: Mapping[str, Any] | None,
    newest: Mapping[str, Any],
    curves: Curves,
    log: Sequence[str],
) -> State:
    """Judge from what was read.

    Args:
        run: the run directory.
        resolved: its spec.resolved.json.
        summary: its summary.json, if there is one.
        newest: training.json of its newest checkpoint.
        curves: its numbers.
        log: the last lines of its log.txt.
    """
    saved = count(newest.get("step")) or 0
    step = max(curves.steps, saved)
    steps = count(resolved.get("steps")) or _steps_said(log)
    seconds = finite(newest.get("seconds"))
    if summary is not None:
        step = count(summary.get("steps")) or step
        stopped = summary.get("stopped")
        seconds = finite(summary.get("seconds")) or seconds
        ending: Ending = "stopped early" if stopped else "finished"
        return State(
            ending, step, (steps or step) if stopped else step, seconds, str(stopped or "")
        )
    why = _why_ended(log)
    if why is not None:
        asked = why.startswith("stopped by ")
        return State("interrupted" if asked else "failed", step, steps, seconds, why)
    a_step = seconds / saved if seconds and saved else _pace(resolved, curves)
    every = count(_train(resolved).get("log_every"))
    usual = every * a_step if every and a_step else None
    age = _age(run)
    trains = is_running(run)
    if trains is None and age < max(SILENT, 20 * (usual or 0.0)):  # evaluations take their time
        trains = True
    if trains is None and usual is None and age < DEAD:
        ending = "silent"
    else:
        ending = "running" if trains else "interrupted"
    return State(ending, step, steps, seconds, "", age, usual)


def _why_ended(log: Sequence[str]) -> str | None:
    """What the log says of the end of the last session; None if it says nothing."""
    for line in reversed(log):
        said = line.partition("  ")[2]
        if said.startswith(ENDED):
            return said.removeprefix(ENDED)
        if _OPENING.search(said):
            return None
    return None


def _pace(resolved: Mapping[str, Any], curves: Curves) -> float | None:
    """Seconds a step, by the newest line of numbers; None if it cannot be told."""
    curve, train = curves.by_name.get("images_per_second"), _train(resolved)
    batch, parts = count(train.get("batch_size")), count(train.get("accumulate"))
    if curve is None or curve.last is None or curve.last.value <= 0 or not batch or not parts:
        return None
    return DOMAINS * batch * parts / curve.last.value


def _train(resolved: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = resolved.get("spec")
    train = spec.get("train") if isinstance(spec, dict) else None
    return train if isinstance(train, dict) else {}


def _age(run: Path) -> float:
    """Seconds since the newest change of what a run itself writes: not its report, so not `run`."""
    signs = [run / "metrics.jsonl", run / "log.txt", run / "samples", run / "checkpoints"]
    newest = max((path.stat().st_mtime for path in signs if path.exists()), default=0.0)
    return max(0.0, time.time() - newest)


def _steps_said(log: Sequence[str]) -> int | None:
    """Older runs say it in their log alone."""
    for line in reversed(log):
        if found := _OPENING.search(line):
            return int(found[1])
    return None


def newest_checkpoint(folders: Sequence[Path]) -> Path | None:
    """The newest that has its training.json."""
    whole = [folder for folder in folders if (folder / STATE_FILE).is_file()]
    return whole[-1] if whole else None
