"""`gantrans show-batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gantrans.cli.options import PluginFiles, Settings
from gantrans.errors import GantransError, UsageError


def show_batch(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a TOML file.")],
    out: Annotated[Path, typer.Option(metavar="PNG", help="The picture to write.")],
    settings: Settings = None,
    plugin: PluginFiles = None,
    count: Annotated[int, typer.Option(min=1, help="Images of each domain.")] = 8,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the picture if it is there already.")
    ] = False,
) -> None:
    """Draw the first images as training will see them: resized, cropped, flipped."""
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists; choose another --out, or say --overwrite")

    from gantrans.training.session import first_batch

    picture = first_batch(spec, settings=settings or (), plugins=plugin or (), count=count)
    partial = out.with_name(f".{out.name}.partial")
    try:
        picture.save(partial, format="PNG")
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise GantransError(f"cannot write {out}: {error.strerror or error}") from error
    typer.echo(f"{out}: {picture.width} x {picture.height} pixels")
