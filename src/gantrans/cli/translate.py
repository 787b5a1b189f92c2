"""`gantrans translate`: images in, images out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gantrans.cli.options import Device, MaxMemory, Model, PluginFiles, Target


def translate(
    model: Model,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Images, videos, folders of them, patterns such as 'a/**/*.jpg'; or - for one "
            "image from standard input to standard output.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to write to; made if need be. Needed but for -.",
            show_default=False,
        ),
    ] = None,
    to: Target = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", help="Take the subfolders of folders too, and keep them."),
    ] = False,
    round_trip: Annotated[
        bool,
        typer.Option(
            "--round-trip", help="Also write NAME.cycle.png or the like: translated back again."
        ),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Also write NAME.compare.png or the like: all side by side."
        ),
    ] = False,
    format: Annotated[
        Literal["png", "jpg", "webp", "tiff", "bmp"] | None,
        typer.Option(help="Of what is written.  [default: as the input]", show_default=False),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Of JPEG and WebP.  [default: JPEG 95, WebP without loss]",
            show_default=False,
        ),
    ] = None,
    metadata: Annotated[
        Literal["none", "profile", "all"],
        typer.Option(
            help="What outputs keep of inputs: nothing, the colour profile, or also EXIF, "
            "resolution and texts."
        ),
    ] = "profile",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out what is there already, and do the rest.")
    ] = False,
    batch_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="Images of one size translated at once.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Threads that read and write files.  [default: 2; with a GPU one for each core, "
            "8 at most]",
            show_default=False,
        ),
    ] = None,
    max_memory: MaxMemory = None,
    max_megapixels: Annotated[
        float,
        typer.Option(
            metavar="N", min=0, help="Refuse larger images: few bytes can unfold to many pixels."
        ),
    ] = 100,
    plugin: PluginFiles = None,
    device: Device = "auto",
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
    """Translate images and videos of any size; names, sizes and formats stay as they are."""
    from gantrans.cli.memory_size import bytes_of
    from gantrans.cli.standard_input import translate_standard_input
    from gantrans.cli.translating import (
        ended_like_ctrl_c,
        threads_for,
        translate_inputs,
    )
    from gantrans.inference.device import choose_device
    from gantrans.inference.files.handling import Handling
    from gantrans.inference.files.plan import Wanted
    from gantrans.inference.translator import load
    from gantrans.training.distributed import all_ranks

    wanted = Wanted(format, cycle=round_trip, compare=compare)
    with ended_like_ctrl_c(), all_ranks() as ranks:
        translator = load(
            model,
            device=str(choose_device(device, *ranks.here)),
            plugins=plugin or (),
            precision=precision,
            compile=compiling,
            max_memory=None if max_memory is None else bytes_of(max_memory),
        )
        threads = workers or threads_for(translator.device, ranks)
        handling = Handling(batch_size, threads, quality, metadata, max_megapixels)
        if Path("-") in inputs:
            translate_standard_input(translator, inputs, out, to, wanted, handling)
            return
        translate_inputs(
            translator,
            inputs,
            out,
            to,
            wanted,
            handling,
            recursive=recursive,
            overwrite=overwrite,
            resume=resume,
            ranks=ranks,
        )
