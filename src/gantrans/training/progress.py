"""How a run shows that it goes on: a live display on a terminal, plain lines into a pipe."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PIL import Image
from rich.console import Console
from rich.live import Live

from gantrans.io.text import printable, shown
from gantrans.training.live_display import display
from gantrans.training.preview import Preview, preview_for
from gantrans.training.standing import Measured, Standing, clock, digits


class Progress(Protocol):
    """What a run reports to."""

    def advance(self, step: int, steps: int) -> None:
        """So many steps of all are finished; called after each, so it must cost nothing."""

    def report(self, standing: Standing) -> None:
        """Where the run stands."""

    def evaluated(self, measured: Measured | None) -> None:
        """The newest evaluation, whose numbers are also said."""

    def picture(self, samples: Image.Image) -> None:
        """The newest samples, a grid."""

    def say(self, line: str) -> None:
        """Something worth a line."""

    def close(self) -> None:
        """The run has ended."""


class PlainProgress:
    """A line a report.

    Attributes:
        preview: shows samples; None: nothing does.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.preview: Preview | None = None
        self._health = ""

    def advance(self, step: int, steps: int) -> None:
        """Nothing: a line a step would be too many."""

    def report(self, standing: Standing) -> None:
        """step 40/1000  epoch 1/2  12.1 images/s  waiting 1%  left 1:20  generators/...: 0.5

        The state of health is said where it changes.
        """
        pace, measured = standing.pace, standing.measured
        parts = [
            f"step {pace.step}/{pace.steps}",
            f"epoch {pace.epoch}/{pace.epochs}",
            f"{pace.images_per_second:.1f} images/s",
            f"waiting for data {pace.waiting:.0%}",
            *([f"memory {standing.memory}"] if standing.memory else []),
            f"left {clock(pace.seconds_left)}",
        ]
        if measured is not None and measured.best is not None:
            parts.append(
                f"best {measured.metric} {digits(measured.best)} at step {measured.best_step}"
            )
        parts += [f"{curve}: {value:.4f}" for curve, value in standing.curves.items()]
        if standing.health != self._health:
            parts.append(f"health: {standing.health}")
            self._health = standing.health
        self.say("  ".join(parts))

    def evaluated(self, measured: Measured | None) -> None:
        """Nothing: the next report tells the best so far."""

    def picture(self, samples: Image.Image) -> None:
        """On a terminal that can, if it was asked for."""
        if self.preview is not None:
            with contextlib.suppress(OSError, SystemExit):
                self.preview.show(self.console, samples)

    def say(self, line: str) -> None:
        """The line."""
        # Whoever read the output may be gone (`| head`, a lost connection): the run is not over
        # for that. Rich ends the process where a pipe is broken.
        with contextlib.suppress(OSError, SystemExit):
            self.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to put away."""


class LiveProgress(PlainProgress):
    """A display that is drawn a few times a second; lines that are said scroll above it.

    A step only notes its number: what draws is a thread of its own.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._step, self._steps = 0, 0
        self._standing: Standing | None = None
        self._live = Live(
            console=console,
            get_renderable=lambda: display(self._step, self._steps, self._standing, console),
            refresh_per_second=REDRAWN,
        )
        self._live.start()

    def advance(self, step: int, steps: int) -> None:
        """Note it."""
        self._step, self._steps = step, steps

    def report(self, standing: Standing) -> None:
        """Note it."""
        self._standing = standing

    def evaluated(self, measured: Measured | None) -> None:
        """Note it."""
        if self._standing is not None:
            self._standing = replace(self._standing, measured=measured)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()


REDRAWN = 2
"""Times a second."""


class LoggedProgress:
    """Passes everything on, and keeps it in log.txt as well, as far as the disk allows."""

    def __init__(self, shown: Progress, log: Path) -> None:
        self.shown, self.log = shown, log

    def advance(self, step: int, steps: int) -> None:
        """On the screen alone."""
        self.shown.advance(step, steps)

    def report(self, standing: Standing) -> None:
        """On the screen alone: metrics.jsonl has the numbers."""
        self.shown.report(standing)

    def evaluated(self, measured: Measured | None) -> None:
        """On the screen alone."""
        self.shown.evaluated(measured)

    def picture(self, samples: Image.Image) -> None:
        """On the screen alone: it is in the folder samples."""
        self.shown.picture(samples)

    def say(self, line: str) -> None:
        """To both."""
        self.shown.say(line)
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {shown(line)}\n")

    def close(self) -> None:
        """Close the screen."""
        self.shown.close()


def progress_for(console: Console, preview: str = "none") -> Progress:
    """A live display if someone sits at a terminal; `preview` is one of preview.WAYS."""
    # A live display takes over the process's output: not for a console that shows nothing.
    live = console.is_terminal and not console.quiet
    shown = LiveProgress(console) if live else PlainProgress(console)
    shown.preview = preview_for(preview, console, os.environ, shown.say)
    return shown
