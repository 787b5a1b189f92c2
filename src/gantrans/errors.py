"""What can go wrong for a user: each error is one complete message (what, where, what to do)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class GantransError(Exception):
    """An expected failure; the command line prints the message alone and ends with `exit_code`."""

    exit_code = 1


class UsageError(GantransError):
    """A command or a call that cannot mean anything (an existing run directory, no such domain)."""

    exit_code = 2


class SpecError(UsageError):
    """A spec with one or more mistakes, all of them in `problems`, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "" if count == 1 else f"{count} mistakes in the spec:\n"
        super().__init__(head + "\n".join(self.problems))


class PluginError(UsageError):
    """A component that is unknown, or whose plugin is broken, missing or in conflict."""


class DataError(GantransError):
    """A folder or an image that cannot be used; the message names it."""


class CheckpointError(GantransError):
    """A checkpoint, or a file of a run or a model, that is missing, damaged or does not fit."""


class FileError(CheckpointError):
    """A file of a run or a model that cannot be opened; `reason` says why, without its name."""

    def __init__(self, path: Path | str, reason: str, action: str = "read") -> None:
        self.reason = reason
        super().__init__(f"cannot {action} {path}: {reason}")


class MissingFileError(FileError):
    """A file that is not there."""


class NonFiniteError(GantransError):
    """A loss term or a weight became NaN or infinite."""


class RunInterruptedError(GantransError):
    """The user asked to stop; the run was saved and the message says how to go on."""

    exit_code = 130
