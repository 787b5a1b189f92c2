"""Which files the inputs of a translation mean: files, folders, patterns. Imports no torch."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gantrans.api.folders import contents
from gantrans.errors import DataError, UsageError
from gantrans.inference.files.shown import shown


@dataclass(frozen=True)
class Found:
    """A file to translate, and where it lies below the input that means it."""

    path: Path
    below: Path


def find(
    inputs: Iterable[Path], suffixes: Collection[str], *, recursive: bool = False, out: Path
) -> tuple[list[Found], int]:
    """The files that `inputs` mean, each once, and how many in subfolders are left out.

    Args:
        inputs: files; folders; and, where there is no such file, patterns with `*`, `?`, `[...]`
            and `**`, of which the files are meant whose names end right.
        suffixes: how names end, in lower case.
        recursive: whether a folder means the files of its subfolders too.
        out: the folder to write to; what lies in it is no input of a folder around it.

    Raises:
        UsageError: if an input is not there, has another suffix, or means no file at all; or if
            a folder must not be read.
    """
    found: list[Found] = []
    nested = 0
    for given in inputs:
        if given.is_dir():
            files, left_out = _in_folder(given, suffixes, recursive, out)
            found += files
            nested += left_out
        elif given.exists():
            found.append(_file(given, suffixes))
        elif glob.has_magic(str(given)):
            found += _matching(given, suffixes, out)
        else:
            nowhere = ": it is a link that leads nowhere" if given.is_symlink() else ""
            raise UsageError(f"there is no file or folder {shown(given)}{nowhere}")
    if not found:
        raise UsageError("nothing to translate: give image files or folders")
    # The same file twice (a.png and ./a.png, or a file and its folder) is one.
    return list({one.path.absolute(): one for one in found}.values()), nested


def _file(path: Path, suffixes: Collection[str]) -> Found:
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{shown(path)} is no image that gantrans can write back (known: {_known(suffixes)}): "
            "convert it, or leave it out"
        )
    if not path.is_file():
        raise UsageError(f"{shown(path)} is a pipe or a device: save what it gives to a file first")
    return Found(path, Path(path.name))


def _in_folder(
    folder: Path, suffixes: Collection[str], recursive: bool, out: Path
) -> tuple[list[Found], int]:
    try:
        below = [Path(name) for name in contents(folder, suffixes).images]
    except DataError as error:
        raise UsageError(str(error)) from None
    if outputs := _outputs(folder, out):
        below = [name for name in below if not name.is_relative_to(outputs)]
    nested = 0 if recursive else sum(len(name.parts) > 1 for name in below)
    meant = [name for name in below if recursive or len(name.parts) == 1]
    if not meant:
        elsewhere = f"; there are {nested} in its subfolders: use --recursive" if nested else ""
        raise UsageError(f"no image in {shown(folder)} (known: {_known(suffixes)}){elsewhere}")
    return [Found(folder / name, name) for name in meant], nested


def _outputs(folder: Path, out: Path) -> Path | None:
    """Where in `folder` the folder to write to lies, if it does, and is not the same."""
    # Not Path.resolve, which raises RuntimeError for links in a circle.
    inner, outer = (Path(os.path.realpath(path)) for path in (out, folder))
    return inner.relative_to(outer) if inner != outer and inner.is_relative_to(outer) else None


def _matching(pattern: Path, suffixes: Collection[str], out: Path) -> list[Found]:
    """The files that a pattern matches; they lie below its part without wildcards.

    A folder whose name looks like a pattern, such as "photos [2020]", is that folder.
    """
    base, parts = Path(), list(pattern.parts)
    while parts and (not glob.has_magic(parts[0]) or (base / parts[0]).exists()):
        base /= parts.pop(0)
    if ".." in parts:
        raise UsageError(
            f"{shown(pattern)} has .. behind a wildcard, so where its images lie below "
            f"{shown(base)} is not known: leave out the .."
        )
    outputs = _outputs(base, out)
    matches = sorted(set(_expanded(base, parts, set())))
    files = [
        Found(path, path.relative_to(base))
        for path in matches
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not (outputs and path.relative_to(base).is_relative_to(outputs))
    ]
    if not files:
        raise UsageError(f"no image matches {shown(pattern)} (known: {_known(suffixes)})")
    return files


def _expanded(base: Path, parts: list[str], seen: set[tuple[str, int]]) -> Iterator[Path]:
    """Yield the paths in `base` that the parts of a pattern match, as glob.glob does.

    Of the folders that `**` means, each real one is visited once, so that links to folders above
    come to an end; `seen` has them, and how many parts of the pattern were left. Some of the paths
    may not be there.
    """
    if not parts:
        yield base
        return
    part, *rest = parts
    if part == "**":
        folders = [base]
        while folders:
            folder = folders.pop()
            at = (os.path.realpath(folder), len(rest))
            if at in seen:
                continue
            seen.add(at)
            yield from _expanded(folder, rest or ["*"], seen)
            inner = [folder / name for name in _names(folder, "*")]
            folders += [path for path in reversed(inner) if os.path.isdir(path)]  # noqa: PTH112
    elif glob.has_magic(part):
        for name in _names(base, part):
            yield from _expanded(base / name, rest, seen)
    else:
        yield from _expanded(base / part, rest, seen)


def _names(folder: Path, pattern: str) -> list[str]:
    """The names in a folder that match, sorted, hidden ones if the pattern says so."""
    try:
        names = fnmatch.filter((path.name for path in folder.iterdir()), pattern)
    except OSError:  # it must not be read, or is no folder
        return []
    return sorted(n for n in names if pattern.startswith(".") or not n.startswith("."))


def _known(suffixes: Collection[str]) -> str:
    return " ".join(sorted(suffix[1:] for suffix in suffixes))
