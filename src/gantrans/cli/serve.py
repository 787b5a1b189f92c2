"""`gantrans serve`: a page to try trained models on images."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gantrans.cli.options import Device, MaxMemory, PluginFiles
from gantrans.cli.say import say
from gantrans.errors import UsageError

NEEDED = ("fastapi", "uvicorn", "python_multipart")


def serve(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="Run directories (the best checkpoint of each is taken), checkpoint folders, or "
            "generator files.",
            show_default=False,
        ),
    ],
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST",
            help="Address to be reached at; 0.0.0.0 lets in whoever reaches this machine.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="0 takes one that is free.")
    ] = 7860,
    max_upload: Annotated[
        str, typer.Option(metavar="SIZE", help="Refuse larger files, such as 32MiB.")
    ] = "32MiB",
    max_pixels: Annotated[
        int, typer.Option(metavar="N", help="Refuse larger images.")
    ] = 25_000_000,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="Each for an upload, the wait for its turn, its translation, reading the answer.",
        ),
    ] = 120,
    queue: Annotated[
        int, typer.Option(metavar="N", help="Images that may wait while one is translated.")
    ] = 8,
    max_memory: MaxMemory = None,
    plugin: PluginFiles = None,
    device: Device = "auto",
) -> None:
    """Open a page on which images are translated, and JSON endpoints for programs."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(
            f"the page needs {', '.join(missing)}, which is not installed: "
            'pip install "gantrans[web]"'
        )
    from gantrans.cli.memory_size import bytes_of
    from gantrans.cli.translating import ended_like_ctrl_c
    from gantrans.serving.limits import Limits
    from gantrans.serving.models import load_models
    from gantrans.serving.server import bind
    from gantrans.serving.server import serve as answer

    limits = Limits(bytes_of(max_upload, "--max-upload"), max_pixels, timeout, queue)
    memory = None if max_memory is None else bytes_of(max_memory)
    with ended_like_ctrl_c():
        door = bind(host, port)
        with door.socket:
            served = load_models(models, device=device, plugins=plugin or (), max_memory=memory)

            def ready() -> None:
                names = ", ".join(one.name for one in served)
                where = served[0].translator.device
                say(f"{names} on {where}: {door.url} (Ctrl-C ends it)")
                if not door.loopback:
                    say(
                        f"warning: anyone who reaches port {door.port} of this machine can use it; "
                        "nothing is encrypted, and nobody is asked for a password",
                        err=True,
                    )

            answer(served, door, limits, ready)
