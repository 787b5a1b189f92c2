"""`gantrans run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gantrans.cli.options import PluginFiles, Settings, TrustOption
from gantrans.cli.trusting import ask
from gantrans.errors import UsageError


def run(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="SPEC", help="The spec, a TOML file. Not needed with --resume."),
    ] = None,
    settings: Settings = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(help="The run directory to make.  [default: runs/<name>-NNN]"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with a run, or from one of its checkpoints."),
    ] = None,
    plugin: PluginFiles = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|cuda:N|mps", help="Where to compute.")
    ] = "auto",
    preview: Annotated[
        str,
        typer.Option(
            metavar="none|auto|kitty|iterm|sixel",
            help="How to show the newest samples on a terminal that can.",
        ),
    ] = "none",
    trust: TrustOption = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Build everything, run a real step, tell its cost, and write nothing.",
        ),
    ] = False,
) -> None:
    """Train what a spec says."""
    from rich.console import Console

    from gantrans.training import session

    console = Console()
    if dry_run:
        if spec is None or resume is not None:
            raise UsageError("--dry-run rehearses a spec: gantrans run SPEC --dry-run")
        for line in session.rehearse(
            spec, settings=settings or (), plugins=plugin or (), device=device
        ):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    session.run(
        spec,
        settings=settings or (),
        run_dir=run_dir,
        resume=resume,
        plugins=plugin or (),
        device=device,
        console=console,
        preview=preview,
        trust=trust or ask,
    )
