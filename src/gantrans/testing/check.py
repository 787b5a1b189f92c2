"""A check: one thing that a component has to hold, with a name, a title and an outcome."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gantrans.api.component import Kind
from gantrans.errors import GantransError, UsageError

if TYPE_CHECKING:
    from gantrans.testing.subject import Subject

Function = Callable[["Subject"], None]
Status = Literal["ok", "failed", "skipped"]

KIT = Path(__file__).parent


class CheckFailed(GantransError):  # noqa: N818 - said of a check, it reads as it is meant
    """A component does not hold what its kind promises; says what is wrong and what to change."""


class Unusable(CheckFailed):
    """A component that cannot be loaded or built: no further check can say anything of it.

    Args:
        reported_by: the one check that fails for it; the others are skipped.
        message: what is wrong and what to change.
    """

    def __init__(self, reported_by: str, message: str) -> None:
        super().__init__(message)
        self.reported_by = reported_by


class WrongSettings(UsageError):  # noqa: N818
    """Settings that were given for a check, and that the component does not take."""


class Skipped(Exception):  # noqa: N818
    """Raised by a check that says nothing of this component; the message is the reason."""


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Args:
        status: "ok", "failed" or "skipped".
        message: why it failed and what to change, or why it was skipped.
    """

    status: Status
    message: str = ""


@dataclass(frozen=True)
class Check:
    """One promise of a kind.

    Args:
        kind: whose promise it is; None: everyone's.
        name: what it is called in a test's id and on the command line.
        title: the promise, as a sentence.
        run: returns if a subject keeps it; raises CheckFailed or Skipped
            if not, or what the component raises.
    """

    kind: Kind | None
    name: str
    title: str
    run: Function

    def of(self, subject: Subject) -> Outcome:
        """Try it on `subject`. Torch's random numbers are afterwards as they were.

        What the component prints goes to standard error: standard output is the command's answer.

        Raises WrongSettings if the subject does not take the settings that were given.
        """
        import torch

        try:
            with redirect_stdout(sys.stderr), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self.run(subject)
        except WrongSettings:
            raise
        except Skipped as reason:
            return Outcome("skipped", str(reason))
        except Unusable as error:
            if error.reported_by != self.name:
                return Outcome("skipped", f"see {error.reported_by}")
            return Outcome("failed", str(error))
        except CheckFailed as error:
            return Outcome("failed", str(error))
        except (Exception, SystemExit) as error:
            return Outcome("failed", f"it raises {blamed(error, subject.code)}")
        return Outcome("ok")


def checks(kind: Kind | None, *functions: Function) -> tuple[Check, ...]:
    """Checks from functions: the name is the function's, the title its docstring's first line."""
    return tuple(
        Check(
            kind, function.__name__, (inspect.getdoc(function) or "").partition("\n")[0], function
        )
        for function in functions
    )


def need(holds: bool, message: str) -> None:
    """Fail with `message` unless `holds`."""
    if not holds:
        raise CheckFailed(message)


def blamed(error: BaseException, code: Path | None) -> str:
    """An exception in one line, with the last line of the component's code that it came through.

    Args:
        error: what was raised.
        code: the file or folder that the component's code is in.
    """
    text = str(error)
    short = text if len(text) <= 500 else f"{text[:497]}..."
    said = f"{type(error).__name__}: {short}" if short else type(error).__name__
    return said + place(error, code)


def place(error: BaseException | None, code: Path | None) -> str:
    """ " (file:line, in function)" of the last line in `code` that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__) if error and code else ()
    own = [frame for frame in frames if _is_in(Path(frame.filename), code)]
    return f" ({own[-1].filename}:{own[-1].lineno}, in {own[-1].name})" if own else ""


def _is_in(file: Path, code: Path | None) -> bool:
    return (file == code or code in file.parents) and KIT not in file.parents
