"""The data set, alone and from the spec to the translated files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydantic import ValidationError

import gantrans
from gantrans.cli import main
from gantrans.errors import DataError, PluginError
from gantrans.inference.header import read_header
from gantrans.plugin.manager import load_registry
from gantrans_scientific.dataset import Scientific

A = {"channels": 2, "range": [0, 4095]}
B = {"depth": "float32", "range": [-1.0, 3.0]}


def write_cells(root: Path, count: int = 3, size: int = 16) -> None:
    """Two channels of 12 bits in 16, interleaved TIFF; one channel of 32-bit floats, .npy too."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("A", "B"):
            (root / f"{split}{name}").mkdir(parents=True)
        for n in range(count):
            a = random.integers(0, 4096, (size, size, 2), dtype=np.uint16)
            options = {"photometric": "minisblack", "planarconfig": "contig"}
            tifffile.imwrite(root / f"{split}A" / f"{n}.tif", a, **options)
            b = random.uniform(-1, 3, (size, size)).astype(np.float32)
            if n:
                tifffile.imwrite(root / f"{split}B" / f"{n}.tif", b)
            else:
                np.save(root / f"{split}B" / f"{n}.npy", b)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    write_cells(tmp_path / "cells")
    return tmp_path / "cells"


@pytest.fixture(scope="session")
def component_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("kit") / "cells"
    write_cells(root)
    return {"dataset/scientific": {"root": str(root), "a": A, "b": B}}


@pytest.mark.gantrans("gantrans-scientific")
def test_components_keep_the_contract(component_check: Callable[[], None]) -> None:
    component_check()


def made(base: Path, **settings: Any) -> Scientific:
    return Scientific(Scientific.Config(**{"a": A, "b": B, **settings}), base_dir=base)


def test_each_domain_has_its_channels_and_values(cells: Path) -> None:
    dataset = made(cells.parent, root="cells")
    assert [dataset.channels(domain) for domain in "ab"] == [2, 1]
    a, b = (dataset.source("train", domain) for domain in "ab")
    assert [b.label(n) for n in range(3)] == [
        f"cells/trainB/{f}" for f in ("0.npy", "1.tif", "2.tif")
    ]
    stored = tifffile.imread(cells / "trainA" / "1.tif").astype(float).transpose(2, 0, 1)
    assert np.allclose(a.image(1).numpy(), stored / 4095 * 2 - 1, atol=1e-6)
    stored = np.load(cells / "trainB" / "0.npy")
    assert np.allclose(b.image(0).numpy(), [(stored + 1) / 2 - 1], atol=1e-6)


def test_files_of_other_kinds_are_counted_where_none_fits(cells: Path) -> None:
    for file in (cells / "trainB").iterdir():
        file.rename(file.with_suffix(".png"))
    with pytest.raises(DataError, match=r"3 \.png; expected files ending in \.npy \.npz \.tif"):
        made(cells.parent, root="cells").source("train", "b")


def test_pairs_are_files_of_one_name(cells: Path) -> None:
    dataset = made(cells.parent, root="cells", paired=True)
    assert dataset.paired("train") and dataset.paired("test")
    a, b = (dataset.source("train", domain) for domain in "ab")
    assert [Path(a.label(n)).stem for n in range(3)] == [Path(b.label(n)).stem for n in range(3)]


def test_all_files_without_a_partner_are_named_whichever_domain_is_asked_for(cells: Path) -> None:
    (cells / "trainB" / "1.tif").unlink()
    (cells / "trainB" / "2.tif").unlink()
    (cells / "trainA" / "0.tif").unlink()
    dataset = made(cells.parent, root="cells", paired=True)
    for domain in "ab":
        with pytest.raises(DataError) as caught:
            dataset.source("train", domain)
        said = str(caught.value)
        assert "2 in cells/trainA without a partner in cells/trainB: 1.tif, 2.tif\n" in said
        assert "1 in cells/trainB without a partner in cells/trainA: 0.npy\n" in said
        assert "data.paired = false" in said


def test_a_second_file_of_a_name_is_named(cells: Path) -> None:
    np.save(cells / "trainA" / "1.npy", np.zeros((2, 4, 4), np.uint16))
    with pytest.raises(DataError, match=r"trainA of one name, suffix aside: 1\.npy and 1\.tif"):
        made(cells.parent, root="cells", paired=True).source("train", "a")


@pytest.mark.parametrize("limit", [None, 1])
def test_the_suffix_does_not_matter_for_the_order_of_pairs(
    tmp_path: Path, limit: int | None
) -> None:
    gray = np.zeros((4, 4), np.uint16)
    for folder in ("trainA", "trainB"):
        (tmp_path / "cells" / folder).mkdir(parents=True)
    for name in ("a", "a.p"):
        tifffile.imwrite(tmp_path / "cells" / "trainA" / f"{name}.tif", gray)
        np.save(tmp_path / "cells" / "trainB" / f"{name}.npy", gray)
    dataset = made(tmp_path, root="cells", paired=True, limit=limit)
    a, b = (dataset.source("train", domain).paths for domain in "ab")
    assert (
        [Path(path).stem for path in a] == [Path(path).stem for path in b] == ["a", "a.p"][:limit]
    )


def test_unpaired_is_the_default() -> None:
    assert not made(Path(), root="cells").paired("train")


def test_a_table_of_a_domain_is_checked() -> None:
    with pytest.raises(ValidationError, match="float16 has no range of its own"):
        made(Path(), root="cells", b={"depth": "float16"})


SPEC = """
name = "cells"
[domains]
a = "stain"
b = "probability"
[method]
type = "cyclegan"
[data]
type = "scientific"
root = "cells"
workers = 0
[data.a]
channels = 2
range = [0, 4095]
[data.b]
depth = "float32"
range = [-1.0, 3.0]
[generator]
type = "resnet"
width = 2
blocks = 1
[discriminator]
type = "patchgan"
width = 2
layers = 1
[losses.adversarial]
[losses.cycle]
[train]
epochs = 1
batch_size = 1
log_every = 1
sample_every = 2
evaluate_every = 0
checkpoint_every = 2
samples = 2
"""


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a finished run of four steps."""
    monkeypatch.chdir(tmp_path)
    write_cells(tmp_path / "cells", count=4)
    Path("cells.toml").write_text(SPEC)
    assert command("run", "cells.toml", "--device", "cpu", "--run-dir", "run") == 0
    return tmp_path / "run"


def test_from_the_spec_to_translated_files(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("show-batch", "cells.toml", "--out", "batch.png") == 0
    samples = sorted((run / "samples").glob("*.png"))
    assert len(samples) >= 2
    for picture in (Path("batch.png"), *samples):
        with Image.open(picture) as image:
            assert max(image.size) > 16

    # Neither the spec nor the data is needed to translate.
    Path("cells").rename("elsewhere")
    Path("cells.toml").unlink()
    assert command("translate", run, "elsewhere/testA", "--to", "probability", "--out", "b") == 0
    assert sorted(file.name for file in Path("b").iterdir()) == [f"{n}.tif" for n in range(4)]
    for file in Path("b").iterdir():
        found = tifffile.imread(file)
        assert (found.dtype, found.shape) == (np.float32, (16, 16))
        assert -1 <= found.min() < found.max() <= 3

    assert command("translate", run, "elsewhere/testB", "--to", "stain", "--out", "a") == 0
    assert sorted(file.name for file in Path("a").iterdir()) == ["0.npy", "1.tif", "2.tif", "3.tif"]
    for file in Path("a").iterdir():
        found = np.load(file) if file.suffix == ".npy" else tifffile.imread(file)
        assert (found.dtype, found.shape) == (np.uint16, (2, 16, 16))
        assert 0 <= found.min() < found.max() <= 4095
        assert len(np.unique(found)) > 256  # nothing went through 8 bits

    capsys.readouterr()
    assert command("translate", run, "batch.png", "--to", "stain", "--out", "c") == 2
    assert "known: npy npz tif tiff" in capsys.readouterr().err


def test_what_is_written_is_what_the_generator_gives(run: Path) -> None:
    assert command("translate", run, "cells/testA/1.tif", "--to", "probability", "--out", "b") == 0
    model = gantrans.load(run, device="cpu")
    stored = tifffile.imread("cells/testA/1.tif").astype(np.float32).transpose(2, 0, 1)
    x = model.files("probability")[0].read(Path("cells/testA/1.tif"))
    assert np.allclose(x.numpy(), stored / 4095 * 2 - 1, atol=1e-6)
    y = model.translate_tensor(x[None], "probability")[0, 0].numpy()
    assert np.allclose(tifffile.imread("b/1.tif"), y * 2 + 1, atol=1e-6)


def test_one_unusable_file_is_named_and_the_others_are_translated(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite("cells/testA/2.tif", np.zeros((16, 16, 3), np.uint16))
    assert command("translate", run, "cells/testA", "--to", "probability", "--out", "b") == 1
    said = capsys.readouterr().err
    assert "cells/testA/2.tif: found 3 channels of 16 x 16 pixels, expected 2" in said
    assert sorted(file.name for file in Path("b").iterdir()) == ["0.tif", "1.tif", "3.tif"]


def test_the_weights_file_says_which_files_and_whose_plugin(run: Path) -> None:
    [file] = (run / "checkpoints").glob("step-00000004/generator_ab.safetensors")
    dataset = read_header(file).dataset
    assert dataset is not None
    assert dataset.plugin["name"] == "gantrans-scientific"
    assert dataset.component["type"] == "scientific"
    assert dataset.component["a"]["range"] == [0, 4095]


def test_without_the_plugin_one_message_says_how_to_get_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    assert command("translate", run, "cells/testA", "--to", "stain", "--out", "x") == 2
    said = capsys.readouterr().err
    assert "needs the dataset 'scientific' of gantrans-scientific" in said
    assert "pip install gantrans-scientific==" in said
    model = gantrans.load(run, device="cpu")  # arrays need no files
    assert model.targets == ["probability", "stain"]
    with pytest.raises(PluginError, match="gantrans-scientific"):
        model.files("stain")


def test_its_hook_needs_no_torch() -> None:
    code = (
        "import sys, gantrans_scientific.hooks, gantrans_scientific.dataset\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_settings_are_json_and_come_back() -> None:
    config = Scientific.Config(root="cells", a=A, b=B)
    dumped = json.loads(json.dumps(config.model_dump(mode="json")))
    assert load_registry().config("dataset", "scientific", dumped) == config
