"""Writing several files so that all of them appear, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gantrans.errors import UsageError


@contextmanager
def written_together(folder: Path, names: Sequence[str], *, overwrite: bool) -> Iterator[Path]:
    """Gives a temporary folder to write `names` into; at the end they are moved to `folder`.

    If anything is raised in between, `folder` is left as it was.

    Args:
        folder: made if need be.
        names: of the files.
        overwrite: whether files of these names that are there already are replaced.

    Raises:
        UsageError: if such files are there and shall stay, or the folder cannot be written to.
    """
    there = [name for name in names if (folder / name).exists()]
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
        for name in names:
            (stage / name).replace(folder / name)
        done = True
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in [] if done else made:
            with suppress(OSError):  # it is there for something else by now
                path.rmdir()
