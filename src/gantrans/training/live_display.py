"""What the live display of a run looks like, in a terminal of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from gantrans.training.standing import Measured, Standing, clock, digits

GAP = "  "
WIDEST = 100
"""Columns that are used of a wide terminal."""


def display(step: int, steps: int, standing: Standing | None, console: Console) -> Text:
    """A bar and a few lines, none wider than the terminal, and fewer than it has.

    Args:
        step: finished steps, of `steps`; 0 of 0 before the first.
        standing: as of the last report.
        console: whose size counts, and whether it knows more than ASCII.
    """
    if not steps:
        return Text("starting")
    if standing is None:
        return Text(f"step {step}/{steps}")
    width = max(20, min(console.width, WIDEST) - 1)
    head = _head(step, standing, width)
    room = max(1, console.height - len(head) - 3)  # the bar, and what stands above and below
    done, left = "#-" if console.options.ascii_only else "━─"
    full = width * min(step, steps) // steps
    bar = [(done * full, "bar.complete"), (left * (width - full), "bar.back")]
    lines = "\n".join(["", *head, *_curves(standing, width, room)])
    return Text.assemble(*bar, lines, no_wrap=True, overflow="crop")


def _head(step: int, standing: Standing, width: int) -> list[str]:
    pace = standing.pace
    memory = [f"memory {standing.memory}"] if standing.memory else []
    where = [
        f"step {step}/{pace.steps}",
        f"epoch {pace.epoch}/{pace.epochs}",
        f"left {clock(pace.seconds_left)}",
        f"{pace.images_per_second:.1f} images/s",
        f"waiting for data {pace.waiting:.0%}",
        *memory,
    ]
    health = wrap(f"health: {standing.health or 'not watched yet'}", width, max_lines=3)
    return [*_packed(where, width), *_packed(_measured(standing.measured), width), *health]


def _measured(measured: Measured | None) -> Iterator[str]:
    if measured is None:
        return
    yield f"{measured.metric} {digits(measured.value)} at step {measured.step}"
    if measured.baseline is not None:
        yield f"{measured.baseline.label} {digits(measured.baseline.value)}"
    if measured.best is not None:
        yield f"best {digits(measured.best)} at step {measured.best_step}"


def _packed(parts: Iterator[str] | Sequence[str], width: int) -> list[str]:
    """As many of the parts in a line as fit; none is split."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1] + GAP + part) <= width:
            lines[-1] += GAP + part
        else:
            lines.append(part)
    return lines


def _curves(standing: Standing, width: int, room: int) -> list[str]:
    """A line for each curve, as far as there is room."""
    curves = list(standing.curves.items())
    shown = curves if len(curves) <= room else curves[: room - 1]
    numbers = [f"{value:.4f}" for _, value in shown]
    widest = max(map(len, numbers), default=0)
    most = width - widest - 2 * len(GAP)
    names = [_shortened(curve, most) for curve, _ in shown]
    column = min(most, max(map(cell_len, names), default=0))
    lines = [
        f"{GAP}{set_cell_size(name, column)}{GAP}{number:>{widest}}"
        for name, number in zip(names, numbers, strict=True)
    ]
    left = len(curves) - len(shown)
    return [*lines, f"{GAP}... and {left} more"] if left else lines


def _shortened(name: str, length: int) -> str:
    """Without its middle, if it is longer."""
    if len(name) <= length:
        return name
    end = (length - 2) // 2
    return f"{name[: length - 2 - end]}..{name[len(name) - end :]}"
