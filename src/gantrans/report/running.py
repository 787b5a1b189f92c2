"""Whether a run is being trained right now: a lock on a file in its directory.

The lock goes with the process, however that ends, and no child inherits it. The file goes when a
session ends well; it says on which machine the lock can be asked for. Windows has no such locks.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gantrans.errors import UsageError

if sys.platform != "win32":
    import fcntl

FILE = "running"


@contextmanager
def running(run: Path) -> Iterator[None]:
    """While a process trains a run, no other one may.

    Raises:
        UsageError: if another process trains it.
    """
    try:
        file = (run / FILE).open("a+", encoding="utf-8")
    except OSError:  # whatever is wrong with the folder, training says it better
        yield
        return
    with file:
        if sys.platform != "win32":
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"the run {run} is being trained by another process ({_said(run)}): wait for "
                    "its end, or stop it with Ctrl-C or SIGTERM, which saves it"
                ) from None
            except OSError:
                pass  # some network disks know no locks
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                (run / FILE).unlink()


def is_running(run: Path) -> bool | None:
    """Whether a process trains a run; None: that cannot be told here."""
    if sys.platform == "win32" or not _said(run).endswith(f" on {platform.node()}"):
        return None
    try:
        with (run / FILE).open("r+", encoding="utf-8") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _said(run: Path) -> str:
    try:
        return (run / FILE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
