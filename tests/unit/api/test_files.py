from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.api.dataset import Dataset, DatasetConfig
from gantrans.api.files import ORDINARY
from gantrans.api.image import IMAGE_SUFFIXES


def test_ordinary_files_are_all_images_with_png_where_a_name_is_chosen() -> None:
    assert set(ORDINARY.suffixes) == IMAGE_SUFFIXES
    assert ORDINARY.suffixes[0] == ".png"
    assert ORDINARY.named(Path("a.PNG"))
    assert not ORDINARY.named(Path("png"))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_ordinary_files_hold_8_bits(tmp_path: Path, channels: int, mode: str) -> None:
    pixels = torch.arange(channels * 12).reshape(channels, 3, 4) * 7
    ORDINARY.write(pixels / 127.5 - 1, tmp_path / "a.png")
    read = ORDINARY.read(tmp_path / "a.png")
    assert (read.mode, read.size) == (mode, (4, 3))
    assert np.array_equal(np.asarray(read).reshape(3, 4, channels), pixels.permute(1, 2, 0))


def test_what_is_outside_is_clipped(tmp_path: Path) -> None:
    ORDINARY.write(torch.tensor([[[-2.0, 0.0, 5.0]]]), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image).tolist() == [[0, 128, 255]]


def test_ordinary_files_are_equal_wherever_they_are() -> None:
    assert pickle.loads(pickle.dumps(ORDINARY)) == ORDINARY


def test_a_dataset_has_ordinary_files_unless_it_says_so() -> None:
    dataset = Dataset(DatasetConfig(), base_dir=Path())
    assert dataset.files("a") is None
