from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.errors import CheckpointError
from gantrans.inference.model_files import checkpoint_folders
from gantrans.inference.weights import WeightsHeader
from gantrans.spec.model import Train
from gantrans.training import checkpoint, retention

CPU = torch.device("cpu")
FACTS = {"done": ["log"], "seconds": 1.5, "scores": {}, "images_per_step": 4, "steps_per_epoch": 2}
HEADER = WeightsHeader(
    kind="generator",
    component={"type": "resnet", "width": 2},
    plugin={"name": "gantrans", "version": "0"},
    role="generator_ab",
    domains={"a": "summer", "b": "winter"},
    source="a",
    target="b",
    in_channels=3,
    out_channels=3,
    value_range=(-1.0, 1.0),
    preprocessing={},
    step=0,
    run="test",
)


def weights(step: int) -> dict[str, Tensor]:
    return {"layer.weight": torch.full((3, 2), float(step))}


def state(step: int) -> dict[str, Tensor]:
    # A transposed view, and one that shares its storage: files take neither.
    moments = torch.arange(6.0).reshape(2, 3) * step
    return {"optimizer/generators/0/exp_avg": moments.T, "method/pool_a": moments[0]}


def save(place: Path, step: int, best: int | None = None) -> Path:
    chosen = {"step": best, "value": 9.0} if best else None
    facts = {"step": step, "best": chosen, **FACTS}
    return checkpoint.save(place, {"generator_ab": (weights(step), HEADER)}, state(step), facts)


def loaded(folder: Path) -> tuple[Path, Any]:
    return folder, checkpoint.load(folder, CPU).facts


def say_nothing(line: str) -> None:
    pass


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    folder = save(tmp_path, 5)
    found = checkpoint.load(folder, CPU)
    assert folder == found.folder == tmp_path / "step-00000005"
    assert torch.equal(found.networks["generator_ab"]["layer.weight"], weights(5)["layer.weight"])
    assert found.headers["generator_ab"] == HEADER
    assert found.state.keys() == state(5).keys()
    assert all(torch.equal(found.state[key], value) for key, value in state(5).items())
    assert found.facts == {"step": 5, "best": None, **FACTS}


def test_latest_and_best_name_folders(tmp_path: Path) -> None:
    save(tmp_path, 1, best=1)
    save(tmp_path, 2, best=1)
    assert (tmp_path / "latest").read_text() == "step-00000002\n"
    assert (tmp_path / "best").read_text() == "step-00000001\n"
    save(tmp_path, 3, best=3)
    assert (tmp_path / "best").read_text() == "step-00000003\n"
    assert list(tmp_path.glob("*.partial")) == []


def test_files_may_be_read_by_whoever_may_read_their_folder(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    modes = {file.name: file.stat().st_mode for file in save(tmp_path, 1).iterdir()}
    assert set(modes.values()) == {plain.stat().st_mode}


def test_only_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in range(1, 7):
        save(tmp_path, step)
    retention.prune(tmp_path, Train(keep_last=2), best=[3])
    assert numbers(tmp_path) == [3, 5, 6]
    retention.prune(tmp_path, Train(keep_last=1), best=[])
    assert numbers(tmp_path) == [6]


def test_the_best_few_and_those_at_regular_steps_are_kept_for_good(tmp_path: Path) -> None:
    train = Train(keep_last=1, keep_every=4, keep_best=2, checkpoint_every=2)
    for step in range(1, 11):
        save(tmp_path, step)
        retention.prune(tmp_path, train, best=[1, 3])
    assert numbers(tmp_path) == [1, 3, 4, 8, 10]
    retention.prune(tmp_path, train, best=[3])
    assert numbers(tmp_path) == [3, 4, 8, 10]


def test_what_best_and_latest_name_is_never_removed(tmp_path: Path) -> None:
    """As after a choice of another metric: the file still names what the old one chose."""
    save(tmp_path, 1, best=1)
    for step in (2, 3, 4):
        save(tmp_path, step)
    (tmp_path / "latest").write_text("step-00000002\n")
    retention.prune(tmp_path, Train(keep_last=1), best=[])
    assert numbers(tmp_path) == [1, 2, 4]


def numbers(place: Path) -> list[int]:
    return [int(folder.name.removeprefix("step-")) for folder in checkpoint_folders(place)]


def test_a_half_written_folder_does_not_count_and_is_not_loaded(tmp_path: Path) -> None:
    save(tmp_path, 1)
    half = save(tmp_path, 2).rename(tmp_path / f"step-00000002{checkpoint.PARTIAL}")
    assert [f.name for f in checkpoint_folders(tmp_path)] == ["step-00000001"]
    with pytest.raises(CheckpointError, match=r"not written to the end.*step-00000001"):
        checkpoint.load(half, CPU)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "training.json").write_text('{"step": 2}'),
        lambda folder: (folder / "training.json").write_text("[]"),
        lambda folder: (folder / "training.json").write_text('{"files": [1]}'),
        lambda folder: (folder / "training.safetensors").unlink(),
        lambda folder: os.truncate(folder / "generator_ab.safetensors", 50),
        lambda folder: flip_a_bit(folder / "generator_ab.safetensors"),
        lambda folder: flip_a_bit(folder / "training.safetensors"),
    ],
)  # fmt: skip
def test_any_damage_is_noticed(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    earlier, folder = save(tmp_path, 1), save(tmp_path, 2)
    spoil(folder)
    with pytest.raises(CheckpointError, match="is damaged") as error:
        checkpoint.load(folder, CPU)
    assert f"gantrans run --resume {earlier}" in str(error.value)


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


# Each names a function that writes, and at which of its calls the disk is full.
FULL = [
    ("gantrans.training.checkpoint.save_weights", 0),
    ("gantrans.training.checkpoint.save_tensors", 0),
    ("gantrans.training.checkpoint.sync", 0),
    ("gantrans.training.checkpoint.sync", 1),
    ("pathlib.Path.mkdir", 0),
    ("pathlib.Path.write_text", 0),
    ("pathlib.Path.rename", 0),
]


@pytest.mark.parametrize(("function", "call"), FULL)
def test_a_full_disk_keeps_the_last_checkpoint_and_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, call: int
) -> None:
    run = tmp_path / "run"
    checkpoints = run / "checkpoints"
    kept = save(checkpoints, 1)
    with monkeypatch.context() as patch:
        fail_at(patch, function, call)
        with pytest.raises(CheckpointError, match="No space left on device") as error:
            save(checkpoints, 2)
    said = str(error.value)
    assert f"{checkpoints / 'step-00000002'} cannot be written" in said
    assert f"the last good checkpoint is {kept}" in said
    assert f"gantrans run --resume {run}" in said
    assert sorted(path.name for path in checkpoints.iterdir()) == ["latest", "step-00000001"]
    assert (checkpoints / "latest").read_text() == "step-00000001\n"
    assert checkpoint.load(kept, CPU).facts["step"] == 1
    save(checkpoints, 2)  # and when there is room again
    assert (checkpoints / "latest").read_text() == "step-00000002\n"


def test_a_disk_that_is_full_for_latest_alone_keeps_both_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1)
    with monkeypatch.context() as patch:
        fail_at(patch, "pathlib.Path.write_text", 1)
        with pytest.raises(CheckpointError, match=r"last good checkpoint is .*step-00000002"):
            save(tmp_path, 2)
    assert (tmp_path / "latest").read_text() == "step-00000001\n"
    assert [f.name[-1] for f in checkpoint_folders(tmp_path)] == ["1", "2"]
    assert list(tmp_path.glob("*.partial")) == []


def fail_at(patch: pytest.MonkeyPatch, function: str, call: int) -> None:
    owner, _, name = function.rpartition(".")
    place: Any = Path if owner == "pathlib.Path" else checkpoint
    right, calls = getattr(place, name), []

    def wrong(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        if len(calls) == call + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return right(*arguments, **named)

    patch.setattr(place, name, wrong)


def test_going_back_sets_later_checkpoints_aside_and_both_pointers_right(tmp_path: Path) -> None:
    save(tmp_path, 1, best=1)
    middle = save(tmp_path, 2, best=1)
    save(tmp_path, 3, best=3)
    (tmp_path / "latest.partial").touch()
    said: list[str] = []
    retention.rewind(tmp_path, loaded(middle), said.append)
    assert (tmp_path / "latest").read_text() == "step-00000002\n"
    assert (tmp_path / "best").read_text() == "step-00000001\n"
    assert [f.name for f in (tmp_path / "set-aside").iterdir()] == ["step-00000003"]
    assert list(tmp_path.glob("*.partial")) == []
    assert len(said) == 1 and "step-00000003" in said[0]

    save(tmp_path, 3, best=3)  # done again, and gone back again: nothing is in the way
    retention.rewind(tmp_path, loaded(middle), say_nothing)
    assert [f.name[-1] for f in checkpoint_folders(tmp_path)] == ["1", "2"]


def test_a_kill_before_best_was_moved_is_made_up_for(tmp_path: Path) -> None:
    save(tmp_path, 1, best=1)
    newest = save(tmp_path, 2, best=2)
    (tmp_path / "best").write_text("step-00000001\n")
    retention.rewind(tmp_path, loaded(newest), say_nothing)
    assert (tmp_path / "best").read_text() == "step-00000002\n"


def test_best_is_forgotten_if_its_checkpoint_is_gone(tmp_path: Path) -> None:
    newest = save(tmp_path, 4, best=2)
    (tmp_path / "best").write_text("step-00000009\n")
    retention.rewind(tmp_path, loaded(newest), say_nothing)
    assert not (tmp_path / "best").exists()


def test_training_json_lists_the_digest_of_every_file(tmp_path: Path) -> None:
    folder = save(tmp_path, 1)
    digests = json.loads((folder / "training.json").read_text())["files"]
    assert digests.keys() | {"training.json"} == {file.name for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("step", value) for value in ("2", -1, 2.5, None, True)),
        *(("seconds", value) for value in ("long", None, [], 10**400)),
        *(("best", value) for value in ([], {"step": "1"}, {"value": 1.0}, 7)),
        *(("choice", value) for value in ([], {}, {"metric": "psnr", "ranking": [{}]})),
        *(("scores", value) for value in ([], {"a->b": 3}, {"a->b": {"psnr": {"value": "x"}}})),
        *(("images_per_step", value) for value in (0, "4", [])),
        *(("plateau", value) for value in ([], {"waited": "long"})),
        *(("files", value) for value in ([], 3, {"generator_ab.safetensors": 5})),
        *(("files", {name: ""}) for name in ("../../thesis.txt", "/dev/zero", "\ud800", "", "x\0")),
    ],
)
def test_facts_that_are_none_are_named(tmp_path: Path, key: str, value: Any) -> None:
    (tmp_path / "thesis.txt").touch()
    folder = save(tmp_path / "run" / "checkpoints", 1)
    file = folder / "training.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    with pytest.raises(CheckpointError, match=r"step-00000001 is damaged: .*cannot be|is wrong at"):
        checkpoint.load(folder, CPU)
