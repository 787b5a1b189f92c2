"""Which checkpoints a run has, which of them it keeps, and from which it goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from gantrans.errors import FileError
from gantrans.inference.model_files import PARTIAL, POINTERS, checkpoint_folders
from gantrans.io.received import read_text
from gantrans.spec.model import Train


def folder_of(checkpoints: Path, step: int) -> Path:
    """Where the checkpoint of `step` finished steps is, or would be."""
    return checkpoints / f"step-{step:08d}"


def best_of(checkpoints: Path, facts: Mapping[str, Any]) -> Path | None:
    """The folder that a checkpoint's `facts` call the best so far; it may be gone."""
    return folder_of(checkpoints, facts["best"]["step"]) if facts["best"] else None


def prune(checkpoints: Path, train: Train, best: Collection[int]) -> None:
    """Remove what is neither one of the newest `keep_last`, nor at a multiple of `keep_every`, nor
    of the steps `best`, nor what the files `best` and `latest` name.
    """
    kept = {folder_of(checkpoints, step).name for step in best}
    for name in POINTERS:
        with contextlib.suppress(FileError):
            kept.add(read_text(checkpoints / name).strip())
    for folder in checkpoint_folders(checkpoints)[: -train.keep_last]:
        step = folder.name.removeprefix("step-")
        for_good = train.keep_every and step.isdigit() and int(step) % train.keep_every == 0
        if folder.name not in kept and not for_good:
            remove(folder)


def rewind(
    checkpoints: Path, to: tuple[Path, Mapping[str, Any]] | None, say: Callable[[str], None]
) -> None:
    """Make a checkpoint, given as its folder and facts, the newest: the run goes on from there.

    Leftovers of a kill are removed. Later checkpoints, whose steps will be done again, are moved
    to the folder set-aside.

    Raises:
        OSError: if that is not allowed.
    """
    for leftover in checkpoints.glob(f"*{PARTIAL}"):
        remove(leftover)
    if to is not None:
        folder, facts = to
        point(checkpoints, "latest", folder)
        best = best_of(checkpoints, facts)
        if best is not None and best.is_dir():
            point(checkpoints, "best", best)
        else:
            (checkpoints / "best").unlink(missing_ok=True)
    for later in checkpoint_folders(checkpoints):
        if to is None or later.name > to[0].name:
            aside = checkpoints / "set-aside" / later.name
            remove(aside)
            aside.parent.mkdir(exist_ok=True)
            later.rename(aside)
            say(f"set aside the later checkpoint {later.name}, in {aside.parent}")


def point(checkpoints: Path, name: str, folder: Path) -> None:
    """Make the text file `name` name `folder`, at once or not at all."""
    partial = checkpoints / f"{name}{PARTIAL}"
    try:
        partial.write_text(folder.name + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(checkpoints / name)
    finally:
        remove(partial)
    sync(checkpoints)


def remove(path: Path) -> None:
    """Remove a folder or file; what cannot be removed stays.

    A folder first gets a name that is never taken for whole.
    """
    with contextlib.suppress(OSError):
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        doomed = path.with_suffix(PARTIAL)
        if path != doomed:
            shutil.rmtree(doomed, ignore_errors=True)
            path.rename(doomed)
        shutil.rmtree(doomed)


def sync(path: Path) -> None:
    """Have the disk take what was written, so that a power cut after the rename loses nothing."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot sync folders
    # Windows syncs only what is open for writing.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
