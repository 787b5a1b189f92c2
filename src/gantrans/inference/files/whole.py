"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gantrans.errors import UsageError


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, renamed to it at the end; gone if that is not reached.

    Folders are made if need be. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # By a name of its own: that of the target may be as long as a name can be.
    own = f"{os.getpid()}-{sha256(os.fsencode(target.name)).hexdigest()[:12]}"
    beside = target.with_name(f".gantrans-{own}.partial{target.suffix}")
    try:
        yield beside
        beside.replace(target)
    finally:
        # It was renamed, or could never be made: that error is the one to tell.
        with suppress(OSError):
            beside.unlink()


def refuse_unwritable(target: Path, *, overwrite: bool, option: str = "--out") -> None:
    """Say before the work for a file begins that it cannot be written.

    Args:
        target: the file that an option named; its folder has to be there.
        overwrite: whether a file that is there already may be replaced.
        option: what the option is called.

    Raises:
        UsageError: if there is no such folder, or something is in the way.
    """
    try:
        if not target.parent.is_dir():
            raise UsageError(f"cannot write {target}: there is no folder {target.parent}")
        if target.is_dir():
            raise UsageError(f"{target} is a folder, where a file would be written")
        if target.exists() and not target.is_file():
            raise UsageError(f"{target} is a pipe or a device, which no file replaces")
        if target.exists() and not overwrite:
            raise UsageError(f"{target} exists; choose another {option}, or say --overwrite")
    except OSError as error:  # a name that is too long
        raise UsageError(
            f"cannot write {target}: {error.strerror}; give another {option}"
        ) from None
    if not os.access(target.parent, os.W_OK):
        raise UsageError(
            f"cannot write {target}: no permission in {target.parent}; give another {option}"
        )
