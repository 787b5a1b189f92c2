"""`gantrans translate` as a user meets it: a run directory in, image files out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image, ImageDraw
from typer.testing import CliRunner, Result

from gantrans.cli import main
from gantrans.cli.translate import translate
from gantrans.errors import CheckpointError, GantransError, PluginError, UsageError
from gantrans.inference.weights import WeightsHeader, save_weights
from gantrans.plugin.manager import load_registry


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with one checkpoint, both generators tiny and untrained."""
    run = tmp_path_factory.mktemp("runs") / "seasons-001"
    checkpoint = run / "checkpoints" / "step-00000010"
    checkpoint.mkdir(parents=True)
    config = load_registry().config("generator", "resnet", {"width": 4, "blocks": 1})
    digests = {}
    for seed, (source, target) in enumerate(["ab", "ba"]):
        torch.manual_seed(seed)
        header = WeightsHeader(
            kind="generator",
            component=config.model_dump(mode="json"),
            plugin={"name": "gantrans", "version": "0.1.0"},
            role=f"generator_{source}{target}",
            domains={"a": "summer", "b": "winter"},
            source=source,
            target=target,
            in_channels=3,
            out_channels=3,
            value_range=(-1.0, 1.0),
            preprocessing={"resize": None, "crop": 64, "flip": True},
            step=10,
            run="seasons",
        )
        path = checkpoint / f"generator_{source}{target}.safetensors"
        save_weights(path, config.build(in_channels=3, out_channels=3).state_dict(), header)
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (checkpoint / "training.json").write_text(json.dumps({"step": 10, "files": digests}))
    (run / "checkpoints" / "latest").write_text("step-00000010\n")
    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Landscapes of many sizes, modes and formats, one of them in a subfolder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name, size, mode in [
        ("dot.png", (1, 1), "RGB"),
        ("gray.bmp", (5, 7), "L"),
        ("palette.png", (33, 64), "P"),
        ("clear.webp", (64, 64), "RGBA"),
        ("deep.tiff", (101, 57), "I;16"),
        ("photo.jpg", (40, 30), "RGB"),
        ("sub/more.png", (8, 8), "RGB"),
    ]:
        image = Image.new("RGB", size, "skyblue")
        ImageDraw.Draw(image).rectangle((0, size[1] // 2, size[0], size[1]), fill="seagreen")
        image.convert("I" if mode == "I;16" else mode).convert(mode).save(folder / name)
    return folder


def gantrans_translate(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(translate)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_translated_with_names_sizes_and_formats_kept(run, photos, tmp_path):
    out = tmp_path / "deep" / "out"
    result = gantrans_translate(run, photos, "--out", out, "--to", "winter", "--device", "cpu")
    assert result.exit_code == 0, result.output
    given = {path.name: path for path in photos.iterdir() if path.is_file()}
    written = {path.name: path for path in out.iterdir()}
    assert written.keys() == given.keys()
    for name, path in written.items():
        with Image.open(path) as image, Image.open(given[name]) as original:
            assert (image.size, image.format) == (original.size, original.format), name
            assert image.mode == "RGB"
    lines = result.stdout.splitlines()
    assert lines[0] == f"1/6 {photos / 'clear.webp'} -> {out / 'clear.webp'}"
    assert lines[-2].startswith("left out 1 image in subfolders")
    assert lines[-1] == f"6 images translated to winter, in {out}"


def test_one_generator_file_needs_no_domain(run, photos, tmp_path):
    model = run / "checkpoints" / "step-00000010" / "generator_ba.safetensors"
    result = gantrans_translate(model, photos / "dot.png", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("1 image translated to summer")


def test_less_precision_writes_nearly_the_same_picture(run, photos, tmp_path):
    pictures = []
    for precision in ("fp32", "bf16"):
        out = tmp_path / precision
        options = ("--to", "winter", "--device", "cpu", "--precision", precision)
        result = gantrans_translate(run, photos / "clear.webp", "--out", out, *options)
        assert result.exit_code == 0, result.output
        with Image.open(out / "clear.webp") as image:
            pictures.append(torch.tensor(list(image.tobytes())))
    assert 0 < (pictures[0] - pictures[1]).abs().float().mean() < 2  # of 255


def test_one_broken_image_fails_the_command_after_the_others_are_done(run, photos, tmp_path):
    broken = photos / "photo.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", "--to", "winter")
    assert isinstance(result.exception, GantransError)
    assert result.exception.exit_code == 1
    assert "1 image could not be translated" in str(result.exception)
    assert str(broken) in str(result.exception)
    assert "5 images translated to winter" in result.stdout
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_nothing_is_replaced_without_overwrite(run, photos, tmp_path):
    arguments = (run, photos / "dot.png", "--to", "winter", "--out", tmp_path / "out")
    assert gantrans_translate(*arguments).exit_code == 0
    before = (tmp_path / "out" / "dot.png").stat().st_mtime_ns
    again = gantrans_translate(*arguments)
    assert isinstance(again.exception, UsageError)
    assert "use --overwrite" in str(again.exception)
    assert (tmp_path / "out" / "dot.png").stat().st_mtime_ns == before
    assert gantrans_translate(*arguments, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ([], UsageError, "to which domain, winter or summer"),
        (["--to", "wintr"], UsageError, "did you mean 'winter'"),
        (["--to", "winter", "--device", "gpu"], UsageError, "no device 'gpu'"),
        (["--to", "winter", "--plugin", "none.py"], PluginError, "there is no file"),
    ],
)
def test_a_wrong_option_is_one_message_and_no_work(run, photos, tmp_path, arguments, error, said):
    result = gantrans_translate(run, photos, "--out", tmp_path / "out", *arguments)
    assert isinstance(result.exception, error)
    assert result.exception.exit_code == 2
    assert said in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_none_fails(photos, tmp_path):
    result = gantrans_translate(photos, photos, "--out", tmp_path / "out")
    assert isinstance(result.exception, CheckpointError)
    assert result.exception.exit_code == 1


def test_an_output_that_two_inputs_want_is_refused_before_any_work(run, photos, tmp_path):
    other = tmp_path / "photos2" / "dot.png"
    other.parent.mkdir()
    other.write_bytes((photos / "dot.png").read_bytes())
    result = gantrans_translate(run, photos, other, "--to", "winter", "--out", tmp_path / "out")
    assert isinstance(result.exception, UsageError)
    assert str(other) in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_the_command_line_ends_with_one_message_and_its_exit_code(run, photos, tmp_path, capsys):
    (photos / "photo.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    for arguments, code, said in [
        (["--to", "winter"], 1, "error: 1 image could not be translated:"),
        (["--to", "winter"], 2, "error: already there: "),
        (["--to", "autumn", "--overwrite"], 2, "does not translate to 'autumn'"),
    ]:
        with pytest.raises(SystemExit) as end:
            main(["translate", str(run), str(photos), "--out", str(out), *arguments])
        printed = capsys.readouterr().err
        assert end.value.code == code
        assert said in printed
        assert "Traceback" not in printed
