from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from gantrans.errors import CheckpointError
from gantrans.inference.model_files import checkpoint_folders, generator_files, pointed


def checkpoint(run: Path, step: int, suffix: str = "") -> Path:
    """A checkpoint as training leaves it, with a few bytes for each network."""
    folder = run / "checkpoints" / f"step-{step:08d}{suffix}"
    folder.mkdir(parents=True)
    digests = {}
    for name in ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"):
        content = f"{name} {step}".encode()
        (folder / f"{name}.safetensors").write_bytes(content)
        digests[f"{name}.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "training.json").write_text(json.dumps({"step": step, "files": digests}))
    return folder


def point(run: Path, name: str, folder: Path) -> None:
    (run / "checkpoints" / name).write_text(folder.name + "\n")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path / "seasons-001"
    folders = [checkpoint(run, step) for step in (500, 1000, 1500)]
    checkpoint(run, 2000, ".partial")
    point(run, "latest", folders[2])
    return run


def names(files: list[Path]) -> list[tuple[str, str]]:
    return [(file.parent.name, file.name) for file in files]


def both_of(step: int) -> list[tuple[str, str]]:
    folder = f"step-{step:08d}"
    return [(folder, "generator_ab.safetensors"), (folder, "generator_ba.safetensors")]


def test_of_a_run_the_newest_checkpoint_is_taken_while_none_is_best(run):
    assert names(generator_files(run)) == both_of(1500)


def test_of_a_run_the_best_checkpoint_is_taken_before_the_newest(run):
    point(run, "best", run / "checkpoints" / "step-00000500")
    assert names(generator_files(run)) == both_of(500)


def test_a_checkpoint_folder_is_taken_as_it_is(run):
    assert names(generator_files(run / "checkpoints" / "step-00001000")) == both_of(1000)


def test_a_pointer_stands_for_the_checkpoint_that_it_names(run):
    assert names(generator_files(run / "checkpoints" / "latest")) == both_of(1500)
    point(run, "best", run / "checkpoints" / "step-00000500")
    assert names(generator_files(run / "checkpoints" / "best")) == both_of(500)


def test_weights_of_another_project_are_sent_to_import_weights(tmp_path):
    (tmp_path / "latest_net_G.pth").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"latest_net_G.pth is a file of another program.*im"):
        generator_files(tmp_path / "latest_net_G.pth")


def test_one_file_is_taken_alone(run):
    file = run / "checkpoints" / "step-00001000" / "generator_ba.safetensors"
    assert generator_files(file) == [file]


def test_generators_without_a_checkpoint_around_them_are_taken(run, tmp_path):
    file = tmp_path / "shared" / "generator_ab.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    assert generator_files(file.parent) == [file]
    assert generator_files(file) == [file]


def test_a_run_without_a_checkpoint_says_so(tmp_path):
    (tmp_path / "x-001" / "checkpoints").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="has no checkpoint yet"):
        generator_files(tmp_path / "x-001")


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(CheckpointError, match=r"no generator_\*\.safetensors in .*photos"):
        generator_files(tmp_path / "photos")
    with pytest.raises(CheckpointError, match=r"there is no .*nowhere"):
        generator_files(tmp_path / "nowhere")


def test_half_written_checkpoints_are_neither_listed_nor_taken(run):
    assert [f.name for f in checkpoint_folders(run / "checkpoints")] == [
        "step-00000500",
        "step-00001000",
        "step-00001500",
    ]
    partial = run / "checkpoints" / "step-00002000.partial"
    for model in (partial, partial / "generator_ab.safetensors"):
        with pytest.raises(CheckpointError, match=r"not written to the end.*step-00001500"):
            generator_files(model)


@pytest.mark.parametrize(
    "text", ["step-00009999", "step-00002000.partial", "", "../checkpoints/step-00000500", "."]
)
def test_a_pointer_to_no_whole_checkpoint_names_those_that_are_there(run, text):
    (run / "checkpoints" / "latest").write_text(text)
    with pytest.raises(CheckpointError, match=r"latest names .*not there.*step-00000500"):
        pointed(run / "checkpoints", "latest")


def test_a_pointer_that_is_no_text_is_an_error(run):
    (run / "checkpoints" / "latest").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match="cannot read"):
        pointed(run / "checkpoints", "latest")


def test_without_a_pointer_nothing_is_pointed_at(run, tmp_path):
    assert pointed(run / "checkpoints", "best") is None
    assert pointed(tmp_path / "none", "latest") is None


@pytest.mark.parametrize("given", ["run", "folder", "file"])
def test_a_generator_that_is_not_what_was_saved_is_refused_and_others_are_named(run, given):
    folder = run / "checkpoints" / "step-00001500"
    file = folder / "generator_ba.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(CheckpointError, match=r"generator_ba.* is damaged") as caught:
        generator_files({"run": run, "folder": folder, "file": file}[given])
    assert "step-00000500" in str(caught.value)
    assert "step-00001000" in str(caught.value)
    assert "partial" not in str(caught.value)


def test_only_the_files_that_are_used_are_compared(run):
    folder = run / "checkpoints" / "step-00001500"
    (folder / "discriminator_a.safetensors").write_bytes(b"?")
    (folder / "generator_ab.safetensors").write_bytes(b"?")
    file = folder / "generator_ba.safetensors"
    assert generator_files(file) == [file]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3}'])
def test_a_damaged_training_json_is_named(run, text):
    (run / "checkpoints" / "step-00001500" / "training.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"training\.json is damaged"):
        generator_files(run)


def test_a_generator_that_training_json_does_not_list_is_taken(run):
    folder = run / "checkpoints" / "step-00001500"
    (folder / "generator_extra.safetensors").write_bytes(b"added by hand")
    assert folder / "generator_extra.safetensors" in generator_files(folder)


@pytest.mark.parametrize("name", ["pipe", "zero", "loop"])
def test_a_model_without_an_end_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CheckpointError, match=name):
        generator_files(tmp_path / name)


def test_a_generator_file_that_the_user_names_may_be_a_link(run, tmp_path):
    (tmp_path / "mine.safetensors").symlink_to(
        run / "checkpoints" / "step-00000500" / "generator_ab.safetensors"
    )
    assert generator_files(tmp_path / "mine.safetensors") == [tmp_path / "mine.safetensors"]


@pytest.mark.parametrize("model", ["", "checkpoints/step-00000500"])
def test_a_model_does_not_reach_out_of_its_run(run, tmp_path, model):
    point(run, "best", run / "checkpoints" / "step-00000500")
    file = run / "checkpoints" / "step-00000500" / "generator_ab.safetensors"
    outside = file.rename(tmp_path / "outside")
    file.symlink_to(outside)
    with pytest.raises(CheckpointError, match=r"generator_ab\.safetensors: .* leads out of"):
        generator_files(run / model)


@pytest.mark.parametrize("how", ["step", "run"])
def test_a_run_or_checkpoint_may_itself_be_a_link(run, tmp_path, how):
    target = run if how == "run" else run / "checkpoints" / "step-00000500"
    (tmp_path / "short").symlink_to(target)
    assert len(generator_files(tmp_path / "short")) == 2
