"""Writing several files so that all of them appear, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.whole import is_taken, place


@contextmanager
def written_together(folder: Path, names: Sequence[str], *, overwrite: bool) -> Iterator[Path]:
    """Gives a temporary folder to write `names` into; at the end they are moved to `folder`.

    If anything is raised in between, `folder` is left as it was. Messages name the files in
    `folder` that are to be.

    Args:
        folder: made if need be.
        names: of the files.
        overwrite: whether files of these names that are there already are replaced.

    Raises:
        UsageError: if such files are there and shall stay, or the folder cannot be written to.
        GantransError: if a file cannot be moved, or has appeared by then and shall stay.
    """
    try:
        there = [name for name in names if is_taken(folder / name)]
        folders = [name for name in there if (folder / name).is_dir()]
    except OSError as error:  # a name that is too long
        raise UsageError(f"cannot write to the folder {folder}: {error.strerror}") from None
    if folders:
        raise UsageError(
            f"{folder} has a folder {folders[0]}, where a file would be written: choose another"
        )
    if there and not overwrite:
        raise UsageError(
            f"{folder} has {', '.join(there)} already: choose another folder, or add --overwrite"
        )
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    except OSError as error:
        raise UsageError(
            f"cannot write to the folder {folder}: {error.strerror or error}; choose another"
        ) from None
    done = False
    try:
        yield stage
        _move(stage, folder, names, overwrite)
        done = True
    except GantransError as error:  # which names a file that only lived in between
        error.args = (str(error).replace(str(stage), str(folder)),)
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in [] if done else made:
            with suppress(OSError):  # it is there for something else by now
                path.rmdir()


def _move(stage: Path, folder: Path, names: Sequence[str], overwrite: bool) -> None:
    files = [(stage / name, folder / name) for name in names]
    try:
        place(files, replaceable=[target for _, target in files] if overwrite else ())
    except OSError as error:
        raise GantransError(
            f"cannot write {folder / Path(error.filename or '').name}: "
            f"{error.strerror or error}; choose another folder"
        ) from error
