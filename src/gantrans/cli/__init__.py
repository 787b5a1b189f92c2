"""The command line. Each command imports what it needs when it runs, so that --help is quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from gantrans.errors import GantransError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `gantrans`, and end the process: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    _fill_closed_descriptors()
    try:
        try:
            _run(arguments)
        finally:
            if sys.stdout is not None:  # `>&-`
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fill_closed_descriptors() -> None:
    """Have no file that is opened later take the place of a closed standard stream.

    A library that writes a warning to descriptor 2 would write it into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stderr is None:  # `2>&-`: print would take standard output in its place
        sys.stderr = os.fdopen(2, "w")


def _run(arguments: Sequence[str] | None) -> None:
    if "WORLD_SIZE" in os.environ:  # as torchrun does; torch's own warnings would come from each
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from gantrans.cli.app import app
    from gantrans.io.text import printable

    try:
        app(arguments, prog_name="gantrans")
    except GantransError as error:
        # No markup, no wrapping, so that paths in it can be copied; printable, whatever they are.
        prefix = "" if error.exit_code == INTERRUPTED else "error: "
        if message := str(error):  # there is none where another process of the run has told it
            print(f"{prefix}{printable(message)}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as end:  # how typer ends every command, and Ctrl-C
        if end.code == INTERRUPTED:
            print("interrupted", file=sys.stderr)
        raise
