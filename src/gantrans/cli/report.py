"""`gantrans report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gantrans.cli.say import say


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Run directories.",
            show_default=False,
            readable=False,  # read_record says it better
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file to write, replaced if it is there.  [default: RUN/report.html; "
            "./report.html of several, if there is none]",
            show_default=False,
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Write the report of a run as one HTML file, or compare several runs in one."""
    from gantrans.report.report import report as write

    written = write(runs, out)
    for run, said in zip(runs, written.verdicts, strict=True):
        say(f"{run}: {said.sentence}" if len(runs) > 1 else said.sentence)
    say(f"{written.path}: {_size(written.size)}")
    if open_it:
        typer.launch(written.path.absolute().as_uri())


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
