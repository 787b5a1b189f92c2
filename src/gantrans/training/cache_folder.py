"""The folder that caches are in: where it is, what it may hold, and what is removed from it."""

from __future__ import annotations

import os
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


def cache_folder() -> Path:
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


def cache_file(name: str) -> Path:
    """The place of the cache called `name`. Raises OSError as `cache_folder`."""
    return cache_folder() / CACHES.replace("*", name)


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
            with partial.open("rb") as file:
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
            found[path] = path.stat()
    total = needed + sum(stat.st_size for stat in found.values())
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
