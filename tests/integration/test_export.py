"""`gantrans export` as a user meets it: a model in, one file out that other programs run."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_format
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import Result

import gantrans
from export_command import FORMATS, gantrans_export, save, save_both
from gantrans.inference.export.metadata import metadata
from gantrans.inference.weights import WeightsHeader, read_header

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "export.md"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Translates both ways."""
    return save_both(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def exported(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Result]]:
    """A folder with an export to winter in each format, and what the commands said."""
    folder = tmp_path_factory.mktemp("exported")
    return folder, {
        form: gantrans_export(model, "--format", form, "--to", "winter", "--out", folder / name)
        for form, name in FORMATS.items()
    }


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """An odd size, as a JPEG."""
    pixels = np.random.default_rng(0).integers(0, 256, (57, 41, 3), dtype=np.uint8)
    path = tmp_path / "horse.jpg"
    Image.fromarray(pixels).resize((83, 101)).save(path)
    return path


def test_each_format_is_one_file_and_what_was_compared_is_said(exported):
    folder, results = exported
    assert {path.name for path in folder.iterdir()} == set(FORMATS.values())
    for form, name in FORMATS.items():
        assert results[form].exit_code == 0, results[form].output
        first, second = results[form].stdout.splitlines()
        size = (folder / name).stat().st_size / 2**20
        assert first == f"{folder / name}: translates to winter, {size:.1f} MiB"
        found = re.fullmatch(
            r"largest difference from torch: (\S+) "
            r"\(2 images of 64 x 64, 1 image of 65 x 97, 1 image of 63 x 5\)",
            second,
        )
        assert found
        assert float(found[1]) < 1e-4
        assert results[form].stderr == ""


def test_the_documents_own_program_gives_the_picture_that_gantrans_gives(
    exported, model, photo, tmp_path, monkeypatch
):
    folder, _ = exported
    monkeypatch.chdir(tmp_path)
    for name in FORMATS.values():
        (tmp_path / name.replace("winter", "zebras")).write_bytes((folder / name).read_bytes())
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    values: dict[str, Any] = {}
    for block in blocks:
        exec(block, values)

    wanted = gantrans.load(model, device="cpu").translate(Image.open(photo), "winter")
    with Image.open("zebra.png") as found:
        assert found.size == wanted.size == (83, 101)
        steps = np.asarray(found).astype(int) - np.asarray(wanted).astype(int)
    assert np.abs(steps).max() <= 1  # rounding at .5
    assert np.asarray(wanted).std() > 1
    assert values["zebras"].shape == (2, 3, 517, 333)


@pytest.mark.parametrize("size", [(1, 3, 1, 50), (2, 3, 3, 3), (1, 3, 130, 67)])
def test_onnxruntime_alone_translates_any_size_as_gantrans_does(exported, model, size):
    folder, _ = exported
    x = np.random.default_rng(0).random(size, dtype=np.float32) * 2 - 1
    for images in (x, np.full_like(x, 0.3)):  # noise, and pictures of one colour
        session = onnxruntime.InferenceSession(folder / "winter.onnx")
        [found] = session.run(None, {"images": images})
        translator = gantrans.load(model, device="cpu")
        wanted = translator.translate_tensor(torch.from_numpy(images), "winter")
        np.testing.assert_allclose(found, wanted.numpy(), rtol=0, atol=1e-4)


def test_the_files_say_what_goes_in_and_what_comes_out(exported, model):
    folder, _ = exported
    session = onnxruntime.InferenceSession(folder / "winter.onnx")
    texts = session.get_modelmeta().custom_metadata_map
    extra = dict.fromkeys(texts, "")
    torch.export.load(folder / "winter.pt2", extra_files=extra)
    assert extra == texts

    header = read_header(model / "generator_ab.safetensors")
    assert WeightsHeader.from_json(texts["gantrans"]) == header
    interface = json.loads(texts["interface"])
    assert interface["input"] == {
        "name": "images",
        "domain": "summer",
        "dtype": "float32",
        "layout": "NCHW",
        "channels": 3,
        "channel_order": "RGB",
        "range": [-1.0, 1.0],
        "from_8_bit": "x / 127.5 - 1",
    }
    assert interface["output"]["domain"] == "winter"
    assert (interface["multiple_of"], interface["min_size"]) == (1, 1)
    assert interface["training_preprocessing"] == header.preprocessing
    for word in ("summer to winter", "RGB", "[-1, 1]", "x / 127.5 - 1", '"resize": 286'):
        assert word in texts["description"]

    [given], [made] = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type) == ("images", "tensor(float)")
    assert (made.name, made.type) == ("translations", "tensor(float)")
    assert given.shape == made.shape == ["batch", 3, "height", "width"]


def test_the_onnx_file_is_valid_and_names_no_folder_of_this_machine(exported):
    folder, _ = exported
    onnx_format.checker.check_model(folder / "winter.onnx", full_check=True)
    for name in FORMATS.values():
        assert str(Path(gantrans.__file__).parent).encode() not in (folder / name).read_bytes()


def test_the_archive_for_torch_holds_no_pickle(exported):
    folder, _ = exported
    with zipfile.ZipFile(folder / "winter.pt2") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert any(name.endswith("weight_0") for name in contents)
    for name, content in contents.items():
        if name.endswith("config.json"):
            entries = json.loads(content)["config"].values()
            assert not any(entry["use_pickle"] for entry in entries), name
        # Of torch.save a zip file, of pickle its protocol 2 or later.
        assert not content.startswith((b"PK", b"\x80")) or "weight_" in name, name
    [sample] = [content for name, content in contents.items() if "sample_inputs" in name]
    assert sample == b""


def test_gray_images_of_another_data_set_are_described_as_such(tmp_path):
    dataset = {
        "kind": "dataset",
        "component": {"type": "scientific_folder"},
        "plugin": {"name": "gantrans-scientific", "version": "0.1.0"},
    }
    save(tmp_path / "g.safetensors", "a", "b", in_channels=1)
    header = read_header(tmp_path / "g.safetensors")
    interface = json.loads(metadata(header)["interface"])
    assert interface["input"]["channel_order"] == "gray"
    assert interface["output"]["channel_order"] == "RGB"

    other = WeightsHeader.from_json(
        json.dumps({**json.loads(header.to_json()), "dataset": dataset})
    )
    texts = metadata(other)
    assert "from_8_bit" not in json.loads(texts["interface"])["input"]
    assert "127.5" not in texts["description"]
    assert "scientific_folder of gantrans-scientific 0.1.0" in texts["description"]
