"""`gantrans import-weights`: networks of other projects, to be used here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gantrans.cli.options import OutFolder
from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.inference.foreign.bring_in import Imported


def import_weights(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Files of one model, such as latest_net_G_A.pth latest_net_G_B.pth.",
            show_default=False,
        ),
    ],
    out: OutFolder,
    a: Annotated[
        str, typer.Option("--a", metavar="NAME", help="What to call the domain A, such as horse.")
    ] = "a",
    b: Annotated[str, typer.Option("--b", metavar="NAME", help="What to call the domain B.")] = "b",
    project: Annotated[
        Literal["junyanz", "cut", "aitorzip", "uvcgan2"] | None,
        typer.Option(
            "--from", help="Whose files they are, if their names do not say it.", show_default=False
        ),
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="ROLE",
            help="Which network a file is, if its name does not say it: generator_ab, "
            "generator_ba, discriminator_a or discriminator_b; once for each file, in their order.",
            show_default=False,
        ),
    ] = None,
    direction: Annotated[
        Literal["ab", "ba"], typer.Option(help="Of a model with one generator, net_G.")
    ] = "ab",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
) -> None:
    """Bring in networks of pytorch-CycleGAN-and-pix2pix, PyTorch-CycleGAN, CUT or uvcgan2."""
    from gantrans.inference.foreign.bring_in import import_weights as bring_in

    imported, notes = bring_in(
        files,
        out,
        a=a,
        b=b,
        project=project,
        roles=roles or (),
        direction=direction,
        overwrite=overwrite,
    )
    for one in imported:
        say(f"{one.source} -> {one.target}: {_what(one)}")
    for note in notes:
        say(note)


def _what(one: Imported) -> str:
    header = one.header
    target = header.name_of(header.target)
    if header.kind == "generator":
        task = f"translates {header.name_of(header.source)} to {target}"
    elif header.source:
        task = f"judges {target} beside {header.name_of(header.source)}"
    else:
        task = f"judges {target}"
    return f"{task}; {one.architecture}; {one.parameters:,} parameters"
