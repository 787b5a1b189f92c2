"""`gantrans show-batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gantrans.cli.options import PluginFiles, Settings
from gantrans.cli.say import say
from gantrans.errors import GantransError


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
    from gantrans.inference.files.whole import appearing, refuse_unwritable
    from gantrans.training.session import first_batch

    refuse_unwritable(out, overwrite=overwrite)
    picture = first_batch(spec, settings=settings or (), plugins=plugin or (), count=count)
    try:
        with appearing(out, overwrite=overwrite) as beside:
            picture.save(beside, format="PNG")
    except OSError as error:
        raise GantransError(f"cannot write {out}: {error.strerror or error}") from error
    say(f"{out}: {picture.width} x {picture.height} pixels")
