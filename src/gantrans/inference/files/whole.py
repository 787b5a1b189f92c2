"""Files that appear under their name only when they are whole, and replace none unasked."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.shown import shown

NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EINVAL, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP}
)
"""How file systems say that they have no hard links: FAT, and some network drives."""


@contextmanager
def appearing(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path beside `target` to write to; at the end it gets the name of `target`.

    If the end is not reached, nothing is left behind. Folders are made if need be.

    Args:
        target: the file that is to appear.
        overwrite: whether it replaces a file of that name; else a file that is there by then, even
            if it appeared during the work, stays as it is.

    Raises:
        GantransError: if a file is there that must not be replaced, or a pipe or a device.
        OSError: if the file cannot be written.
    """
    with appearing_together([target], replaceable=[target] if overwrite else ()) as [beside]:
        yield beside


@contextmanager
def appearing_together(
    targets: Sequence[Path], *, replaceable: Collection[Path] = ()
) -> Iterator[list[Path]]:
    """Like `appearing` for several files: all of them appear, or none of the new ones.

    Args:
        targets: the files that are to appear.
        replaceable: those that may replace a file of their name.

    Raises:
        GantransError: if a file is there that must not be replaced, or a pipe or a device.
        OSError: if a file cannot be written.
    """
    # By names of their own: that of a target may be as long as a name can be, and another command,
    # on this machine or another, may be writing the same target.
    besides = [
        target.with_name(f".gantrans-{token_hex(8)}.partial{target.suffix}") for target in targets
    ]
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        yield besides
        place(list(zip(besides, targets, strict=True)), replaceable=replaceable)
    finally:
        # They were renamed, or could never be made: that error is the one to tell.
        for beside in besides:
            with suppress(OSError):
                beside.unlink()


def place(files: Sequence[tuple[Path, Path]], *, replaceable: Collection[Path] = ()) -> None:
    """Give whole files their names: all of them, or none of the new ones.

    A name outside of `replaceable` never replaces anything, whoever made it and however late: it
    is made as a hard link, which fails if something of that name is there. Where the file system
    has no hard links, an empty file is created exclusively and then replaced: still no two
    commands replace each other's files, but a program that writes into the empty file in between
    loses that, and a process that is killed in between leaves it empty. A name in `replaceable`
    that is a link is replaced itself, never the file that it leads to.

    Args:
        files: each file, and the name that it gets, on the same file system. The file may keep
            its own name beside that.
        replaceable: the names that may replace a file.

    Raises:
        GantransError: if something is there that must not be replaced.
        OSError: if the file system refuses.
    """
    made: list[Path] = []
    try:
        for file, name in files:
            if name not in replaceable:
                _place_new(file, name)
                made.append(name)
        for file, name in files:
            if name in replaceable:
                refuse_special(name)
                file.replace(name)
    except BaseException:
        for name in made:
            with suppress(OSError):
                name.unlink()
        raise


def _place_new(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileExistsError:
        raise _appeared(name) from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _claim(name)
        try:
            file.replace(name)
        except OSError:
            name.unlink()
            raise


def _claim(name: Path) -> None:
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise _appeared(name) from None


def _appeared(name: Path) -> GantransError:
    return GantransError(
        f"{shown(name)} appeared during the work, and stays as it is: move it away, or write to "
        "another place"
    )


def is_taken(path: Path) -> bool:
    """Return True if something has this name, a link that leads nowhere included.

    Raises OSError, such as for a name that is too long.
    """
    return path.is_symlink() or path.exists()


def refuse_special(target: Path) -> None:
    """Raise UsageError if `target` is a pipe or a device, or a link to one."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise UsageError(f"{shown(target)} is a pipe or a device, which no file replaces")


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
        refuse_special(target)
        if is_taken(target) and not overwrite:
            raise UsageError(f"{target} exists; choose another {option}, or say --overwrite")
    except OSError as error:  # a name that is too long
        raise UsageError(
            f"cannot write {target}: {error.strerror}; give another {option}"
        ) from None
    if not os.access(target.parent, os.W_OK):
        raise UsageError(
            f"cannot write {target}: no permission in {target.parent}; give another {option}"
        )
