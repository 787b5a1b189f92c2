"""What a MODEL on the command line may be, and which generator files it stands for.

A run directory (its best checkpoint is taken, else its newest), a checkpoint folder, or one
generator file. In a run directory, `checkpoints/` has a folder for each checkpoint, and the text
files `best` and `latest`, each with the name of one of them. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from gantrans.errors import CheckpointError
from gantrans.inference.header import does_not_translate, read_header, unreadable

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
    if model.is_file() and model.suffix in FOREIGN:
        raise CheckpointError(
            f"{model} is a file of another program: bring it in with gantrans import-weights"
        )
    if model.is_file():
        files = [model]
    else:
        checkpoints = model / "checkpoints"
        folder = _best_or_latest(model, checkpoints) if checkpoints.is_dir() else model
        files = sorted(folder.glob("generator_*.safetensors"))
        others = [] if files else sorted(folder.glob("*.safetensors"))
        for file in others:
            if file.name != TRAINING_FILE and (header := read_header(file)).kind == "method":
                raise CheckpointError(does_not_translate(file, header))
        if not files:
            raise CheckpointError(
                f"there is no generator_*.safetensors in {folder}: give a run directory, a "
                "checkpoint folder or a generator file"
            )
    for file in files:
        _check_whole(file)
    return files


def pointed(checkpoints: Path, name: str) -> Path | None:
    """The checkpoint folder that the text file `name` ("best", "latest") names; None without one.

    Raises:
        CheckpointError: if the file names no checkpoint that is there.
    """
    pointer = checkpoints / name
    try:
        folder = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"cannot read {pointer}: {error}") from None
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


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _best_or_latest(run: Path, checkpoints: Path) -> Path:
    found = pointed(checkpoints, "best") or pointed(checkpoints, "latest")
    if found is None:
        raise CheckpointError(
            f"the run {run} has no checkpoint yet: wait for its first, or train it on with "
            f"`gantrans run --resume {run}`"
        )
    return found


def _check_whole(file: Path) -> None:
    """Compare a file with the digest that its checkpoint has of it, if it is in a checkpoint."""
    try:
        file.open("rb").close()  # safetensors says of every file that it cannot open: not there
    except OSError as error:
        raise CheckpointError(f"cannot read {file}: {error.strerror}") from None
    checkpoint = file.absolute().parent
    if checkpoint.suffix == PARTIAL:
        raise CheckpointError(
            f"{checkpoint} is a checkpoint that was not written to the end; {_others(checkpoint)}"
        )
    state = checkpoint / STATE_FILE
    if not state.is_file():
        return
    try:
        digest = json.loads(state.read_text(encoding="utf-8"))["files"].get(file.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise _damaged(state) from None
    try:
        whole = digest is None or digest == sha256_of(file)
    except OSError as error:
        raise unreadable(file, error) from None
    if not whole:
        raise _damaged(file)


def _damaged(file: Path) -> CheckpointError:
    return CheckpointError(
        f"{file} is damaged, it is not what was saved: use another checkpoint; "
        f"{_others(file.absolute().parent)}"
    )


def _others(checkpoint: Path) -> str:
    return _listed([c for c in checkpoint_folders(checkpoint.parent) if c != checkpoint])


def _listed(checkpoints: list[Path]) -> str:
    if not checkpoints:
        return "there is no other"
    return f"there are: {', '.join(map(str, checkpoints))}"
