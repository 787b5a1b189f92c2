"""Run directories and checkpoints that cannot be used or written: one message, nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gantrans.inference.model_files import checkpoint_folders
from processes import Launcher, everything, last_step


def test_a_filled_run_directory_is_refused_and_untouched(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("five years of work")
    before = everything(tmp_path)
    said = launcher("run", spec, "--run-dir", "mine", cwd=tmp_path).complaint(2)
    assert "mine exists and is not empty" in said and "--run-dir" in said
    assert everything(tmp_path) == before


def test_a_run_directory_below_a_file(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = everything(tmp_path)
    said = launcher("run", spec, "--run-dir", "file/run", cwd=tmp_path).complaint(1)
    assert "cannot make the run directory file/run" in said and "--run-dir" in said
    assert everything(tmp_path) == before


@pytest.fixture
def guest(spec: Path, tmp_path: Path) -> Iterator[tuple[Path, int | None]]:
    """A folder with the spec in it, and a user whom permissions bind: root they do not."""
    if os.getuid():
        yield tmp_path, None
        return
    needed = [Path(sys.prefix).resolve(), Path(__file__).resolve()]
    if not all(p.stat().st_mode & 0o005 for path in needed for p in (path, *path.parents)):
        pytest.skip(
            "root's environment or clone is private: no other user can run gantrans from it"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(spec, folder)
        yield folder, 65534


def test_a_run_directory_without_permission(
    launcher: Launcher, guest: tuple[Path, int | None]
) -> None:
    folder, uid = guest
    forbidden = folder / "forbidden"
    forbidden.mkdir()
    forbidden.chmod(0o555)
    spec = folder / "tiny.toml"
    said = launcher("run", spec, "--run-dir", forbidden / "run", cwd=folder, uid=uid).complaint(1)
    assert f"{forbidden / 'run'}: Permission denied" in said and "--run-dir" in said
    forbidden.chmod(0o000)
    said = launcher("run", spec, "--run-dir", forbidden / "run", cwd=folder, uid=uid).complaint(1)
    assert "Permission denied" in said
    forbidden.chmod(0o755)
    assert everything(forbidden) == {}


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_a_run_without_permission_has_no_report(
    launcher: Launcher, guest: tuple[Path, int | None], mode: int
) -> None:
    folder, uid = guest
    run = folder / "run"
    run.mkdir()
    (run / "metrics.jsonl").touch()
    run.chmod(mode)
    said = launcher("report", run, cwd=folder, uid=uid).complaint(2)
    assert f"cannot read the run {run}: Permission denied; see to it that you may list" in said
    run.chmod(0o755)


def test_a_run_that_may_not_be_written_any_more(
    launcher: Launcher, guest: tuple[Path, int | None]
) -> None:
    folder, uid = guest
    spec, run = folder / "tiny.toml", folder / "run"
    assert launcher("run", spec, "--run-dir", run, cwd=folder).code == 0
    (run / "summary.json").unlink()
    shutil.rmtree(run / "checkpoints" / "step-00000012")
    places = [run, *(path for path in run.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    before = everything(run)
    said = launcher("run", "--resume", run, cwd=folder, uid=uid).complaint(1)
    assert "Permission denied" in said and f"gantrans run --resume {run}" in said
    assert everything(run) == before
    for place in places:
        place.chmod(0o755)


def test_a_folder_that_is_no_run(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    for place in ("holiday", "nowhere"):
        said = launcher("run", "--resume", place, cwd=tmp_path).complaint(2)
        assert f"{place} is no run directory" in said
    assert everything(tmp_path / "holiday") == {}


def test_a_run_without_spec_and_a_new_directory_with_resume(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    assert "name a spec to run" in launcher("run", cwd=tmp_path).complaint(2)
    said = launcher("run", "--resume", "x", "--run-dir", "y", cwd=tmp_path).complaint(2)
    assert "--run-dir" in said and "--resume" in said
    assert not (tmp_path / "y").exists()


FILES = [
    "generator_ab.safetensors", "generator_ba.safetensors", "discriminator_a.safetensors",
    "discriminator_b.safetensors", "training.safetensors", "training.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def unfinished(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """A run with checkpoints of the steps 2 and 4 of 12. Not to be changed."""
    folder = tmp_path_factory.mktemp("unfinished")
    (folder / "tiny.toml").write_text(tiny)
    settings = ["--set", "train.keep_last=99"]
    assert launcher("run", "tiny.toml", *settings, "--run-dir", "run", cwd=folder).code == 0
    for step in checkpoint_folders(folder / "run" / "checkpoints")[2:]:
        shutil.rmtree(step)
    (folder / "run" / "summary.json").unlink()
    return folder / "run"


@pytest.mark.parametrize("name", FILES)
def test_a_checkpoint_cut_in_half(
    launcher: Launcher, unfinished: Path, tmp_path: Path, name: str
) -> None:
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    newest, earlier = (run / "checkpoints" / f"step-0000000{n}" for n in (4, 2))
    content = (newest / name).read_bytes()
    (newest / name).write_bytes(content[: len(content) // 2])
    before = everything(run)
    said = launcher("run", "--resume", run, cwd=tmp_path).complaint(1)
    assert f"{newest} is damaged: {name}" in said
    assert f"gantrans run --resume {earlier}" in said
    assert everything(run) == before

    ended = launcher("run", "--resume", earlier, cwd=tmp_path)  # what the message advises
    assert ended.code == 0 and "going on at step 2" in ended.out
    assert last_step(run) == 12


def test_a_file_missing_from_the_only_checkpoint(
    launcher: Launcher, unfinished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints" / "step-00000002")
    (run / "checkpoints" / "step-00000004" / "training.json").unlink()
    for named in (run, run / "checkpoints" / "step-00000004"):
        said = launcher("run", "--resume", named, cwd=tmp_path).complaint(1)
        assert "training.json" in said and "begin a new run" in said


def test_a_full_disk(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    whole, disk = tmp_path / "whole", tmp_path / "disk"
    settings = ["--set", "generator.width=16"]  # weights are most of a checkpoint
    assert launcher("run", spec, *settings, "--run-dir", whole, cwd=tmp_path).code == 0
    # Room for about two checkpoints and a half.
    newest = checkpoint_folders(whole / "checkpoints")[-1]
    size = sum(-(-file.stat().st_size // 4096) * 4096 for file in newest.iterdir())
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size * 5 // 2 + 2**16}", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        run = disk / "run"
        said = launcher("run", spec, *settings, "--run-dir", run, cwd=tmp_path).complaint(1)
        kept = checkpoint_folders(run / "checkpoints")
        assert [folder.name for folder in kept] == ["step-00000002", "step-00000004"]
        assert "step-00000006 cannot be written" in said and "No space left" in said
        assert f"the last good checkpoint is {kept[-1]}" in said and "Make room" in said
        assert list(run.rglob("*.partial")) == []

        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        ended = launcher("run", "--resume", run, cwd=tmp_path)
        assert ended.code == 0, ended
        for file in newest.glob("*.safetensors"):
            twin = run / "checkpoints" / newest.name / file.name
            assert twin.read_bytes() == file.read_bytes()
    finally:
        subprocess.run(["umount", disk], check=True)
