"""`gantrans-noise`: images from a trained model. Imports no torch before it makes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.errors import GantransError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

SHEET = "sheet.png"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def noise() -> None:
    """Make images from noise with what `gantrans run` trained by the method `unconditional`."""


@app.command()
def sample(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A run directory (its best checkpoint is taken, else its newest), a checkpoint "
            "folder, or one generator.safetensors.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder to write to; made if need be.", show_default=False
        ),
    ],
    count: Annotated[int, typer.Option(metavar="N", min=1, help="How many images.")] = 16,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Which images; the same seed gives the same again.")
    ] = 0,
    truncation: Annotated[
        float,
        typer.Option(
            metavar="PSI",
            min=0,
            help="1: all that it can make; less: more ordinary, more alike; 0: the mean image.",
        ),
    ] = 1.0,
    sheet: Annotated[
        bool, typer.Option("--sheet", help=f"Write one picture of all, {SHEET}, and no others.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
    ] = "auto",
) -> None:
    """Write images as PNG files."""
    files = [out / SHEET] if sheet else [out / f"seed-{seed}-{n:05d}.png" for n in range(count)]
    _refuse_to_replace(files, overwrite)
    from gantrans_noise.sampler import AT_ONCE, load

    sampler = load(model, device=device)
    channels = sampler.generator.channels
    if channels not in (1, 3):
        raise UsageError(
            f"this model's images have {channels} channels, and PNG files have 1 or 3: take them "
            "from Python, gantrans_noise.load(...).sample(...)"
        )
    if sheet:
        images = sampler.sample(count, seed=seed, truncation=truncation)
        _write(_side_by_side(images), files[0])
    else:
        for first in range(0, count, AT_ONCE):
            some = files[first : first + AT_ONCE]
            images = sampler.sample(len(some), seed=seed, truncation=truncation, first=first)
            for image, file in zip(images, some, strict=True):
                _write(image, file)
    what = "1 image" if count == 1 else f"{count} images"
    typer.echo(f"{what} of {sampler.domain}, in {files[0] if sheet else out}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `gantrans-noise`, and end the process, with the exit codes of `gantrans`."""
    try:
        app(arguments, prog_name="gantrans-noise")
    except GantransError as error:
        print(f"error: {error}", file=sys.stderr)  # as it is, so that paths in it can be copied
        sys.exit(error.exit_code)


def _side_by_side(images: Tensor) -> Tensor:
    """(N, C, H, W) -> one image, about as many across as down, white between them."""
    from torchvision.utils import make_grid

    channels = images.shape[1]
    across = -(-len(images) // max(1, round(len(images) ** 0.5)))
    sheet: Tensor = make_grid(images, nrow=across, padding=2, pad_value=1.0)
    return sheet[:channels]  # it makes three channels of one


def _refuse_to_replace(files: Sequence[Path], overwrite: bool) -> None:
    there = [str(file) for file in files if file.exists()]
    if there and not overwrite:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise UsageError(
            f"already there: {', '.join(there[:3])}{more}; use --overwrite to replace "
            f"{'it' if len(there) == 1 else 'them'}, or another --out"
        )


def _write(image: Tensor, file: Path) -> None:
    """Write beside, then rename: nobody ever sees half an image."""
    from gantrans.api.files import ORDINARY

    beside = file.with_name(f".sample-{os.getpid()}.partial.png")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            ORDINARY.write(image, beside)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise GantransError(
            f"cannot write {file}: {error.strerror or error}; make room, or give another --out"
        ) from error
