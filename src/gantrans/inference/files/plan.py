"""Which files a translation reads, and which it writes.

Everything that can be wrong with a plan is found here, before any work. Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.errors import UsageError
from gantrans.inference.files.formats import renamed, suffixes_of
from gantrans.inference.files.inputs import Found, find
from gantrans.inference.files.shown import shown
from gantrans.inference.files.whole import is_taken, refuse_special

LONGEST_NAME = 255
"""Bytes that the name of a file can have, in all common file systems."""


@dataclass(frozen=True)
class FileJob:
    """One file to translate, and the files to write.

    Args:
        source: the input.
        target: its translation.
        cycle: the translation of that back again; absent: it is not made.
        compare: all of them side by side; absent: it is not made.
        replaceable: the outputs that may replace a file of their name.
    """

    source: Path
    target: Path
    cycle: Path | None = None
    compare: Path | None = None
    replaceable: frozenset[Path] = frozenset()

    @property
    def outputs(self) -> list[Path]:
        """All files to write."""
        return [path for path in (self.target, self.cycle, self.compare) if path is not None]


@dataclass(frozen=True)
class Wanted:
    """What is written for an input.

    Args:
        format: of still images and animations, as a suffix without its dot; absent: the input's.
        cycle: the translation back again too, as NAME.cycle.png or the like.
        compare: the images side by side too, as NAME.compare.png or the like.
    """

    format: str | None = None
    cycle: bool = False
    compare: bool = False


@dataclass(frozen=True)
class Plan:
    """What will be done.

    Args:
        jobs: in order.
        nested: how many files in subfolders are left out.
        done: how many jobs are left out because their outputs are there.
    """

    jobs: tuple[FileJob, ...]
    nested: int = 0
    done: int = 0


def plan(
    inputs: Iterable[Path],
    out: Path,
    *,
    recursive: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    wanted: Wanted | None = None,
    source: ImageFiles = ORDINARY,
    target: ImageFiles = ORDINARY,
    share: tuple[int, int] = (0, 1),
) -> Plan:
    """Which file goes where; writes nothing.

    Names stay, those of folders below an input too, and so do formats where the files of the
    target domain can have them.

    Args:
        inputs: files, folders and patterns, as `find` takes them.
        out: the folder to write to.
        recursive: whether a folder means its subfolders too.
        overwrite: whether files that are there already may be replaced.
        resume: leave out jobs all of whose outputs are there, and do the others.
        wanted: what is written; absent: the translations alone.
        source: which files are read.
        target: which files are written.
        share: of several processes, which one this is and how many they are: of the jobs of all,
            it has every so manieth.

    Raises:
        UsageError: if an input is missing or no image, if `out` cannot be written to, if a name
            would be too long, or if an output would replace another output, an existing file or
            an input (also in upper or lower case, where the disk ignores that); or if both
            `overwrite` and `resume` are asked for.
    """
    wanted = wanted or Wanted()
    if overwrite and resume:
        raise UsageError(
            "--overwrite does again what is there, and --resume leaves it out: say one of them"
        )
    try:
        _refuse_unwritable(out)
        _refuse_format(wanted.format, target)
        found, nested = find(inputs, suffixes_of(source), recursive=recursive, out=out)
        jobs = [_job(one, out, wanted, source, target) for one in found]
        _refuse_long_names(jobs)
        _refuse_same_names(jobs, out)
        _refuse_inputs(jobs, out)
        rank, ranks = share
        own = jobs[rank::ranks]  # before others have written, and whatever they have written
        left = [job for job in own if not (resume and _is_done(job))]
        if overwrite:
            left = [replace(job, replaceable=frozenset(job.outputs)) for job in left]
        if resume:  # of a job that was not finished, or an empty file that a crash has left
            left = [
                replace(job, replaceable=frozenset(path for path in job.outputs if path.is_file()))
                for job in left
            ]
        _refuse_to_replace(left)
    except OSError as error:
        raise UsageError(f"cannot read {shown(error.filename)}: {error.strerror}") from None
    return Plan(tuple(left), nested, len(own) - len(left))


def _job(
    found: Found, out: Path, wanted: Wanted, source: ImageFiles, target: ImageFiles
) -> FileJob:
    folder = out / found.below.parent
    path = Path(renamed(found.path, target, wanted.format))
    # What comes back again is of the domain that it came from.
    back = Path(renamed(found.path, source, wanted.format if source == target else None))
    return FileJob(
        found.path,
        folder / path,
        folder / f"{back.stem}.cycle{back.suffix}" if wanted.cycle else None,
        folder / f"{path.stem}.compare{path.suffix}" if wanted.compare else None,
    )


def _is_done(job: FileJob) -> bool:
    # One that was renamed to its name is whole. It is empty where a machine went down right then.
    return all(path.is_file() and path.stat().st_size for path in job.outputs)


def _refuse_unwritable(out: Path) -> None:
    above = next(path for path in (out, *out.absolute().parents) if is_taken(path))
    if not above.exists():
        raise UsageError(
            f"cannot write to {shown(out)}: {shown(above)} is a link that leads nowhere; give "
            "another --out"
        )
    if not above.is_dir():
        raise UsageError(
            f"cannot write to {shown(out)}: {shown(above)} is a file; give another --out"
        )
    if not os.access(above, os.W_OK):
        raise UsageError(
            f"cannot write to {shown(out)}: {shown(above)} is read-only, or you have no permission "
            "to write there; give another --out"
        )


def ignores_case(folder: Path) -> bool:
    """Return True if A.png and a.png are one file in the folder, or will be once it is made.

    No system call says so. It is tried out with a file that is gone at once.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    try:
        with NamedTemporaryFile(prefix=".gantrans-case-", dir=there) as probe:
            return Path(probe.name).with_name(Path(probe.name).name.upper()).exists()
    except OSError:  # what cannot be written there is told when it is
        return False


def _refuse_format(format: str | None, target: ImageFiles) -> None:
    if format is not None and f".{format}" not in suffixes_of(target):
        known = " ".join(suffix[1:] for suffix in target.suffixes)
        raise UsageError(
            f"the files of the domain that is translated to cannot be {format} (they are: "
            f"{known}): leave out --format"
        )


def _refuse_long_names(jobs: Sequence[FileJob]) -> None:
    for job in jobs:
        for path in job.outputs:
            if len(os.fsencode(path.name)) > LONGEST_NAME:
                raise UsageError(
                    f"{shown(job.source)} would become {shown(path.name)}, and names have at most "
                    f"{LONGEST_NAME} bytes: give it a shorter name"
                )


def _refuse_same_names(jobs: Sequence[FileJob], out: Path) -> None:
    by_output: dict[str, Path] = {}
    paths = {str(path) for job in jobs for path in job.outputs}
    # Tried out only where it matters, for it means to write.
    alike = len({path.casefold() for path in paths}) < len(paths) and ignores_case(out)

    def name(path: Path) -> str:
        return str(path).casefold() if alike else str(path)

    for job in jobs:
        for path in job.outputs:
            first = by_output.setdefault(name(path), job.source)
            if first is not job.source:
                # The other one may have been written beside its input by an earlier translation.
                kinds = [kind for kind in ("cycle", "compare") if path.stem.endswith(f".{kind}")]
                leaving = f", leave out *.{kinds[0]}.*" if kinds else ""
                raise UsageError(
                    f"{shown(first)} and {shown(job.source)} would both become {shown(path)}: "
                    f"rename one{leaving}, or translate them into two folders"
                )


def _refuse_inputs(jobs: Sequence[FileJob], out: Path) -> None:
    inputs = {_identity(job.source): job.source for job in jobs}
    for job in jobs:
        for path in job.outputs:
            if replaced := inputs.get(_identity(path)):
                raise UsageError(
                    f"--out {shown(out)} would replace the input {shown(replaced)}: give another "
                    "folder"
                )
            if path.is_dir():
                raise UsageError(f"{shown(path)} is a folder, where an image would be written")


def _identity(path: Path) -> tuple[int, int] | str:
    """Device and inode, which no case of letters hides; the real path of what is not there."""
    try:
        status = path.stat()
    except OSError:  # there is none, or a link that leads nowhere
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _refuse_to_replace(jobs: Sequence[FileJob]) -> None:
    for job in jobs:
        for path in job.outputs:
            refuse_special(path)
    there = [
        shown(path)
        for job in jobs
        for path in job.outputs
        if path not in job.replaceable and is_taken(path)
    ]
    if there:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise UsageError(
            f"already there: {', '.join(there[:3])}{more}; use --overwrite to replace "
            f"{'it' if len(there) == 1 else 'them'}, --resume to do what is missing, or another "
            "--out"
        )
