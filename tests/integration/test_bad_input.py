"""What a user can get wrong ends with one clear message, and nothing is lost or half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gantrans.training import checkpoint


def complaint(ended: Any, code: int) -> str:
    """The one message of a command that ended with `code`."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.out + ended.err
    assert [line[:7] for line in ended.err.splitlines()].index("error: ") == 0
    assert ended.err.count("\nerror: ") == 0
    return str(ended.err)


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def last_step(run: Path) -> int:
    """Of the newest checkpoint, which is whole."""
    folders = checkpoint.whole(run / "checkpoints")
    return int(checkpoint.load(folders[-1], torch.device("cpu")).facts["step"]) if folders else 0


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six gray-blue pictures of 20 x 24 pixels in each of trainA and trainB."""
    root = tmp_path / "photos"
    for domain in ("trainA", "trainB"):
        (root / domain).mkdir(parents=True)
        for n in range(6):
            Image.new("RGB", (20, 24), (20 * n, 90, 180)).save(root / domain / f"{n}.png")
    return root


@pytest.fixture
def own(spec: Path, photos: Path) -> Path:
    """The spec with these pictures as its data, on crops of 16."""
    text = spec.read_text()
    start, end = text.index("[data]"), text.index("[generator]")
    data = (
        '[data]\ntype = "unpaired_folder"\nroot = "photos"\nworkers = 0\n'
        "[data.transform]\ncrop = 16\n\n"
    )
    spec.write_text(text[:start] + data + text[end:])
    return spec


# --- data


def test_a_missing_folder(launcher: Any, own: Path, photos: Path, tmp_path: Path) -> None:
    photos.rename(tmp_path / "fotos")
    before = everything(tmp_path)
    said = complaint(launcher("run", own, cwd=tmp_path), 1)
    assert str(photos) in said and "fotos" in said
    assert everything(tmp_path) == before


def test_an_empty_domain(launcher: Any, own: Path, photos: Path, tmp_path: Path) -> None:
    for image in (photos / "trainB").iterdir():
        image.rename(image.with_suffix(".txt"))
    before = everything(tmp_path)
    said = complaint(launcher("run", own, cwd=tmp_path), 1)
    assert str(photos / "trainB") in said and ".png" in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_in_the_middle_of_training(
    launcher: Any, own: Path, photos: Path, tmp_path: Path, workers: int
) -> None:
    bad, run = photos / "trainA" / "3.png", tmp_path / "run"
    whole = bad.read_bytes()
    ended = launcher("run", own, "--run-dir", tmp_path / "whole", cwd=tmp_path)
    assert ended.code == 0, ended

    bad.write_bytes(whole[: len(whole) // 2])
    settings = ["--set", f"data.workers={workers}", "--set", "train.checkpoint_every=0"]
    said = complaint(launcher("run", own, *settings, "--run-dir", run, cwd=tmp_path), 1)
    assert str(bad) in said and "repair the file" in said
    assert f"gantrans run --resume {run}" in said
    step = last_step(run)
    assert 0 < step < 6  # saved up to there, though no checkpoint was due

    bad.write_bytes(whole)
    ended = launcher("run", "--resume", run, cwd=tmp_path)
    assert ended.code == 0 and f"going on at step {step}" in ended.out
    folder = Path("checkpoints/step-00000012")
    for name in ("generator_ab", "discriminator_b", "training"):
        file = folder / f"{name}.safetensors"
        assert (run / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_the_first_error_is_told_when_saving_fails_too(
    launcher: Any, own: Path, photos: Path, tmp_path: Path
) -> None:
    bad, run = photos / "trainA" / "3.png", tmp_path / "run"
    bad.write_bytes(b"no image")
    plugin = tmp_path / "spoil.py"
    # When training begins, the folder of checkpoints becomes a file, as no disk would.
    plugin.write_text(
        PLUGIN.format(
            code="""
        place = Path("run/checkpoints")
        if place.is_dir():
            place.rmdir()
            place.touch()
        return step.fake["a"].mean()
    """
        )
    )
    said = complaint(
        launcher("run", own, "--plugin", plugin, "--set", "losses.mine={}", "--set",
                 "train.checkpoint_every=0", "--run-dir", run, cwd=tmp_path), 1,
    )  # fmt: skip
    assert said.index(str(bad)) < said.index("cannot be written")


def test_an_image_smaller_than_the_crop(
    launcher: Any, own: Path, photos: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (12, 40)).save(photos / "trainB" / "2.png")
    run = tmp_path / "run"
    said = complaint(launcher("run", own, "--run-dir", run, cwd=tmp_path), 1)
    assert "photos/trainB/2.png is 12 x 40" in said
    assert "data.transform.resize" in said and "data.transform.crop" in said


def test_images_of_a_size_that_is_no_multiple_of_four_need_a_crop(
    launcher: Any, own: Path, photos: Path, tmp_path: Path
) -> None:
    for image in photos.rglob("*.png"):
        Image.new("RGB", (22, 24)).save(image)
    own.write_text(own.read_text().replace("crop = 16", ""))
    before = everything(tmp_path)
    said = complaint(launcher("run", own, cwd=tmp_path), 1)
    assert "22 x 24" in said and "multiple of 4" in said and "data.transform.crop" in said
    assert everything(tmp_path) == before


# --- the spec


def test_five_mistakes_are_shown_at_once_with_their_lines(
    launcher: Any, spec: Path, tmp_path: Path
) -> None:
    lines = spec.read_text().splitlines()
    changes = {
        "pool_size = 3": "pool_syze = 3",
        "blocks = 1": "blocks = -1",
        "layers = 1": 'layers = "one"',
        "epochs = 2": "epoch = 2",
        'name = "tiny"': 'name = "a/b"',
    }
    for right, wrong in changes.items():
        lines[lines.index(right)] = wrong
    spec.write_text("\n".join(lines) + "\n")
    said = complaint(launcher("run", spec, cwd=tmp_path), 2)
    assert "5 mistakes" in said and len(said.splitlines()) == 6
    for wrong in changes.values():
        assert f"{spec}:{lines.index(wrong) + 1}: " in said, wrong
    assert "pool_size" in said and "'epochs'" in said
    assert not (tmp_path / "runs").exists()


def test_a_component_of_a_plugin_that_is_not_installed(
    launcher: Any, spec: Path, tmp_path: Path
) -> None:
    spec.write_text(spec.read_text() + "[losses.lpips]\n")
    said = complaint(launcher("run", spec, cwd=tmp_path), 2)
    assert f"{spec}:{len(spec.read_text().splitlines())}: losses.lpips" in said
    assert "no loss is called 'lpips'" in said and "install" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["data.transform.crop=14"], ["no multiple of 4", "the next is 16"]),
        (["data.transform.resize=12", "data.transform.crop=16"], ["larger than resize = 12"]),
        (["data.transform.crop=4"], ["too few for the discriminator"]),
        (["losses.mine={}"], ["it requires 'depth'", "cyclegan"]),
        (["losses.identity={}", 'data={type="unpaired_folder", root=".", channels={a=3, b=1}}'],
         ["identity needs equal channels", "summer has 3 and winter 1"]),
    ],
)  # fmt: skip
def test_contradictions_are_refused_before_anything_is_written(
    launcher: Any, spec: Path, tmp_path: Path, settings: list[str], expected: list[str]
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN.format(code="return 0").replace('{"fake"}', '{"depth"}'))
    before = everything(tmp_path)
    given = [part for setting in settings for part in ("--set", setting)]
    said = complaint(launcher("run", spec, "--plugin", plugin, *given, cwd=tmp_path), 2)
    for part in expected:
        assert part in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_a_device_that_is_not_there(launcher: Any, spec: Path, tmp_path: Path, device: str) -> None:
    said = complaint(launcher("run", spec, "--device", device, cwd=tmp_path), 2)
    assert repr(device) in said and "cpu" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(launcher: Any, spec: Path, tmp_path: Path) -> None:
    said = complaint(launcher("run", spec, "--device", "cuda", cwd=tmp_path), 2)
    assert "no device 'cuda' here; there are: auto, cpu" in said


# --- run directories


def test_a_filled_run_directory_is_refused_and_untouched(
    launcher: Any, spec: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("five years of work")
    before = everything(tmp_path)
    said = complaint(launcher("run", spec, "--run-dir", "mine", cwd=tmp_path), 2)
    assert "mine exists and is not empty" in said and "--run-dir" in said
    assert everything(tmp_path) == before


def test_a_run_directory_below_a_file(launcher: Any, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = everything(tmp_path)
    said = complaint(launcher("run", spec, "--run-dir", "file/run", cwd=tmp_path), 1)
    assert "cannot make the run directory file/run" in said and "--run-dir" in said
    assert everything(tmp_path) == before


@pytest.fixture
def guest(spec: Path, tmp_path: Path) -> Iterator[tuple[Path, int | None]]:
    """A folder with the spec in it, and a user whom permissions bind: root they do not."""
    if os.getuid():
        yield tmp_path, None
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(spec, folder)
        yield folder, 65534


def test_a_run_directory_without_permission(launcher: Any, guest: tuple[Path, int | None]) -> None:
    folder, uid = guest
    forbidden = folder / "forbidden"
    forbidden.mkdir()
    forbidden.chmod(0o555)
    spec = folder / "tiny.toml"
    said = complaint(launcher("run", spec, "--run-dir", forbidden / "run", cwd=folder, uid=uid), 1)
    assert f"{forbidden / 'run'}: Permission denied" in said and "--run-dir" in said
    forbidden.chmod(0o000)
    said = complaint(launcher("run", spec, "--run-dir", forbidden / "run", cwd=folder, uid=uid), 1)
    assert "Permission denied" in said
    forbidden.chmod(0o755)
    assert everything(forbidden) == {}


def test_a_run_that_may_not_be_written_any_more(
    launcher: Any, guest: tuple[Path, int | None]
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
    said = complaint(launcher("run", "--resume", run, cwd=folder, uid=uid), 1)
    assert "Permission denied" in said and f"gantrans run --resume {run}" in said
    assert everything(run) == before
    for place in places:
        place.chmod(0o755)


def test_a_folder_that_is_no_run(launcher: Any, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    for place in ("holiday", "nowhere"):
        said = complaint(launcher("run", "--resume", place, cwd=tmp_path), 2)
        assert f"{place} is no run directory" in said
    assert everything(tmp_path / "holiday") == {}


def test_a_run_without_spec_and_a_new_directory_with_resume(
    launcher: Any, spec: Path, tmp_path: Path
) -> None:
    assert "name a spec to run" in complaint(launcher("run", cwd=tmp_path), 2)
    said = complaint(launcher("run", "--resume", "x", "--run-dir", "y", cwd=tmp_path), 2)
    assert "--run-dir" in said and "--resume" in said
    assert not (tmp_path / "y").exists()


# --- checkpoints


FILES = [
    "generator_ab.safetensors", "generator_ba.safetensors", "discriminator_a.safetensors",
    "discriminator_b.safetensors", "training.safetensors", "training.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def unfinished(launcher: Any, tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """A run with checkpoints of the steps 2 and 4 of 12. Not to be changed."""
    folder = tmp_path_factory.mktemp("unfinished")
    (folder / "tiny.toml").write_text(tiny)
    settings = ["--set", "train.keep_last=99"]
    assert launcher("run", "tiny.toml", *settings, "--run-dir", "run", cwd=folder).code == 0
    for step in checkpoint.whole(folder / "run" / "checkpoints")[2:]:
        shutil.rmtree(step)
    (folder / "run" / "summary.json").unlink()
    return folder / "run"


@pytest.mark.parametrize("name", FILES)
def test_a_checkpoint_cut_in_half(
    launcher: Any, unfinished: Path, tmp_path: Path, name: str
) -> None:
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    newest, earlier = (run / "checkpoints" / f"step-0000000{n}" for n in (4, 2))
    content = (newest / name).read_bytes()
    (newest / name).write_bytes(content[: len(content) // 2])
    before = everything(run)
    said = complaint(launcher("run", "--resume", run, cwd=tmp_path), 1)
    assert f"{newest} is damaged: {name}" in said
    assert f"gantrans run --resume {earlier}" in said
    assert everything(run) == before

    ended = launcher("run", "--resume", earlier, cwd=tmp_path)  # what the message advises
    assert ended.code == 0 and "going on at step 2" in ended.out
    assert last_step(run) == 12


def test_a_file_missing_from_the_only_checkpoint(
    launcher: Any, unfinished: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints" / "step-00000002")
    (run / "checkpoints" / "step-00000004" / "training.json").unlink()
    for named in (run, run / "checkpoints" / "step-00000004"):
        said = complaint(launcher("run", "--resume", named, cwd=tmp_path), 1)
        assert "training.json" in said and "begin a new run" in said


def test_a_full_disk(launcher: Any, spec: Path, tmp_path: Path) -> None:
    whole, disk = tmp_path / "whole", tmp_path / "disk"
    settings = ["--set", "method.pool_size=40"]
    assert launcher("run", spec, *settings, "--run-dir", whole, cwd=tmp_path).code == 0
    # Room for about two checkpoints and a half.
    newest = checkpoint.whole(whole / "checkpoints")[-1]
    size = sum(-(-file.stat().st_size // 4096) * 4096 for file in newest.iterdir())
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size * 5 // 2 + 2**16}", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        run = disk / "run"
        said = complaint(launcher("run", spec, *settings, "--run-dir", run, cwd=tmp_path), 1)
        kept = checkpoint.whole(run / "checkpoints")
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


# --- numbers


PLUGIN = '''
from pathlib import Path
import gantrans

class Mine(gantrans.Loss):
    """Does what a test needs."""
    name = "mine"
    requires = {{"fake"}}

    def generator(self, step):
        {code}
'''


@pytest.mark.parametrize("log_every", [1, 99], ids=["logged at once", "found when saving"])
def test_a_term_that_is_not_finite(
    launcher: Any, spec: Path, tmp_path: Path, log_every: int
) -> None:
    plugin, run = tmp_path / "mine.py", tmp_path / "run"
    plugin.write_text(PLUGIN.format(code='return {"ab": step.fake["b"].mean() * float("nan")}'))
    settings = ["losses.mine={start = 4}", f"train.log_every={log_every}", "train.evaluate_every=5"]
    given = [part for setting in settings for part in ("--set", setting)]
    said = complaint(
        launcher("run", spec, "--plugin", plugin, *given, "--run-dir", run, cwd=tmp_path), 1
    )
    assert "generators/mine/summer->winter became nan at step 5, on train-000" in said
    assert said.count("train-000") == 2
    assert "optimizer.lr" in said and f"gantrans run --resume {run} --set KEY=VALUE" in said
    assert str(checkpoint.whole(run / "checkpoints")[-1]) in said
    assert last_step(run) == 4
    assert not (run / "summary.json").exists()

    advised = ["--set", "losses.mine.weight=0"]
    ended = launcher("run", "--resume", run, *advised, cwd=tmp_path)
    assert ended.code == 0, ended


@pytest.mark.parametrize("ema", [0, 0.9])
def test_weights_that_overflow_are_never_saved(
    launcher: Any, spec: Path, tmp_path: Path, ema: float
) -> None:
    run = tmp_path / "run"
    settings = ["optimizer.lr=1e37", "train.checkpoint_every=1", "train.keep_last=99",
                "train.log_every=99", f"train.ema={ema}"]  # fmt: skip
    given = [part for setting in settings for part in ("--set", setting)]
    said = complaint(launcher("run", spec, *given, "--run-dir", run, cwd=tmp_path), 1)
    assert "became nan" in said or "became inf" in said or "not finite" in said
    for file in (run / "checkpoints").rglob("*.safetensors"):
        for key, tensor in load_file(file).items():
            assert torch.isfinite(tensor).all(), f"{key} of {file}"
