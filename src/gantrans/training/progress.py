"""How a run shows that it goes on: a live display on a terminal, plain lines into a pipe."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Pace:
    """Where a run stands.

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


class Progress(Protocol):
    """What a run reports to."""

    def advance(self, step: int, steps: int) -> None:
        """So many steps of all are finished; called after each, so it must cost nothing."""

    def report(self, pace: Pace, values: Mapping[str, float]) -> None:
        """The state of the run, and the mean of each curve since the last report."""

    def say(self, line: str) -> None:
        """Something worth a line."""

    def close(self) -> None:
        """The run has ended."""


class PlainProgress:
    """A line a report."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def advance(self, step: int, steps: int) -> None:
        """Nothing: a line a step would be too many."""

    def report(self, pace: Pace, values: Mapping[str, float]) -> None:
        """step 40/1000  epoch 1/2  12.1 images/s  waiting 1%  left 1:20  generators/...: 0.5"""
        terms = "  ".join(f"{curve}: {value:.4f}" for curve, value in values.items())
        self.say(
            f"step {pace.step}/{pace.steps}  epoch {pace.epoch}/{pace.epochs}  "
            f"{pace.images_per_second:.1f} images/s  waiting for data {pace.waiting:.0%}  "
            f"left {clock(pace.seconds_left)}  {terms}"
        )

    def say(self, line: str) -> None:
        """The line."""
        # Whoever read the output may be gone (`| head`, a lost connection): the run is not over
        # for that. Rich ends the process where a pipe is broken.
        with contextlib.suppress(OSError, SystemExit):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to put away."""


class LiveProgress(PlainProgress):
    """A display that is drawn four times a second; lines that are said scroll above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._reported: tuple[Pace, Mapping[str, float]] | None = None
        self._live = Live(Text("starting"), console=console, refresh_per_second=4)
        self._live.start()

    def advance(self, step: int, steps: int) -> None:
        """The new step beside the last pace and curves."""
        if self._reported is None:
            self._live.update(Text(f"step {step}/{steps}"))
        else:
            pace, values = self._reported
            self._live.update(_display(replace(pace, step=step), values))

    def report(self, pace: Pace, values: Mapping[str, float]) -> None:
        """The bar, the pace and a table of the curves."""
        self._reported = pace, values
        self._live.update(_display(pace, values))

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()


class LoggedProgress:
    """Passes everything on, and keeps it in log.txt as well, as far as the disk allows."""

    def __init__(self, shown: Progress, log: Path) -> None:
        self.shown, self.log = shown, log

    def advance(self, step: int, steps: int) -> None:
        """On the screen alone."""
        self.shown.advance(step, steps)

    def report(self, pace: Pace, values: Mapping[str, float]) -> None:
        """On the screen alone: metrics.jsonl has the numbers."""
        self.shown.report(pace, values)

    def say(self, line: str) -> None:
        """To both."""
        self.shown.say(line)
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")

    def close(self) -> None:
        """Close the screen."""
        self.shown.close()


def progress_for(console: Console) -> Progress:
    """A live display if someone sits at a terminal."""
    # A live display takes over the process's output: not for a console that shows nothing.
    live = console.is_terminal and not console.quiet
    return LiveProgress(console) if live else PlainProgress(console)


def clock(seconds: float) -> str:
    """75 -> 1:15"""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _display(pace: Pace, values: Mapping[str, float]) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    head.add_row(
        f"epoch {pace.epoch}/{pace.epochs}",
        f"step {pace.step}/{pace.steps}",
        ProgressBar(total=pace.steps, completed=pace.step, width=24),
        f"{pace.images_per_second:.1f} images/s",
        f"waiting for data {pace.waiting:.0%}",
        f"left {clock(pace.seconds_left)}",
    )
    terms = Table.grid(padding=(0, 2))
    for curve, value in values.items():
        terms.add_row(Text(f"  {curve}"), f"{value:.4f}")
    return Group(head, terms)
