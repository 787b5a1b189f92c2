"""Checkpoints: THE format of what a run saves.

    checkpoints/
      step-00000500/
        generator_ab.safetensors     one self-describing file a network (inference/weights.py): the
        ...                          weights to use, which are the averaged ones where `ema` is on
        training.safetensors         what resuming needs beside them, as named tensors:
                                       optimizer/<phase>/<parameter>/<moment>
                                       weights/<network>/<key>   those in training, if `ema` is on
                                       method/<name>             such as image pools
                                       loss/<name>/<key>         weights of a loss that is trained
                                       loss_optimizer/<name>/<parameter>/<moment>
                                       health/...                what the detectors have seen
        training.json                step, which of its periodic tasks are done, seconds trained,
                                     the best so far and how it was chosen, images a step and steps
                                     an epoch, and the SHA-256 of every file above
      latest                         a text file that names the newest whole folder
      best                           one that names the folder with the best metric, if there is one

No pickle, and no state of random generators: every draw is a function of seed and step.

A folder is written as `step-....partial`, synced, then renamed; `latest` and `best` move after
that. So a folder without `.partial` is whole, whenever the process is killed, and both name one. A
resumed run takes the newest whole folder and sets the two files right, for a kill may have come
between the renaming and their turn.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, NonNegativeInt, PositiveInt, ValidationError
from torch import Tensor

from gantrans.errors import CheckpointError, FileError
from gantrans.inference.model_files import (
    PARTIAL,
    STATE_FILE,
    TRAINING_FILE,
    checkpoint_folders,
    sha256_of,
)
from gantrans.inference.weights import (
    WeightsHeader,
    load_tensors,
    read_header,
    save_tensors,
    save_weights,
)
from gantrans.io.received import read_json
from gantrans.training.retention import best_of, folder_of, point, remove, sync


class Evaluated(BaseModel, strict=True):
    """The value that chose a checkpoint, and its step."""

    step: NonNegativeInt
    value: float


class Choice(BaseModel, strict=True):
    """How far the choice of the best is; see `gantrans.training.choice`."""

    metric: str | None
    ranking: list[Evaluated]
    newest: Evaluated | None
    waited: NonNegativeInt
    stopped: bool


class Score(BaseModel, strict=True):
    """The value of a metric, and its values of the baselines; see `gantrans.training.evaluate`."""

    value: float
    baselines: dict[str, float]


class Facts(BaseModel, strict=True):
    """What a resumed run takes from training.json; other keys may be there."""

    step: NonNegativeInt
    done: list[str]
    seconds: float
    best: Evaluated | None
    choice: Choice | None = None
    scores: dict[str, dict[str, Score]]
    plateau: dict[str, int] = {}
    images_per_step: PositiveInt
    steps_per_epoch: PositiveInt
    files: dict[str, str]


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

    If `facts["best"]` names the same step, `best` points at it too.

    Raises:
        CheckpointError: if it cannot be written; what was there before is untouched.
    """
    folder = folder_of(checkpoints, facts["step"])
    partial = folder.with_suffix(PARTIAL)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, (weights, header) in networks.items():
            save_weights(partial / f"{name}.safetensors", weights, header)
        save_tensors(partial / TRAINING_FILE, state)
        digests = {file.name: sha256_of(file) for file in sorted(partial.iterdir())}
        _write_facts(partial, facts, digests)  # the others are synced as they are written
        sync(partial)
        partial.rename(folder)
        sync(checkpoints)
        point(checkpoints, "latest", folder)
        if best_of(checkpoints, facts) == folder:
            point(checkpoints, "best", folder)
    except (OSError, CheckpointError) as error:
        remove(partial)  # its room may be what is missing
        raise _unwritable(folder, error) from error
    return folder


def amend(checkpoints: Path, facts: Mapping[str, Any]) -> None:
    """Replace the facts of the checkpoint of `facts["step"]`; its other files stay as they are.

    For a step whose periodic tasks were finished only after it was saved. `best` follows as in
    `save`.

    Raises:
        CheckpointError: if they cannot be written; the checkpoint is as it was.
    """
    folder = folder_of(checkpoints, facts["step"])
    try:
        digests = read_json(folder / STATE_FILE, within=checkpoints.parent)["files"]
        _write_facts(folder, facts, digests)
        sync(folder)
        if best_of(checkpoints, facts) == folder:
            point(checkpoints, "best", folder)
    except (OSError, FileError, LookupError) as error:
        raise _unwritable(folder, error) from error


def _write_facts(folder: Path, facts: Mapping[str, Any], digests: Mapping[str, str]) -> None:
    """Write training.json beside its place, then move it there."""
    partial = folder / f"{STATE_FILE}{PARTIAL}"
    record = json.dumps({**facts, "files": digests}, indent=1)
    try:
        partial.write_text(record + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(folder / STATE_FILE)
    finally:
        remove(partial)


def _unwritable(folder: Path, error: Exception) -> CheckpointError:
    kept = checkpoint_folders(folder.parent)
    last = f"the last good checkpoint is {kept[-1]}" if kept else "there is no earlier one"
    reason = error.__cause__ or error  # save_tensors has advice of its own
    return CheckpointError(
        f"the checkpoint {folder} cannot be written: {reason}; {last}. Make room (or mend the "
        f"folder's permissions), then go on with: gantrans run --resume {folder.parent.parent}"
    )


def load(folder: Path, device: torch.device) -> Checkpoint:
    """Read a checkpoint and verify every file against its digest.

    Raises:
        CheckpointError: if anything is missing or damaged; it names the file and what to do.
    """
    if folder.suffix == PARTIAL or not folder.is_dir():
        raise _damaged(folder, "it is not there, or was not written to the end")
    run = folder.parent.parent
    try:
        facts = read_json(folder / STATE_FILE, within=run)
        digests = Facts.model_validate(facts).files
    except FileError as error:
        raise _damaged(folder, f"{STATE_FILE} cannot be read ({error.reason})") from None
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise _damaged(folder, f"{STATE_FILE} is wrong at {place!r}: {wrong['msg']}") from None
    del facts["files"]
    for name, digest in digests.items():
        try:
            intact = sha256_of(folder / name, within=run) == digest
        except FileError as error:
            raise _damaged(folder, f"{name} cannot be read ({error.reason})") from None
        if not intact:
            raise _damaged(folder, f"{name} is not what was saved (its SHA-256 differs)")
    files = {
        name.removesuffix(".safetensors"): folder / name
        for name in digests
        if name != TRAINING_FILE
    }
    return Checkpoint(
        folder,
        {name: load_tensors(file, device) for name, file in files.items()},
        {name: read_header(file) for name, file in files.items()},
        load_tensors(folder / TRAINING_FILE, device),
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
        for key, asked in _identity(header).items():
            saved = _identity(found.headers[name]).get(key)
            if saved != asked:
                raise CheckpointError(
                    f"{name} in {found.folder} has {key} = {saved}, the spec says {asked}: go on "
                    "with the spec that the run began with, or begin a new run"
                )


def _identity(header: WeightsHeader) -> dict[str, Any]:
    """What must be equal for weights to fit."""
    channels = {"in_channels": header.in_channels, "out_channels": header.out_channels}
    return {**header.component, **channels}


def _damaged(folder: Path, what: str) -> CheckpointError:
    others = [other for other in checkpoint_folders(folder.parent) if other != folder]
    earlier = [other for other in others if other.name < folder.name]
    if earlier:
        go_on = f"go on from an earlier one: gantrans run --resume {earlier[-1]}"
    elif others:
        go_on = f"go on from another one: gantrans run --resume {others[-1]}"
    else:
        go_on = "there is no other checkpoint; begin a new run"
    return CheckpointError(f"the checkpoint {folder} is damaged: {what}; {go_on}")
