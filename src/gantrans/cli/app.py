"""All commands of `gantrans`, in the order in which one meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from gantrans import __version__
from gantrans.cli.components import list_components
from gantrans.cli.init import init
from gantrans.cli.run import run
from gantrans.cli.show_batch import show_batch
from gantrans.cli.spec import schema, validate
from gantrans.cli.translate import translate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gantrans {__version__}")
        raise typer.Exit


@app.callback()
def gantrans(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Unpaired image-to-image translation: train a CycleGAN from a spec, and use it."""


app.command("init")(init)
app.command("validate")(validate)
app.command("show-batch")(show_batch)
app.command("run")(run)
app.command("translate")(translate)
app.command("list-components")(list_components)
app.command("schema")(schema)
