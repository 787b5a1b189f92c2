"""All commands of `gantrans`, in the order in which one meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from gantrans import __version__
from gantrans.cli.bench import bench
from gantrans.cli.check_data import check_data
from gantrans.cli.check_plugin import check_plugin
from gantrans.cli.components import list_components
from gantrans.cli.evaluate import evaluate
from gantrans.cli.export import export
from gantrans.cli.export_weights import export_weights
from gantrans.cli.import_weights import import_weights
from gantrans.cli.init import init
from gantrans.cli.new_plugin import new_plugin
from gantrans.cli.report import report
from gantrans.cli.run import run
from gantrans.cli.say import say
from gantrans.cli.serve import serve
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
        say(f"gantrans {__version__}")
        raise typer.Exit


@app.callback()
def gantrans(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Train networks that translate images between two domains, and use them."""


app.command("init", short_help="Look at your folders and write a spec for them.")(init)
app.command("check-data", short_help="Look for what is wrong with your images.")(check_data)
app.command("validate", short_help="Check a spec and show every mistake in it.")(validate)
app.command("show-batch", short_help="Draw what training will see as one picture.")(show_batch)
app.command("run", short_help="Train from a spec, or go on with a run.")(run)
app.command("bench", short_help="Measure how fast a spec trains, and what would help.")(bench)
app.command("report", short_help="Write the report of a run, or compare runs.")(report)
app.command("evaluate", short_help="Judge a trained model by numbers.")(evaluate)
app.command("translate", short_help="Translate images with a trained model.")(translate)
app.command("serve", short_help="Open a page to try trained models on images.")(serve)
app.command("export", short_help="Write a generator for other programs, as ONNX.")(export)
app.command("import-weights", short_help="Bring in networks of other projects.")(import_weights)
app.command("export-weights", short_help="Write networks for other projects.")(export_weights)
app.command("list-components", short_help="List what a spec can name.")(list_components)
app.command("new-plugin", short_help="Write a plugin that works, to begin with.")(new_plugin)
app.command("check-plugin", short_help="Check that a plugin holds what it promises.")(check_plugin)
app.command("schema", short_help="Write a JSON Schema of specs, for editors.")(schema)
