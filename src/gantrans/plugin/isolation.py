"""Runs a plugin's code so that its failure, its slowness and its prints harm nobody else.

What this cannot hold off: code that ends the process (os._exit), that changes it for all (the
working directory, another module's functions), that writes to file descriptor 1 by itself, or that
never returns. Whoever then presses Ctrl-C is told which plugin it was.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from gantrans.errors import PluginError
from gantrans.io.text import shown

_GANTRANS = Path(__file__).parents[1]


@dataclass
class Outcome:
    """How a plugin's code ended.

    Args:
        error: what it raised, if it did.
        seconds: how long it took.
        imports_torch: whether it was the first to import torch, which takes seconds.
    """

    error: BaseException | None = None
    seconds: float = 0.0
    imports_torch: bool = False

    def reason(self, file: Path | None = None) -> str:
        """What it raised, as one line, and where; empty if nothing. Of a `file` the line alone."""
        if self.error is None:
            return ""
        if isinstance(self.error, PluginError):
            return str(self.error)
        try:
            message = " ".join(str(self.error).split())
        except Exception:  # anyone's exception, whose __str__ may fail in turn
            message = ""
        short = message if len(message) <= 300 else f"{message[:297]}..."
        kind = type(self.error).__name__
        return (f"{kind}: {short}" if short else kind) + self._line(file)

    def _line(self, file: Path | None) -> str:
        frames = traceback.extract_tb(self.error.__traceback__) if self.error else []
        if file is None:
            # The import system's own frames, and ours, are last where there was no code to run.
            last = frames[-1].filename if frames else "<"
            known = last.startswith("<") or _GANTRANS in Path(last).parents
            return "" if known else f" ({last}:{frames[-1].lineno})"
        lines = [frame.lineno for frame in frames if frame.filename == str(file)]
        return f" (line {lines[-1]})" if lines else ""


@contextmanager
def isolated(who: object) -> Iterator[Outcome]:
    """Run the code of the plugin `who`: whatever it raises ends up in the Outcome.

    What it prints goes to standard error, since standard output belongs to the command's answer.
    A KeyboardInterrupt is the user's, and passes.
    """
    outcome = Outcome()
    begin, had_torch = perf_counter(), "torch" in sys.modules
    try:
        with redirect_stdout(sys.stderr):
            yield outcome
    except KeyboardInterrupt:
        print(
            f"stopped in the plugin {shown(str(who))}; GANTRANS_PLUGINS=none leaves plugins out",
            file=sys.stderr,
        )
        raise
    except BaseException as error:
        outcome.error = error
    outcome.seconds = perf_counter() - begin
    outcome.imports_torch = not had_torch and "torch" in sys.modules
