"""`gantrans translate`: images in, images out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gantrans.cli.options import PluginFiles
from gantrans.errors import GantransError

if TYPE_CHECKING:
    from rich.console import Console

    from gantrans.inference.files import Outcome


def translate(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A run directory (its best checkpoint is taken), a checkpoint folder, or one "
            "generator file.",
            show_default=False,
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Image files, and folders whose images (not those of subfolders) are meant.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder to write to; made if need be.", show_default=False
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="DOMAIN",
            help="Domain to translate to, such as winter; needed if the model can do both.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    plugin: PluginFiles = None,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
    ] = "auto",
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"],
        typer.Option(help="Of the networks: less is faster, where the device has it."),
    ] = "fp32",
    compiling: Annotated[
        bool,
        typer.Option(
            "--compile/--no-compile",
            help="Compile the networks, which pays for many images of one size.",
        ),
    ] = False,
) -> None:
    """Translate images of any size; names, sizes and formats stay as they are."""
    from rich.console import Console

    from gantrans.inference.files import translate_files
    from gantrans.inference.plan import plan
    from gantrans.inference.translator import load

    translator = load(
        model, device=device, plugins=plugin or (), precision=precision, compile=compiling
    )
    source, target = translator.files(to)
    planned = plan(inputs, out, overwrite=overwrite, source=source, target=target)
    outcomes = translate_files(translator, planned.jobs, to)

    console = Console(soft_wrap=True, highlight=False, markup=False)
    failed = []
    for outcome in _shown(console, outcomes, len(planned.jobs)):
        if outcome.error:
            failed.append(outcome.error)
    if planned.nested:
        console.print(f"left out {_images(planned.nested)} in subfolders; name those folders too")
    done = len(planned.jobs) - len(failed)
    console.print(f"{_images(done)} translated to {translator.choose(to)}, in {out}")
    if failed:
        reasons = "\n".join(f"  {error}" for error in failed)
        raise GantransError(f"{_images(len(failed))} could not be translated:\n{reasons}")


def _shown(console: Console, outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    """The outcomes as they come: a moving bar on a terminal, a line each into a pipe."""
    if console.is_terminal:
        from rich.progress import track

        yield from track(outcomes, "translating", total, console=console, transient=True)
        return
    for number, outcome in enumerate(outcomes, start=1):
        what = "failed" if outcome.error else f"-> {outcome.job.target}"
        console.print(f"{number}/{total} {outcome.job.source} {what}")
        yield outcome


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
