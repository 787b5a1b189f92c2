"""What a user can get wrong ends with one clear message, and nothing is lost or half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from processes import Launcher, everything, given, last_step

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


def test_a_missing_folder(launcher: Launcher, own: Path, photos: Path, tmp_path: Path) -> None:
    photos.rename(tmp_path / "fotos")
    before = everything(tmp_path)
    said = launcher("run", own, cwd=tmp_path).complaint(1)
    assert str(photos) in said and "fotos" in said
    assert everything(tmp_path) == before


def test_an_empty_domain(launcher: Launcher, own: Path, photos: Path, tmp_path: Path) -> None:
    for image in (photos / "trainB").iterdir():
        image.rename(image.with_suffix(".txt"))
    before = everything(tmp_path)
    said = launcher("run", own, cwd=tmp_path).complaint(1)
    assert str(photos / "trainB") in said and ".png" in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_in_the_middle_of_training(
    launcher: Launcher, own: Path, photos: Path, tmp_path: Path, workers: int
) -> None:
    bad, run = photos / "trainA" / "3.png", tmp_path / "run"
    whole = bad.read_bytes()
    ended = launcher("run", own, "--run-dir", tmp_path / "whole", cwd=tmp_path)
    assert ended.code == 0, ended

    bad.write_bytes(whole[: len(whole) // 2])
    # Images that are cached were all read before the first step.
    settings = given(f"data.workers={workers}", "train.checkpoint_every=0", "data.cache_gib=0")
    said = launcher("run", own, *settings, "--run-dir", run, cwd=tmp_path).complaint(1)
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


def test_an_unreadable_image_is_named_before_the_first_step_where_images_are_cached(
    launcher: Launcher, own: Path, photos: Path, tmp_path: Path
) -> None:
    bad, run = photos / "trainA" / "3.png", tmp_path / "run"
    bad.write_bytes(b"no image")
    said = launcher("run", own, "--run-dir", run, cwd=tmp_path).complaint(1)
    assert str(bad) in said and "repair the file" in said
    assert f"gantrans run --resume {run}" in said
    assert last_step(run) == 0


def test_the_first_error_is_told_when_saving_fails_too(
    launcher: Launcher, own: Path, photos: Path, tmp_path: Path
) -> None:
    bad, run = photos / "trainA" / "3.png", tmp_path / "run"
    bad.write_bytes(b"no image")
    plugin = tmp_path / "spoil.py"
    # When training begins, the folder of checkpoints becomes a file, as no disk would.
    spoil = 'place = Path("run/checkpoints"); place.is_dir() and (place.rmdir(), place.touch())'
    plugin.write_text(PLUGIN.format(code=f'{spoil}; return step.fake["a"].mean()'))
    settings = given("losses.mine={}", "train.checkpoint_every=0", "data.cache_gib=0")
    ended = launcher("run", own, "--plugin", plugin, *settings, "--run-dir", run, cwd=tmp_path)
    said = ended.complaint(1)
    assert said.index(str(bad)) < said.index("cannot be written")


def test_an_image_smaller_than_the_crop(
    launcher: Launcher, own: Path, photos: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (12, 40)).save(photos / "trainB" / "2.png")
    run = tmp_path / "run"
    said = launcher("run", own, "--run-dir", run, cwd=tmp_path).complaint(1)
    assert "photos/trainB/2.png is 12 x 40" in said
    assert "data.transform.resize" in said and "data.transform.crop" in said


def test_images_of_a_size_that_is_no_multiple_of_four_need_a_crop(
    launcher: Launcher, own: Path, photos: Path, tmp_path: Path
) -> None:
    for image in photos.rglob("*.png"):
        Image.new("RGB", (22, 24)).save(image)
    own.write_text(own.read_text().replace("crop = 16", ""))
    before = everything(tmp_path)
    said = launcher("run", own, cwd=tmp_path).complaint(1)
    assert "22 x 24" in said and "multiple of 4" in said and "data.transform.crop" in said
    assert everything(tmp_path) == before


def test_five_mistakes_are_shown_at_once_with_their_lines(
    launcher: Launcher, spec: Path, tmp_path: Path
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
    said = launcher("run", spec, cwd=tmp_path).complaint(2)
    assert "5 mistakes" in said and len(said.splitlines()) == 6
    for wrong in changes.values():
        assert f"{spec}:{lines.index(wrong) + 1}: " in said, wrong
    assert "pool_size" in said and "'epochs'" in said
    assert not (tmp_path / "runs").exists()


def test_a_component_of_a_plugin_that_is_not_installed(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    spec.write_text(spec.read_text() + "[losses.lpips]\n")
    said = launcher("run", spec, cwd=tmp_path).complaint(2)
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
    launcher: Launcher, spec: Path, tmp_path: Path, settings: list[str], expected: list[str]
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN.format(code="return 0").replace('{"fake"}', '{"depth"}'))
    before = everything(tmp_path)
    said = launcher("run", spec, "--plugin", plugin, *given(*settings), cwd=tmp_path).complaint(2)
    for part in expected:
        assert part in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_a_device_that_is_not_there(
    launcher: Launcher, spec: Path, tmp_path: Path, device: str
) -> None:
    said = launcher("run", spec, "--device", device, cwd=tmp_path).complaint(2)
    assert repr(device) in said and "cpu" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(launcher: Launcher, spec: Path, tmp_path: Path) -> None:
    said = launcher("run", spec, "--device", "cuda", cwd=tmp_path).complaint(2)
    assert "no device 'cuda' here; there are: auto, cpu" in said
