"""Checkpoints: THE format of what a run saves.

    checkpoints/
      step-00000500/
        generator_ab.safetensors     one self-describing file a network (inference/weights.py): the
        ...                          weights to use, which are the averaged ones where `ema` is on
        training.safetensors         what resuming needs beside them, as named tensors:
                                       optimizer/<phase>/<parameter>/<moment>
                                       weights/<network>/<key>   those in training, if `ema` is on
                                       method/<name>             such as image pools
        training.json                step, seconds trained, best metric, image counts, and the
                                     SHA-256 of every file above
      latest                         a text file that names the newest whole folder
      best                           one that names the folder with the best metric, if there is one

No pickle, and no state of random generators: every draw is a function of seed and step.

A folder is written as `step-....partial`, synced, then renamed; `latest` moves after that. So a
folder without `.partial` is whole, whenever the process is killed, and `latest` names one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gantrans.errors import CheckpointError
from gantrans.inference.model_files import pointed
from gantrans.inference.weights import WeightsHeader, load_tensors, read_header, save_weights

TRAINING = "training.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint, read and verified.

    Args:
        folder: where it was.
        networks: state dicts by network name.
        headers: what the networks' files say of themselves.
        state: named tensors for resuming.
        facts: training.json without the digests; "step" is the number of finished steps.
    """

    folder: Path
    networks: Mapping[str, Mapping[str, Tensor]]
    headers: Mapping[str, WeightsHeader]
    state: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def save(
    checkpoints: Path,
    networks: Mapping[str, tuple[Mapping[str, Tensor], WeightsHeader]],
    state: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> Path:
    """Write a checkpoint of `facts["step"]` finished steps and point `latest` at it.

    Raises:
        CheckpointError: if it cannot be written; what was there before is untouched.
    """
    folder = checkpoints / f"step-{facts['step']:08d}"
    partial = folder.with_suffix(".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, (weights, header) in networks.items():
            save_weights(partial / f"{name}.safetensors", weights, header)
        save_file({key: value.contiguous() for key, value in state.items()}, partial / TRAINING)
        digests = {file.name: _digest(file) for file in sorted(partial.iterdir())}
        record = json.dumps({**facts, "files": digests}, indent=1)
        (partial / "training.json").write_text(record + "\n", encoding="utf-8")
        for file in partial.iterdir():
            _sync(file)
        _sync(partial)
        partial.rename(folder)
        _sync(checkpoints)
        point(checkpoints, "latest", folder)
    except (OSError, SafetensorError, CheckpointError) as error:
        shutil.rmtree(partial, ignore_errors=True)  # its room may be what is missing
        last = pointed(checkpoints, "latest")
        kept = f"the last good checkpoint is {last}" if last else "there is no earlier checkpoint"
        raise CheckpointError(
            f"the checkpoint {folder} cannot be written: {error}; {kept}. Make room (or mend the "
            f"folder's permissions), then go on with: gantrans run --resume {checkpoints.parent}"
        ) from error
    return folder


def load(folder: Path, device: torch.device) -> Checkpoint:
    """Read a checkpoint and verify every file against its digest.

    Raises:
        CheckpointError: if anything is missing or damaged; it names the file and what to do.
    """
    try:
        facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        digests: dict[str, str] = facts.pop("files")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise _damaged(folder, f"training.json cannot be read ({error})") from None
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise _damaged(folder, f"{name} is missing")
        if _digest(folder / name) != digest:
            raise _damaged(folder, f"{name} is not what was saved (its SHA-256 differs)")
    files = {
        name.removesuffix(".safetensors"): folder / name for name in digests if name != TRAINING
    }
    return Checkpoint(
        folder,
        {name: load_tensors(file, device) for name, file in files.items()},
        {name: read_header(file) for name, file in files.items()},
        load_file(folder / TRAINING, device=str(device)),
        facts,
    )


def fits(found: Checkpoint, wanted: Mapping[str, WeightsHeader]) -> None:
    """Refuse a checkpoint of other networks: a CheckpointError that says what differs."""
    if set(found.headers) != set(wanted):
        raise CheckpointError(
            f"{found.folder} holds {', '.join(sorted(found.headers))}; the spec needs "
            f"{', '.join(sorted(wanted))}"
        )
    for name, header in wanted.items():
        for what in ("component", "in_channels", "out_channels"):
            saved, asked = getattr(found.headers[name], what), getattr(header, what)
            if saved != asked:
                raise CheckpointError(
                    f"the {what} of {name} in {found.folder} is {saved}, in the spec {asked}: go "
                    "on with the spec that the run began with, or begin a new run"
                )


def point(checkpoints: Path, name: str, folder: Path) -> None:
    """Make the text file `name` name `folder`, at once or not at all."""
    partial = checkpoints / f"{name}.partial"
    partial.write_text(folder.name + "\n", encoding="utf-8")
    _sync(partial)
    partial.replace(checkpoints / name)
    _sync(checkpoints)


def whole(checkpoints: Path) -> list[Path]:
    """Every whole checkpoint folder, oldest first."""
    folders = checkpoints.glob("step-*") if checkpoints.is_dir() else ()
    return sorted(f for f in folders if f.is_dir() and f.suffix != ".partial")


def prune(checkpoints: Path, keep_last: int) -> None:
    """Remove all but the newest `keep_last` folders and the best one."""
    best = pointed(checkpoints, "best")
    for folder in whole(checkpoints)[:-keep_last]:
        if folder != best:
            _remove(folder)


def rewind(checkpoints: Path, to: Path | None, say: Callable[[str], None]) -> None:
    """Make `to` the newest checkpoint, for a run that goes on from there.

    Leftovers of a kill are removed. Later checkpoints, whose steps will be done again, are moved
    to the folder set-aside.
    """
    for leftover in checkpoints.glob("*.partial"):
        _remove(leftover)
    if to is not None:
        point(checkpoints, "latest", to)
    later = [folder for folder in whole(checkpoints) if to is None or folder.name > to.name]
    best = pointed(checkpoints, "best")
    if best in later:
        (checkpoints / "best").unlink()
    for folder in later:
        aside = checkpoints / "set-aside" / folder.name
        _remove(aside)
        aside.parent.mkdir(exist_ok=True)
        folder.rename(aside)
        say(f"set aside the later checkpoint {folder.name}, in {aside.parent}")


def _remove(path: Path) -> None:
    """Remove a folder or file; a folder first gets a name that is never taken for whole."""
    if path.is_dir():
        doomed = path if path.suffix == ".partial" else path.rename(path.with_suffix(".partial"))
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _damaged(folder: Path, what: str) -> CheckpointError:
    others = [other for other in whole(folder.parent) if other != folder]
    go_on = (
        f"go on from an earlier one: gantrans run --resume {others[-1]}"
        if others
        else ("there is no other checkpoint; begin a new run")
    )
    return CheckpointError(f"the checkpoint {folder} is damaged: {what}; {go_on}")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have the disk take what was written, so that a power cut after the rename loses nothing."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot sync folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
