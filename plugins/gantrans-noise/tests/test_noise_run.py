from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import gantrans
import gantrans_noise
from gantrans.errors import CheckpointError, DataError
from gantrans.inference.weights import read_header, save_weights
from gantrans_noise.cli import main

SPEC: dict[str, Any] = {
    "domains": {"a": "summer", "b": "winter"},
    "method": {
        "type": "unconditional",
        "domain": "b",
        "size": 16,
        "latent": 6,
        "width": 4,
        "max_width": 8,
        "mapping_layers": 1,
    },
    "data": {"type": "seasons", "size": 16, "train": 8, "test": 0, "workers": 0},
    "discriminator": {"type": "residual", "width": 4, "max_width": 8, "blocks": 2},
    "losses": {"adversarial": {"objective": "vanilla"}, "r1": {"weight": 0.1, "every": 2}},
    "train": {"epochs": 1, "batch_size": 4, "ema": 0.5, "samples": 6},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("noise") / "run"
    result = gantrans.run(SPEC, run_dir=run, device="cpu")
    assert result.steps == 2
    return run


def checkpoint(run: Path) -> Path:
    return run / "checkpoints" / "step-00000002"


def ends(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `gantrans-noise`."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(caught.value.code or 0), said.out, said.err


def test_a_run_writes_sheets_curves_and_its_two_networks(trained: Path) -> None:
    assert {file.name for file in checkpoint(trained).glob("*.safetensors")} == {
        "generator.safetensors",
        "discriminator.safetensors",
        "training.safetensors",
    }
    with Image.open(trained / "samples" / "step-00000002.png") as picture:
        assert picture.width > 3 * 64
    curves = (trained / "metrics.jsonl").read_text()
    assert "discriminator/r1/winter" in curves
    assert "generator/adversarial" in curves


def test_the_same_images_come_from_the_run_the_checkpoint_and_the_file(trained: Path) -> None:
    file = checkpoint(trained) / "generator.safetensors"
    models = [gantrans_noise.load(path, device="cpu") for path in (trained, file.parent, file)]

    images = [model.sample(3, seed=5) for model in models]

    assert models[0].domain == "winter"
    assert images[0].shape == (3, 3, 16, 16)
    assert images[0].abs().max() <= 1
    assert all(torch.equal(images[0], others) for others in images[1:])


def test_images_have_numbers_of_their_own(trained: Path) -> None:
    model = gantrans_noise.load(trained, device="cpu")
    torch.manual_seed(1)
    twenty = model.sample(20, seed=5)
    torch.manual_seed(2)

    torch.testing.assert_close(model.sample(3, seed=5), twenty[:3])
    torch.testing.assert_close(model.sample(2, seed=5, first=17), twenty[17:19])
    assert not torch.allclose(model.sample(3, seed=6), twenty[:3])
    with pytest.raises(ValueError, match="one image at least"):
        model.sample(0)


def test_without_truncation_images_differ_and_at_0_all_are_the_mean_image(trained: Path) -> None:
    model = gantrans_noise.load(trained, device="cpu")
    for name, strength in model.generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.zeros_(strength)

    whole, none = model.sample(4), model.sample(4, truncation=0.0)

    assert whole.std(dim=0).mean() > 1e-3
    torch.testing.assert_close(none, none[:1].expand(4, -1, -1, -1))


def test_what_is_used_is_the_running_mean_of_the_weights(trained: Path) -> None:
    newest = load_file(checkpoint(trained) / "training.safetensors")
    used = gantrans_noise.load(trained, device="cpu").generator.state_dict()

    assert not torch.equal(newest["weights/generator/constant"], used["constant"])
    assert torch.equal(newest["weights/generator/mean_w"], used["mean_w"])
    assert used["mean_w"].any()


def test_images_of_another_size_than_the_methods_are_refused(tmp_path: Path) -> None:
    spec = {**SPEC, "data": {**SPEC["data"], "size": 32}}
    with pytest.raises(DataError, match=r"32 x 32 pixels .* takes 16 x 16"):
        gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")


# --- the command line


def test_sample_writes_png_files_and_refuses_to_replace_them(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    asked = ("sample", trained, "--out", out, "--seed", 3, "--count", 2, "--device", "cpu")

    code, said, _ = ends(capsys, *asked)

    assert (code, said) == (0, f"2 images of winter, in {out}\n")
    names = ["seed-3-00000.png", "seed-3-00001.png"]
    assert sorted(file.name for file in out.iterdir()) == names
    wanted = gantrans_noise.load(trained, device="cpu").sample(2, seed=3)
    for name, image in zip(names, wanted, strict=True):
        with Image.open(out / name) as written:
            assert (written.size, written.mode) == ((16, 16), "RGB")
            pixels = torch.tensor(list(written.tobytes())).reshape(16, 16, 3) / 127.5 - 1
        assert (pixels.permute(2, 0, 1) - image).abs().max() < 1 / 127

    code, _, error = ends(capsys, *asked)
    assert code == 2
    assert error.startswith(f"error: already there: {out / names[0]}")
    assert "--overwrite" in error
    assert ends(capsys, *asked, "--overwrite")[0] == 0


def test_sheet_is_one_picture_of_all(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("sample", trained, "--out", tmp_path, "--sheet", "--device", "cpu")

    assert ends(capsys, *asked, "--count", 7, "--truncation", 0.5)[0] == 0

    [sheet] = tmp_path.iterdir()
    assert sheet.name == "sheet.png"
    with Image.open(sheet) as picture:
        assert picture.size == (3 * 18 + 2, 3 * 18 + 2)  # 7 in rows of 3, 2 pixels between
    assert ends(capsys, *asked)[0] == 2


def other_run(folder: Path) -> Path:
    spec: dict[str, Any] = {
        "data": {"type": "seasons", "size": 16, "train": 1, "test": 0, "workers": 0},
        "generator": {"type": "resnet", "width": 2, "blocks": 1},
        "discriminator": {"type": "pixel", "width": 2},
        "losses": {"adversarial": {}},
        "train": {"epochs": 1},
    }
    gantrans.run(spec, run_dir=folder, device="cpu")
    return folder


def test_a_model_that_is_none_is_one_clear_message(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkpoint(trained), copy)
    tensors = load_file(copy / "generator.safetensors")
    save_file(tensors, copy / "generator.safetensors")
    beginning = tmp_path / "beginning"
    (beginning / "checkpoints").mkdir(parents=True)
    for model, message in [
        (tmp_path / "nothing", "there is no"),
        (beginning, "has no checkpoint yet"),
        (other_run(tmp_path / "cyclegan"), "there is no generator.safetensors in"),
        (tmp_path / "cyclegan/checkpoints/step-00000001/generator_ab.safetensors", "'resnet'"),
        (checkpoint(trained) / "discriminator.safetensors", "holds 'discriminator'"),
        (copy, "is damaged, it is not what was saved"),
    ]:
        code, _, error = ends(capsys, "sample", model, "--out", tmp_path / "out")
        assert code == 1
        assert error.startswith("error: ")
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_weights_that_do_not_fit_their_settings_are_refused(trained: Path, tmp_path: Path) -> None:
    file = checkpoint(trained) / "generator.safetensors"
    tensors = load_file(file)
    tensors["constant"] = tensors["constant"][:, :1]
    save_weights(tmp_path / "generator.safetensors", tensors, read_header(file))

    with pytest.raises(CheckpointError, match=r"gantrans-noise .* does not fit .*'constant'"):
        gantrans_noise.load(tmp_path / "generator.safetensors", device="cpu")


def test_a_header_with_other_settings_than_there_are_is_refused(
    trained: Path, tmp_path: Path
) -> None:
    file = checkpoint(trained) / "generator.safetensors"
    header = read_header(file)
    component = {**header.component, "latent": 0}
    changed = tmp_path / "generator.safetensors"
    save_weights(changed, load_file(file), replace(header, component=component))

    with pytest.raises(CheckpointError, match=r"wrong at 'latent': .* greater than or equal to 1"):
        gantrans_noise.load(changed, device="cpu")


def test_numbers_that_make_no_sense_are_wrong_use(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (("--count", 0), ("--truncation", -1), ("--device", "abacus")):
        assert ends(capsys, "sample", trained, "--out", tmp_path, *option)[0] == 2
    assert not list(tmp_path.iterdir())


def test_help_and_what_the_package_brings_import_no_torch() -> None:
    code = (
        "import sys, gantrans_noise.hooks as hooks, gantrans_noise.cli as cli\n"
        "hooks.gantrans_components()\n"
        "try: cli.main(['sample', '--help'])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("False\n")
    assert "--truncation" in done.stdout


def test_a_run_is_watched_for_collapse(tmp_path: Path) -> None:
    spec = {**SPEC, "train": {**SPEC["train"], "epochs": 50, "log_every": 10, "sample_every": 0}}
    gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    [seen] = [line for line in lines if "health/variation/winter" in line]
    assert seen["step"] == 100 and seen["health/variation/winter"] > 0
