"""Whether a run is being trained right now: a lock on a file in its directory.

The lock goes with the process, however that ends, and no child inherits it. The file goes when a
session ends well; it says on which machine the lock can be asked for. Windows has no such locks.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gantrans.errors import FileError, UsageError
from gantrans.io.received import open_regular, open_to_append, read_bytes

if sys.platform != "win32":
    import fcntl

FILE = "running"

_held: set[Path] = set()
"""Runs that this process trains: to open and close their file would drop the lock."""


@contextmanager
def running(run: Path) -> Iterator[None]:
    """While a process trains a run, no other one may.

    Raises:
        UsageError: if another process trains it.
        FileError: if the file is a link, a pipe or a device.
    """
    file = _locked(run)
    if file is None:  # whatever is wrong with the folder, training says it better
        yield
        return
    _held.add(run.resolve())
    try:
        with suppress(OSError):  # such as a full disk
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {platform.node()}\n".encode())
        yield
    finally:
        with suppress(OSError):
            (run / FILE).unlink()
        _held.discard(run.resolve())
        os.close(file)


def is_running(run: Path) -> bool | None:
    """Whether a process trains a run; None: that cannot be told here."""
    if run.resolve() in _held:
        return True
    if sys.platform == "win32" or not _said(run).endswith(f" on {platform.node()}"):
        return None
    try:
        with open_regular(run / FILE, within=run) as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except (OSError, FileError):
        return None
    return False


def _locked(run: Path) -> int | None:
    """The file, open and locked; None if it cannot be opened."""
    while True:
        try:
            file = open_to_append(run / FILE)
        except OSError:
            return None
        if sys.platform == "win32":
            return file
        try:
            _lock(file, run)
            if os.fstat(file).st_ino == (run / FILE).stat().st_ino:
                return file
        except OSError:  # it was removed just now, by a session that ended
            pass
        except UsageError:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int, run: Path) -> None:
    for again in (True, False):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except (BlockingIOError, PermissionError):
            if again:  # a report may just be asking
                time.sleep(0.2)
        except OSError:  # some network disks know no locks
            return
    raise UsageError(
        f"the run {run} is being trained by another process ({_said(run)}): wait for its end, or "
        "stop it with Ctrl-C or SIGTERM, which saves it"
    )


def _said(run: Path) -> str:
    try:
        return read_bytes(run / FILE, run, most=1000).decode("utf-8", "replace").strip()
    except FileError:
        return ""
