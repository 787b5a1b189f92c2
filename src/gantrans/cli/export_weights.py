"""`gantrans export-weights`: networks trained here, for other projects."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gantrans.cli.options import Model, OutFolder
from gantrans.cli.say import say


def export_weights(
    model: Model,
    out: OutFolder,
    form: Annotated[
        Literal["junyanz", "cut", "aitorzip"],
        typer.Option("--format", help="Which project shall load them."),
    ] = "junyanz",
    name: Annotated[
        str,
        typer.Option(metavar="NAME", help="What the files' names begin with; aitorzip's do not."),
    ] = "latest",
    generators_only: Annotated[
        bool, typer.Option("--generators-only", help="Leave out the discriminators.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
) -> None:
    """Write a model's networks as pytorch-CycleGAN-and-pix2pix, CUT or PyTorch-CycleGAN do."""
    from gantrans.inference.foreign.write import export_weights as write

    exported = write(
        model, out, form=form, name=name, generators_only=generators_only, overwrite=overwrite
    )
    for one in exported:
        say(f"{one.source} -> {one.target}")
