"""Whether a run is finished, still runs, or was broken off; read from its files."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gantrans.inference.model_files import STATE_FILE

ENDED = "ended: "
"""How the line of log.txt begins that says why a session ended before its time."""

_OPENING = re.compile(r"to train on, (\d+) steps in \d+ epochs")

Ending = Literal["finished", "stopped early", "running", "interrupted", "failed"]


@dataclass(frozen=True)
class State:
    """How far a run is.

    Args:
        ending: "stopped early" by its own rule; "interrupted" by a user or a kill.
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
        return self.ending != "running"


def state_of(
    run: Path,
    *,
    resolved: Mapping[str, Any],
    summary: Mapping[str, Any] | None,
    newest: Mapping[str, Any],
    step: int,
    log: Sequence[str],
) -> State:
    """Judge from what was read.

    Args:
        run: the run directory.
        resolved: its spec.resolved.json.
        summary: its summary.json, if there is one.
        newest: training.json of its newest checkpoint.
        step: the last one in its numbers.
        log: the last lines of its log.txt.
    """
    step = max(step, _number(newest.get("step")) or 0)
    steps = _number(resolved.get("steps")) or _steps_said(log)
    seconds = newest.get("seconds")
    seconds = float(seconds) if isinstance(seconds, int | float) else None
    if summary is not None:
        step = _number(summary.get("steps")) or step
        stopped = summary.get("stopped")
        total = summary.get("seconds")
        seconds = float(total) if isinstance(total, int | float) else seconds
        ending: Ending = "stopped early" if stopped else "finished"
        return State(
            ending, step, (steps or step) if stopped else step, seconds, str(stopped or "")
        )
    why = _why_ended(log)
    if why is not None:
        asked = why.startswith("stopped by ")
        return State("interrupted" if asked else "failed", step, steps, seconds, why)
    usual = _usual_gap(resolved, seconds, _number(newest.get("step")))
    age = _age(run)
    # Evaluations, pictures and checkpoints take their time between two lines.
    runs = age < max(120.0, 20 * (usual or 0.0))
    return State("running" if runs else "interrupted", step, steps, seconds, "", age, usual)


def _why_ended(log: Sequence[str]) -> str | None:
    """What the log says of the end of the last session; None if it says nothing."""
    for line in reversed(log):
        said = line.partition("  ")[2]
        if said.startswith(ENDED):
            return said.removeprefix(ENDED)
        if _OPENING.search(said):
            return None
    return None


def _usual_gap(
    resolved: Mapping[str, Any], seconds: float | None, steps: int | None
) -> float | None:
    try:
        every = int(resolved["spec"]["train"]["log_every"])
    except (LookupError, TypeError, ValueError):
        return None
    return every * seconds / steps if seconds and steps else None


def _age(run: Path) -> float:
    """Seconds since the newest change of what a running run writes."""
    signs = [run / "metrics.jsonl", run / "log.txt", run / "samples", run / "checkpoints", run]
    newest = max((path.stat().st_mtime for path in signs if path.exists()), default=0.0)
    return max(0.0, time.time() - newest)


def _steps_said(log: Sequence[str]) -> int | None:
    """Older runs say it in their log alone."""
    for line in reversed(log):
        if found := _OPENING.search(line):
            return int(found[1])
    return None


def _number(value: Any) -> int | None:
    return value if type(value) is int else None


def newest_checkpoint(folders: Sequence[Path]) -> Path | None:
    """The newest that has its training.json."""
    whole = [folder for folder in folders if (folder / STATE_FILE).is_file()]
    return whole[-1] if whole else None
