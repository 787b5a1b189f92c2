from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from foreign_networks import patchgan, resnet, save, trained
from gantrans.errors import CheckpointError, GantransError, UsageError
from gantrans.inference.foreign import bring_in
from gantrans.inference.foreign.bring_in import import_weights


def test_existing_files_stay_unless_they_shall_go(tmp_path: Path) -> None:
    files = [
        save(trained(resnet()), tmp_path / "latest_net_G_A.pth"),
        save(trained(resnet()), tmp_path / "latest_net_G_B.pth"),
    ]
    there = tmp_path / "in" / "generator_ba.safetensors"
    there.parent.mkdir()
    there.write_text("mine")

    with pytest.raises(UsageError, match=r"has generator_ba\.safetensors already: .*--overwrite"):
        import_weights(files, there.parent)
    assert [p.name for p in there.parent.iterdir()] == [there.name]
    assert there.read_text() == "mine"

    import_weights(files, there.parent, overwrite=True)
    assert there.read_bytes() != b"mine"
    assert len(list(there.parent.iterdir())) == 2


def test_a_folder_in_the_place_of_a_file_is_said_before_any_file_is_replaced(
    tmp_path: Path,
) -> None:
    files = [save(resnet(), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    (tmp_path / "in" / "generator_ba.safetensors").mkdir(parents=True)
    (tmp_path / "in" / "generator_ab.safetensors").write_text("mine")
    with pytest.raises(UsageError, match=r"in has a folder generator_ba\.safetensors"):
        import_weights(files, tmp_path / "in", overwrite=True)
    assert (tmp_path / "in" / "generator_ab.safetensors").read_text() == "mine"
    assert len(list((tmp_path / "in").iterdir())) == 2


def test_a_file_that_cannot_be_moved_is_one_message_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [save(resnet(), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    link = os.link

    def refused(file: Path, name: Path) -> None:
        if name.name == "generator_ba.safetensors":
            raise OSError(errno.EIO, "Input/output error", str(file), None, str(name))
        link(file, name)

    monkeypatch.setattr(os, "link", refused)
    out = tmp_path / "in"
    with pytest.raises(GantransError) as said:
        import_weights(files, out)
    assert str(said.value).startswith(
        f"cannot write {out / 'generator_ba.safetensors'}: Input/output error"
    )
    assert not out.exists()


def test_a_file_that_appears_during_the_work_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [save(resnet(), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    out = tmp_path / "in"
    mine = out / "generator_ba.safetensors"
    made = tempfile.mkdtemp

    def meanwhile(**options: Any) -> str:
        mine.write_text("mine")
        return made(**options)

    monkeypatch.setattr(tempfile, "mkdtemp", meanwhile)
    with pytest.raises(GantransError, match="generator_ba"):
        import_weights(files, out)
    assert [path.name for path in out.iterdir()] == [mine.name]
    assert mine.read_text() == "mine"


def test_a_model_is_not_mixed_with_the_rest_of_the_one_it_replaces(tmp_path: Path) -> None:
    both = [save(trained(resnet()), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    judge = save(patchgan(), tmp_path / "latest_net_D_B.pth")
    import_weights([*both, judge], tmp_path / "in")
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}

    one_way = save(trained(resnet(), 1), tmp_path / "latest_net_G.pth")
    left = r"in has discriminator_a\.safetensors, generator_ba\.safetensors too.* an empty folder"
    with pytest.raises(UsageError, match=left):
        import_weights([one_way], tmp_path / "in", overwrite=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_a_run_of_gantrans_is_never_written_into(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "latest_net_G.pth")
    (tmp_path / "run" / "checkpoints" / "step-1").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "step-1" / "training.json").touch()
    for folder in (tmp_path / "run", tmp_path / "run" / "checkpoints" / "step-1"):
        with pytest.raises(UsageError, match="as runs of gantrans have"):
            import_weights([file], folder, overwrite=True)


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [save(resnet(), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    save_weights, calls = bring_in.save_weights, list[Path]()

    def full(path: Path, *rest: Any) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise CheckpointError(f"cannot write the weights file {path}: No space left on device")
        save_weights(path, *rest)

    monkeypatch.setattr(bring_in, "save_weights", full)
    with pytest.raises(CheckpointError) as said:
        import_weights(files, tmp_path / "new" / "in")
    real = tmp_path / "new" / "in" / "generator_ba.safetensors"
    assert str(said.value) == f"cannot write the weights file {real}: No space left on device"
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "latest_net_G.pth")
    (tmp_path / "taken").write_text("")
    with pytest.raises(GantransError, match=r"cannot write to the folder .*taken"):
        import_weights([file], tmp_path / "taken")
    with pytest.raises(GantransError, match=r"cannot write to the folder .*: File name too long"):
        import_weights([file], tmp_path / ("w" * 300))
