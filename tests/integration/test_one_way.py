"""The command line with pix2pix, CUT and FastCUT, which have no way back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from processes import Launcher, given

SETTINGS = given("train.epochs=1", "train.sample_every=3", "train.evaluate_every=3")


@pytest.fixture(scope="module")
def run(launcher: Launcher, one_way: Path) -> Path:
    """A finished run of six steps. Not to be changed."""
    made = one_way.parent / "run"
    ended = launcher("run", one_way, *SETTINGS, "--run-dir", made, cwd=one_way.parent)
    assert (ended.code, ended.err) == (0, "")
    assert "summer -> winter, " in ended.out
    return made


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.linear_gradient("L").convert("RGB").resize((30, 21)).save(file)
    return file


def method_of(spec: Path) -> str:
    return str(tomllib.loads(spec.read_text())["method"]["type"])


def test_the_spec_is_valid(launcher: Launcher, one_way: Path, tmp_path: Path) -> None:
    for settings in ([], ["--set", "method.direction=ba"]):
        ended = launcher("validate", one_way, *settings, cwd=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        assert f": {method_of(one_way)}, generator resnet, discriminator patchgan" in ended.out


def test_validate_says_which_way_it_translates(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    there = launcher("validate", one_way, cwd=tmp_path).out
    assert "summer -> winter: " in there
    back = launcher("validate", one_way, "--set", "method.direction=ba", cwd=tmp_path).out
    assert "winter -> summer: " in back


def test_the_schema_accepts_it_and_refuses_settings_of_other_methods(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    validator = Draft202012Validator(json.loads(launcher("schema", cwd=tmp_path).out))
    table = tomllib.loads(one_way.read_text())
    assert list(validator.iter_errors(table)) == []
    table["method"]["pool_size"] = 3
    assert list(validator.iter_errors(table))


def test_show_batch_draws_both_domains(launcher: Launcher, one_way: Path, tmp_path: Path) -> None:
    ended = launcher("show-batch", one_way, "--out", "batch.png", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    with Image.open(tmp_path / "batch.png") as picture:
        assert picture.height > 2 * 128


def test_a_rehearsal_counts_every_weight_that_is_trained_and_writes_nothing(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    ended = launcher("run", one_way, "--dry-run", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    assert "generator_ab" in named and "discriminator_b" in named
    assert not [name for name in named if name in ("generator_ba", "discriminator_a")]
    # A head: linear from c to 4, and from 4 to 4; of 3, 4 and 8 channels.
    head = sum(4 * c + 4 + 4 * 4 + 4 for c in (3, 4, 8))
    has_head = any(line.split()[:2] == ["loss", "patch_nce"] for line in lines)
    assert has_head == (method_of(one_way) == "cut")
    if has_head:
        assert f"  loss patch_nce  {head:>14,}" in lines
    assert "nothing was written" in ended.out
    assert list(tmp_path.iterdir()) == []


def test_the_run_has_the_files_of_one_direction_and_its_samples_and_metrics(run: Path) -> None:
    newest = run / "checkpoints" / "step-00000006"
    assert sorted(file.name for file in newest.glob("*.safetensors")) == [
        "discriminator_b.safetensors",
        "generator_ab.safetensors",
        "training.safetensors",
    ]
    summary = json.loads((run / "summary.json").read_text())
    assert summary["metrics"].keys() == {"summer->winter"}
    assert summary["metrics"]["summer->winter"].keys() == {"psnr", "ssim", "l1", "swd"}
    assert sorted(file.name for file in (run / "samples").iterdir()) == [
        "step-00000003.png",
        "step-00000006.png",
    ]


@pytest.mark.parametrize("to", [[], ["--to", "winter"]])
def test_a_photo_is_translated_and_the_only_domain_need_not_be_named(
    launcher: Launcher, run: Path, photo: Path, tmp_path: Path, to: list[str]
) -> None:
    ended = launcher("translate", run, photo, "--out", "out", *to, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    with Image.open(tmp_path / "out" / "photo.png") as image:
        assert (image.size, image.mode) == ((30, 21), "RGB")


def test_the_way_back_is_refused_in_one_sentence(
    launcher: Launcher, run: Path, photo: Path, tmp_path: Path
) -> None:
    for model in (run, run / "checkpoints" / "step-00000006"):
        ended = launcher("translate", model, photo, "--out", "out", "--to", "summer", cwd=tmp_path)
        assert ended.complaint(2) == (
            "error: this model translates summer to winter, and not back\n"
        )
    assert list(tmp_path.iterdir()) == []
    ended = launcher("translate", run, photo, "--out", "out", "--to", "wintr", cwd=tmp_path)
    assert "did you mean 'winter'?" in ended.complaint(2)


def test_a_loss_of_the_cycle_is_refused_with_its_line(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "cycle.toml"
    spec.write_text(one_way.read_text() + "[losses.cycle]\n")
    line = len(spec.read_text().splitlines())
    for command in (["validate"], ["run", "--dry-run"], ["run"]):
        message = launcher(*command, spec, cwd=tmp_path).complaint(2)
        assert f"cycle.toml:{line}: losses.cycle: it requires 'cycle', which the method" in message
    assert [path.name for path in tmp_path.iterdir()] == ["cycle.toml"]


@pytest.mark.parametrize("one_way", ["cut"], indirect=True)
def test_more_patches_than_pixels_are_refused_before_anything_is_written(
    launcher: Launcher, one_way: Path, tmp_path: Path
) -> None:
    for command in (["run", "--dry-run"], ["run"]):
        settings = ["--set", "losses.patch_nce.patches=17"]
        message = launcher(*command, one_way, *settings, cwd=tmp_path).complaint(2)
        assert "losses.patch_nce: 17 patches are drawn, and the features have fewer" in message
        assert "at layer 'block1' " in message
        assert "4 x 4 = 16;" in message
    assert list(tmp_path.iterdir()) == []


def test_presets_are_listed_with_what_they_stand_for(launcher: Launcher, tmp_path: Path) -> None:
    def rows(name: str) -> list[list[str]]:
        out: Any = launcher("list-components", name, cwd=tmp_path).out
        return [line.split(maxsplit=1) for line in out.splitlines()]

    assert ["fastcut", "flip_equivariance = true"] in rows("cut")
    assert ["cut"] in rows("cut")
    assert ["fastcut", "weight = 10.0, identity = false"] in rows("patch_nce")
    assert ["pix2pix", 'depth = 8, norm = "batch", dropout = 0.5'] in rows("unet")
