"""One-file plugins on their way to another process. Imports no torch.

A process that is not forked (macOS, Windows, Linux from Python 3.14 on) gets its objects pickled,
and cannot import a class that a one-file plugin defines. So the plugins travel with the object, as
the first thing in it: they are taken in while it is unpickled, before what comes after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gantrans.plugin.manager import load_registry


@dataclass(frozen=True)
class FilePlugins:
    """Files that a process executes when it unpickles this.

    Args:
        files: those that the user named; see `Registry.file_plugins`.
    """

    files: tuple[Path, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _taken_in, (self.files,)


def _taken_in(files: tuple[Path, ...]) -> FilePlugins:
    load_registry(files)
    return FilePlugins(files)
