"""`gantrans export`: a generator as a file that other programs run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from gantrans.cli.options import Model, PluginFiles, Target
from gantrans.cli.say import say


def export(
    model: Model,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The file to write: .onnx, or .pt2 for torch-export.",
            show_default=False,
        ),
    ],
    format_: Annotated[
        Literal["onnx", "torch-export"], typer.Option("--format", help="What to write.")
    ] = "onnx",
    to: Target = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it is there already.")
    ] = False,
    plugin: PluginFiles = None,
) -> None:
    """Write a generator for other programs, and check that they translate as gantrans does."""
    from rich.console import Console

    from gantrans.inference.export.export import export as write
    from gantrans.inference.translator import load

    translator = load(model, device="cpu", plugins=plugin or ())
    # A fixed file: while torch exports, sys.stderr leads nowhere.
    console = Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False)
    with console.status("starting") as status:
        done = write(translator, out, format_, to=to, overwrite=overwrite, say=status.update)
    target = translator.choose(to)
    say(f"{done.path}: translates to {target}, {done.size / 2**20:.1f} MiB")
    compared = ", ".join(map(str, done.parity.sizes))
    say(f"largest difference from torch: {done.parity.difference:.1e} ({compared})")
