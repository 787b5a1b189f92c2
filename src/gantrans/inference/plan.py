"""Which image files a translation reads, and which it writes.

Everything that can be wrong with a plan is found here, before any work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.errors import UsageError


@dataclass(frozen=True)
class FileJob:
    """One image file to translate, and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """What will be done: the jobs in order, and how many images in subfolders are left out."""

    jobs: tuple[FileJob, ...]
    nested: int = 0


def plan(
    inputs: Iterable[Path],
    out: Path,
    *,
    overwrite: bool = False,
    source: ImageFiles = ORDINARY,
    target: ImageFiles = ORDINARY,
) -> Plan:
    """Which file goes where; writes nothing.

    Names stay, and so do formats where the files of the target domain can have them.

    Args:
        inputs: image files, and folders whose own images are meant, not those of their subfolders.
        out: the folder to write to.
        overwrite: whether files that are there already may be replaced.
        source: which files are read.
        target: which files are written.

    Raises:
        UsageError: if an input is missing or no image, if `out` cannot be written to, or if an
            output would replace another output, an existing file or an input.
    """
    try:
        _refuse_unwritable(out)
        found, nested = _gather(inputs, out, source)
        # The same file twice (a.png and ./a.png, or a file and its folder) is one job.
        unique = {path.absolute(): path for path in found}
        jobs = tuple(FileJob(path, out / _name(path, target)) for path in unique.values())
        _refuse_same_names(jobs)
        _refuse_to_replace(jobs, out, overwrite)
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from None
    return Plan(jobs, nested)


def _name(path: Path, target: ImageFiles) -> str:
    return path.name if target.named(path) else path.stem + target.suffixes[0]


def _gather(inputs: Iterable[Path], out: Path, files: ImageFiles) -> tuple[list[Path], int]:
    """The image files that are meant, and how many in subfolders are not."""
    sources: list[Path] = []
    nested = 0
    for given in inputs:
        if given.is_dir():
            below = _nested(given, out, files)
            sources += _images_of(given, below, files)
            nested += below
        else:
            sources.append(_image_file(given, files))
    if not sources:
        raise UsageError("nothing to translate: give image files or folders")
    return sources, nested


def _is_image(path: Path, files: ImageFiles) -> bool:
    # Names that begin with a dot are other programs' notes, such as macOS's "._photo.jpg".
    return files.named(path) and not path.name.startswith(".")


def _image_file(path: Path, files: ImageFiles) -> Path:
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}")
    if not files.named(path):
        raise UsageError(
            f"{path} is no image that gantrans can write back (known: {_known(files)}): "
            "convert it, or leave it out"
        )
    return path


def _images_of(folder: Path, nested: int, files: ImageFiles) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if _is_image(path, files) and path.is_file())
    if not found:
        elsewhere = f"; there are {nested} in its subfolders: name those folders" if nested else ""
        raise UsageError(f"no image in {folder} (known: {_known(files)}){elsewhere}")
    return found


def _nested(folder: Path, out: Path, files: ImageFiles) -> int:
    """How many images are in the folder's subfolders, earlier outputs not counted."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if (Path(place) / f).resolve() != out.resolve()]
        if Path(place) != folder:
            count += sum(_is_image(Path(name), files) for name in names)
    return count


def _refuse_unwritable(out: Path) -> None:
    above = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not above.is_dir():
        raise UsageError(f"cannot write to {out}: {above} is a file; give another --out")
    if not os.access(above, os.W_OK):
        raise UsageError(f"cannot write to {out}: no permission in {above}; give another --out")


def _refuse_same_names(jobs: Sequence[FileJob]) -> None:
    by_target: dict[str, Path] = {}
    for job in jobs:
        first = by_target.setdefault(os.path.normcase(job.target), job.source)
        if first is not job.source:
            raise UsageError(
                f"{first} and {job.source} would both become {job.target}: rename one, or "
                "translate them into two folders"
            )


def _refuse_to_replace(jobs: Sequence[FileJob], out: Path, overwrite: bool) -> None:
    inputs = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in inputs:
            raise UsageError(
                f"--out {out} would replace the input {job.source}: give another folder"
            )
        if job.target.is_dir():
            raise UsageError(f"{job.target} is a folder, where an image would be written")
    there = [str(job.target) for job in jobs if job.target.exists()]
    if there and not overwrite:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise UsageError(
            f"already there: {', '.join(there[:3])}{more}; use --overwrite to replace "
            f"{'it' if len(there) == 1 else 'them'}, or another --out"
        )


def _known(files: ImageFiles) -> str:
    return " ".join(sorted(suffix[1:] for suffix in files.suffixes))
