"""Which files the inputs of a translation mean: files, folders, patterns. Imports no torch."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable
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
            raise UsageError(f"there is no file or folder {shown(given)}")
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
    inner, outer = out.resolve(), folder.resolve()
    return inner.relative_to(outer) if inner != outer and inner.is_relative_to(outer) else None


def _matching(pattern: Path, suffixes: Collection[str], out: Path) -> list[Found]:
    """The files that a pattern matches; they lie below its part without wildcards.

    A folder whose name looks like a pattern, such as "photos [2020]", is that folder.
    """
    base, parts = Path(), list(pattern.parts)
    while parts and (not glob.has_magic(parts[0]) or (base / parts[0]).exists()):
        base /= parts.pop(0)
    below = Path(glob.escape(str(base)), *parts)
    outputs = _outputs(base, out)
    matches = sorted(Path(match) for match in glob.glob(str(below), recursive=True))  # noqa: PTH207
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


def _known(suffixes: Collection[str]) -> str:
    return " ".join(sorted(suffix[1:] for suffix in suffixes))
