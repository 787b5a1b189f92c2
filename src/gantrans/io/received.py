"""Opening files of a folder that may come from someone else, such as a run that was downloaded.

Such a folder can hold a link to any file of this machine, a pipe that nobody writes to, a link to
a device without end, or JSON nested a million levels deep. So whatever reads a file of a run or of
a model opens it here: regular files alone, none outside of the folder, texts of a bounded size,
JSON of a bounded depth. Opening never blocks.

This is about folders that lie still. It does not hold against a process that exchanges files while
they are read; a folder that somebody else can write to needs the permissions of the file system.
"""

from __future__ import annotations

import json
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

from gantrans.errors import FileError, MissingFileError

LARGEST_TEXT = 16 * 2**20
"""Bytes of a text that is read as a whole."""

DEEPEST = 100
"""Levels of lists and tables in JSON; what gantrans writes has about ten."""

# What a system lacks (Windows knows no O_NOFOLLOW), it does not do either.
_CLOSED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_READ = os.O_RDONLY | _CLOSED | getattr(os, "O_BINARY", 0)
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | _CLOSED | getattr(os, "O_BINARY", 0)


def open_regular(path: Path, within: Path | None = None) -> BufferedReader:
    """Open a regular file for reading.

    Args:
        path: the file. Links are followed as far as `within` allows.
        within: the folder that the file has to be in, such as the run directory, which may itself
            be reached through a link; None for a file that the user named, wherever it is.

    Raises:
        MissingFileError: if there is no such file.
        FileError: if it is a folder, a pipe or a device, lies outside of `within`, or cannot be
            opened.
    """
    try:
        real = Path(os.path.realpath(path, strict=True))
        if within is not None and not real.is_relative_to(os.path.realpath(within)):
            raise FileError(path, f"it is a link that leads out of {within}; put a copy there")
        _refuse_irregular(path, real.stat())  # opening alone already does something to a device
        descriptor = os.open(real, _READ)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(path, "there is no such file") from None
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from None
    except ValueError as error:  # no name that a file can have
        raise FileError(path, str(error)) from None
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, within: Path | None = None, most: int = LARGEST_TEXT) -> bytes:
    """Read a whole file of at most `most` bytes. Raises as `open_regular`, also if it has more."""
    try:
        with open_regular(path, within) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from None
    if len(content) > most:
        raise FileError(path, f"it has more than {most} bytes, which no such file needs")
    return content


def read_text(path: Path, within: Path | None = None) -> str:
    """Read a text in UTF-8. Raises as `read_bytes`, also if it is none."""
    try:
        return read_bytes(path, within).decode("utf-8")
    except UnicodeDecodeError:
        raise FileError(path, "it is no text in UTF-8") from None


def read_json(path: Path, within: Path | None = None) -> Any:
    """Read a JSON file of a run. Raises as `read_text`, also for what `parse_json` refuses.

    Refuses lone surrogates too, which no file can be named by, except those that stand for a byte
    of a file name that is no UTF-8.
    """
    text = read_text(path, within)
    try:
        found = parse_json(text)
        if "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise FileError(path, "it has half a character (a lone surrogate)") from None
    except ValueError as error:
        raise FileError(path, f"it is no valid JSON ({error})") from None
    return found


def parse_json(text: str | bytes) -> Any:
    """Parse JSON, of bytes in UTF-8.

    Raises:
        ValueError: if it is none, or has more than `DEEPEST` levels.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(found):
        raise ValueError("it is nested too deeply")
    return found


def check_folder(folder: Path) -> None:
    """Refuse a folder in which writing could change something outside, or wait without end.

    Everything in it has to be a regular file, a folder, or a link to something inside.

    Raises:
        FileError: if something is a link that leads out or nowhere, a pipe, a socket or a device.
    """
    root = os.path.realpath(folder)
    left = [root]
    while left:
        place = left.pop()
        try:
            with os.scandir(place) as listed:
                entries = list(listed)
        except OSError:  # nothing can be written in there either
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                left.append(entry.path)
            elif entry.is_symlink():
                _refuse_leaving(Path(entry.path), root)
            elif not entry.is_file(follow_symlinks=False):
                raise FileError(entry.path, "it is a pipe or a device; remove it", "go on with")


def open_to_append(path: Path) -> int:
    """Open a regular file for reading and appending, made if it is not there; give its descriptor.

    Raises:
        FileError: if it is a link, a pipe or a device, or has a second name somewhere.
        OSError: if it cannot be opened or made.
    """
    if path.is_symlink():
        raise FileError(path, "it is a link; remove it", "write")
    descriptor = os.open(path, _APPEND, 0o644)
    try:
        found = os.fstat(descriptor)
        _refuse_irregular(path, found)
        if found.st_nlink > 1:
            raise FileError(path, "it is a hard link to another file; remove it", "write")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_irregular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise FileError(path, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise FileError(path, "it is a pipe or a device, and no regular file")


def _refuse_leaving(link: Path, root: str) -> None:
    try:
        inside = Path(os.path.realpath(link, strict=True)).is_relative_to(root)
    except OSError:
        inside = False
    if not inside:
        reason = f"it is a link that leads nowhere or out of {root}; put a copy there, or remove it"
        raise FileError(link, reason, "go on with")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += [v for v in one.values() if isinstance(v, dict | list)]
            elif isinstance(one, list):
                inner += [v for v in one if isinstance(v, dict | list)]
        if not inner:
            return False
        level = inner
    return True
