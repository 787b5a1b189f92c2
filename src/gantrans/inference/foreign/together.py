"""Writing several files so that all of them appear, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gantrans.errors import GantransError, UsageError


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
        GantransError: if a file cannot be moved, which says what was moved before it.
    """
    try:
        there = [name for name in names if (folder / name).exists()]
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
        _move(stage, folder, names)
        done = True
    except GantransError as error:  # which names a file that only lived in between
        error.args = (str(error).replace(str(stage), str(folder)),)
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in [] if done else made:
            with suppress(OSError):  # it is there for something else by now
                path.rmdir()


def _move(stage: Path, folder: Path, names: Sequence[str]) -> None:
    moved: list[str] = []
    for name in names:
        try:
            (stage / name).replace(folder / name)
        except OSError as error:
            after = f", after {', '.join(moved)} had been written" if moved else ""
            raise GantransError(
                f"cannot write {folder / name}: {error.strerror or error}{after}; choose another "
                "folder"
            ) from error
        moved.append(name)
