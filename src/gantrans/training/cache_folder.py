"""The folder that caches are in: where it is, what it may hold, and what is removed from it.

It may be shared, so of the files in it only those of this user are read, counted and removed.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

if sys.platform != "win32":
    import fcntl


CACHES, PARTIALS = "images-*.cache", "images-*.partial"
"""How the files of the folder are called. Whatever else lies in it belongs to others."""


def named_folder() -> Path:
    """$GANTRANS_CACHE, or else gantrans in $XDG_CACHE_HOME, or in .cache in the home folder.

    Raises OSError if there is no home folder.
    """
    if own := os.environ.get("GANTRANS_CACHE"):
        return Path(own)
    if common := os.environ.get("XDG_CACHE_HOME"):
        return Path(common) / "gantrans"
    try:
        return Path.home() / ".cache/gantrans"
    except RuntimeError as error:
        raise OSError(f"{error} Set GANTRANS_CACHE to a folder") from error


def cache_folder() -> Path:
    """The named folder, or a folder of the user's own in it if it belongs to another user.

    Raises OSError if there is no home folder, or if the user's own belongs to another.
    """
    named = named_folder()
    if not named.exists() or _is_own(named.stat()):
        return named
    own = named / f"user-{os.geteuid()}"
    with suppress(FileNotFoundError):
        if not _is_own(own.lstat()):
            raise PermissionError(
                f"{own} belongs to another user. Set GANTRANS_CACHE to a folder of your own"
            )
    return own


def cache_file(name: str) -> Path:
    """The place of the cache called `name`. Raises OSError as `cache_folder`."""
    return cache_folder() / CACHES.replace("*", name)


def open_own(path: Path, *, append: bool = False) -> IO[bytes]:
    """Open a file that belongs to this user and that no other can write.

    Raises OSError for any other, a link, or something that is no file.
    """
    flags = os.O_RDWR | os.O_APPEND if append else os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # of a FIFO, to open it would wait
        flags |= getattr(os, name, 0)
    file = os.fdopen(os.open(path, flags), "ab" if append else "rb")
    found = os.fstat(file.fileno())  # of what was opened: the name may be another's by now
    shared = sys.platform != "win32" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISREG(found.st_mode) or not _is_own(found) or shared:
        file.close()
        raise PermissionError(f"{path} is no file of this user's alone")
    return file


def _is_own(found: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user; on Windows, where folders do that, always."""
    return sys.platform == "win32" or found.st_uid == os.geteuid()


@contextmanager
def partial_file(place: Path) -> Iterator[IO[bytes]]:
    """A new file that takes `place` at the end, or is removed if something is raised.

    It has a name of its own, so that several processes may write for one place, and it is locked as
    long as it is written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        dir=place.parent, prefix=place.stem + "-", suffix=".partial", delete=False
    ) as file:
        try:
            if sys.platform != "win32":
                with suppress(OSError):  # some network disks know no locks
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()  # no system but POSIX renames what is open
            Path(file.name).replace(place)
        except BaseException:
            with suppress(OSError):  # it writes what is left, for which there may be no room
                file.close()
            Path(file.name).unlink(missing_ok=True)
            raise


def clear_abandoned(folder: Path) -> None:
    """Remove the partial files whose writers have ended."""
    for partial in folder.glob(PARTIALS):
        with suppress(OSError):  # it is locked; or gone by now
            with open_own(partial) as file:
                if sys.platform != "win32":
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()  # which Windows refuses while somebody writes


def make_room(folder: Path, needed: int, bound: int, keep: Collection[Path]) -> bool:
    """Remove the caches that were used longest ago, until `needed` bytes more are within `bound`.

    A process that has one open keeps what it has of it.

    Args:
        folder: of the caches.
        needed: bytes of a new one.
        bound: bytes that all of them may have.
        keep: those that must stay.

    Returns:
        Whether there is room; nothing is removed if there cannot be.
    """
    found = {}
    for path in [*folder.glob(CACHES), *folder.glob(PARTIALS)]:
        with suppress(OSError):
            if _is_own(at := path.lstat()):
                found[path] = at
    total = needed + sum(at.st_size for at in found.values())
    old = [p for p in found if p.suffix == ".cache" and p not in keep]
    if total - sum(found[path].st_size for path in old) > bound:
        return False
    for path in sorted(old, key=lambda p: found[p].st_mtime_ns):
        if total <= bound:
            break
        with suppress(OSError):
            path.unlink()
            total -= found[path].st_size
    return total <= bound
