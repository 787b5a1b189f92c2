"""`gantrans export-weights`: networks trained here, for other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export_weights(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A run directory (its best checkpoint is taken), a checkpoint folder, or one "
            "generator file.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder to write to; made if need be.", show_default=False
        ),
    ],
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
        typer.echo(f"{one.source} -> {one.target}")
