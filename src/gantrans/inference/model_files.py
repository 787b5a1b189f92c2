"""What a MODEL on the command line may be, and which generator files it stands for.

A run directory (its best checkpoint is taken, else its newest), a checkpoint folder, or one
generator file. In a run directory, `checkpoints/` has a folder for each checkpoint, and the text
files `best` and `latest`, each with the name of one of them. Imports no torch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from gantrans.errors import CheckpointError, FileError, MissingFileError
from gantrans.inference.header import does_not_translate, read_header
from gantrans.io.received import open_regular, read_json, read_text

PARTIAL = ".partial"
"""How the name of a checkpoint folder ends while it is being written; such a one is never read."""

TRAINING_FILE = "training.safetensors"
"""The file of a checkpoint folder with what resuming needs beside the networks."""

POINTERS = ("best", "latest")
"""The text files beside checkpoints that name one of them."""

FOREIGN = (".pth", ".pt", ".ckpt")
"""How files of weights end that gantrans does not write."""

STATE_FILE = "training.json"
"""The file of a checkpoint folder whose `files` has the SHA-256 of the others, in hexadecimal."""


def generator_files(model: Path) -> list[Path]:
    """The generator files that `model` stands for, whole as far as their checkpoint can tell.

    Raises:
        CheckpointError: if it is nothing of the kind, has no checkpoint yet, or a file is damaged.
    """
    if not model.exists():
        raise CheckpointError(
            f"there is no {model}: give a run directory, a checkpoint folder or a generator file"
        )
    if model.is_file() and model.parent.name == "checkpoints" and model.name in POINTERS:
        model = pointed(model.parent, model.name) or model
    if model.exists() and not (model.is_file() or model.is_dir()):
        raise CheckpointError(
            f"{model} is a pipe or a device: give a run directory, a checkpoint folder or a "
            "generator file"
        )
    if model.is_file() and model.suffix in FOREIGN:
        raise CheckpointError(
            f"{model} is a file of another program: bring it in with gantrans import-weights"
        )
    within = None
    if model.is_file():
        files = [model]
    else:
        within = _run_or_folder(model)
        checkpoints = model / "checkpoints"
        folder = _best_or_latest(model, checkpoints) if checkpoints.is_dir() else model
        files = sorted(folder.glob("generator_*.safetensors"))
        others = [] if files else sorted(folder.glob("*.safetensors"))
        for file in others:
            if file.name == TRAINING_FILE:
                continue
            if (header := read_header(file, within)).kind == "method":
                raise CheckpointError(does_not_translate(file, header))
        if not files:
            raise CheckpointError(
                f"there is no generator_*.safetensors in {folder}: give a run directory, a "
                "checkpoint folder or a generator file"
            )
    for file in files:
        _check_whole(file, within)
    return files


def pointed(checkpoints: Path, name: str) -> Path | None:
    """The checkpoint folder that the text file `name` ("best", "latest") names; None without one.

    Raises:
        CheckpointError: if the file names no checkpoint that is there.
    """
    pointer = checkpoints / name
    try:
        folder = read_text(pointer, within=checkpoints.parent).strip()
    except MissingFileError:
        return None
    there = checkpoint_folders(checkpoints)
    for checkpoint in there:
        if checkpoint.name == folder:
            return checkpoint
    raise CheckpointError(
        f"{pointer} names the checkpoint {folder!r}, which is not there; {_listed(there)}"
    )


def checkpoint_folders(checkpoints: Path) -> list[Path]:
    """The checkpoints that were written to the end, the oldest first."""
    folders = checkpoints.glob("step-*") if checkpoints.is_dir() else ()
    return sorted(f for f in folders if f.is_dir() and f.suffix != PARTIAL)


def sha256_of(file: Path, within: Path | None = None) -> str:
    """The SHA-256 of a file's content, in hexadecimal.

    Raises:
        FileError: as of `open_regular`.
    """
    try:
        with open_regular(file, within) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(file, error.strerror or str(error)) from None


def _run_or_folder(folder: Path) -> Path:
    """The folder that the files of a model must not leave: the run of a checkpoint, or itself."""
    parent = folder.absolute().parent
    return parent.parent if parent.name == "checkpoints" else folder


def _best_or_latest(run: Path, checkpoints: Path) -> Path:
    found = pointed(checkpoints, "best") or pointed(checkpoints, "latest")
    if found is None:
        raise CheckpointError(
            f"the run {run} has no checkpoint yet: wait for its first, or train it on with "
            f"`gantrans run --resume {run}`"
        )
    return found


def _check_whole(file: Path, within: Path | None) -> None:
    """Compare a file with the digest that its checkpoint has of it, if it is in a checkpoint.

    Args:
        file: of a network.
        within: the folder that it must not leave; None: the user named the file itself.
    """
    open_regular(file, within).close()  # safetensors says of what it cannot open: not there
    checkpoint = file.absolute().parent
    if checkpoint.suffix == PARTIAL:
        raise CheckpointError(
            f"{checkpoint} is a checkpoint that was not written to the end; {_others(checkpoint)}"
        )
    state = checkpoint / STATE_FILE
    try:
        digest = read_json(state, within or checkpoint)["files"].get(file.name)
    except MissingFileError:
        return
    except FileError as error:
        raise _damaged(state, error.reason) from None
    except (LookupError, TypeError, AttributeError):
        raise _damaged(state) from None
    if digest is not None and digest != sha256_of(file, within):
        raise _damaged(file)


def _damaged(file: Path, why: str = "it is not what was saved") -> CheckpointError:
    return CheckpointError(
        f"{file} is damaged, {why}: use another checkpoint; {_others(file.absolute().parent)}"
    )


def _others(checkpoint: Path) -> str:
    return _listed([c for c in checkpoint_folders(checkpoint.parent) if c != checkpoint])


def _listed(checkpoints: list[Path]) -> str:
    if not checkpoints:
        return "there is no other"
    return f"there are: {', '.join(map(str, checkpoints))}"
