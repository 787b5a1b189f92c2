"""What a session of training leaves behind at its end: why it ended, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from gantrans.errors import GantransError
from gantrans.io.text import shown
from gantrans.report.report import report
from gantrans.report.state import ENDED
from gantrans.training.rundir import RunDirectory


@contextmanager
def noting_the_end(run: RunDirectory, say: Callable[[str], None]) -> Iterator[None]:
    """Around training: if it raises, log.txt gets the reason, and the report is written."""
    try:
        yield
    except Exception as error:
        unexpected = "" if isinstance(error, GantransError) else f"{type(error).__name__}: "
        reason = unexpected + " ".join(str(error).split())
        with suppress(OSError), (run.path / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {ENDED}{shown(reason)}\n")
        leave_report(run, say)
        raise


def leave_report(run: RunDirectory, say: Callable[[str], None]) -> None:
    """Write the report of a run and say the verdict and where it is; a failure is only said."""
    try:
        written = report([run.path])
    except Exception as error:  # a page is no reason to lose a run
        say(f"the report could not be written: {error} (gantrans report {run.path} tries again)")
    else:
        say(f"verdict: {written.verdicts[0].sentence}")
        say(f"report: {written.path}")
