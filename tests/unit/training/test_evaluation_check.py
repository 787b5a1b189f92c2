"""Bad test images are found before the first step, and before there is a run directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantrans.builtins.datasets.seasons import DrawnScenes
from gantrans.errors import DataError
from gantrans.training.evaluation_check import check_test_images
from gantrans.training.session import rehearse, run
from pictures import folders
from tiny_run import tiny_job, tiny_spec


def spec(root: Path, **changes: Any) -> dict[str, Any]:
    data = {"type": "unpaired_folder", "root": str(root), "transform": {"resize": 32, "crop": 32}}
    data |= {"size": None, "train": None, "test": None, **changes.pop("data", {})}
    return tiny_spec(data=data, train={"samples": 1}, **changes)


def text(file: Path) -> None:
    file.write_text("no image")


def damaged(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


def floating(file: Path) -> None:
    Image.fromarray(np.zeros((64, 64), np.float32)).save(file, format="TIFF")


def small(file: Path) -> None:
    Image.new("RGB", (40, 16)).save(file)


def gone(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere.png")


@pytest.mark.parametrize("make_bad", [text, damaged, floating, small, gone])
def test_a_bad_test_image_is_named_before_there_is_a_run(
    tmp_path: Path, make_bad: Callable[[Path], None]
) -> None:
    root = folders(tmp_path / "data", train=2, test=3)
    make_bad(root / "testB" / "002.png")
    crop = {"data": {"transform": {"crop": 32}}}  # not resized, so that a small one stays small
    with pytest.raises(DataError, match=r"testB/002\.png"):
        run(spec(root, **crop), run_dir=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match=r"testB/002\.png"):
        rehearse(spec(root, **crop), device="cpu")


def test_nothing_is_looked_at_where_nothing_is_measured(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", train=2, test=3)
    text(root / "testB" / "002.png")
    run(spec(root, metrics={}), run_dir=tmp_path / "run", device="cpu")
    assert (tmp_path / "run" / "summary.json").exists()


def test_a_run_that_goes_on_looks_too(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", train=2, test=3)
    path = run(spec(root), run_dir=tmp_path / "run", device="cpu").path
    before = shutil.copytree(path, tmp_path / "before")
    text(root / "testB" / "002.png")
    with pytest.raises(DataError, match=r"testB/002\.png"):
        run(resume=path, settings=["train.epochs=3"], device="cpu")
    names = {file.relative_to(path) for file in path.rglob("*") if file.name != "running"}
    assert names == {file.relative_to(before) for file in before.rglob("*")}


def test_of_images_that_are_no_files_the_first_pair_alone_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, asked, real = tiny_job(data={"test": 5}), list[str](), DrawnScenes.image

    def image(self: DrawnScenes, index: int) -> Image.Image:
        asked.append(f"{self.season} {self.label(index)}")
        return real(self, index)

    monkeypatch.setattr(DrawnScenes, "image", image)
    check_test_images(job)
    assert asked == ["summer test-0000", "winter test-0000"]
