"""Where in a plugin's code an exception came from: what its author wants to know."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from gantrans.plugin.registry import Entry


def code_of(entry: Entry) -> Path | None:
    """The folder (or file) of a plugin's package, or its one file, once it is loaded."""
    top = sys.modules.get(entry.ref.target.partition(":")[0].partition(".")[0])
    if not (top and top.__file__):
        return None
    file = Path(top.__file__)
    return file.parent if file.name == "__init__.py" else file


def place(error: BaseException | None, code: Path | None, but: Path | None = None) -> str:
    """ " (file:line, in function)" of the last line in `code` that an exception came through.

    Args:
        error: what was raised.
        code: a file, or a folder of code.
        but: a folder in `code` whose lines are not meant.
    """
    frames = traceback.extract_tb(error.__traceback__) if error and code else ()
    for frame in reversed(frames):
        within = [Path(frame.filename), *Path(frame.filename).parents]
        if code in within and but not in within:
            return f" ({frame.filename}:{frame.lineno}, in {frame.name})"
    return ""
