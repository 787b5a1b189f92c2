"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the spec; repeatable."),
]
PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Use a one-file plugin too; repeatable."),
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Execute the one-file plugins that the run brings, without asking.",
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A run directory (its best checkpoint is taken), a checkpoint folder, or one "
        "generator file.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="DOMAIN",
        help="Domain to translate to, such as winter; needed if the model can do both.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")]
OutFolder = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder to write to; made if need be.", show_default=False),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory to translate with, such as 2GiB; larger images go in pieces.  [default: "
        "what is free]",
        show_default=False,
    ),
]
