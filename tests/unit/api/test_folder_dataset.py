"""What `unpaired_folder` does not use: files that are no ordinary images."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from gantrans.api.files import ImageFiles
from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig
from gantrans.errors import DataError


class Levels(ImageFiles):
    """A text file with one number, of a gray image of one pixel."""

    suffixes = (".level",)

    def read(self, path: Path) -> torch.Tensor:
        return torch.full((1, 1, 1), float(path.read_text()))

    def write(self, image: torch.Tensor, path: Path) -> None:
        path.write_text(str(float(image)))


class OfLevels(FolderDataset):
    """Levels in domain a, images in domain b."""

    def files(self, domain: str) -> ImageFiles | None:
        return Levels() if domain == "a" else None


@pytest.fixture
def dataset(tmp_path: Path) -> OfLevels:
    for folder in ("trainA", "trainB"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        for name in ("b.level", "deep/a.LEVEL", ".hidden.level", "c.png", "d.txt"):
            (tmp_path / folder / name).write_text("0.5")
    return OfLevels(FolderDatasetConfig(root="."), base_dir=tmp_path)


def test_a_domain_has_the_files_that_are_named_as_its_own(dataset: OfLevels) -> None:
    a, b = (dataset.source("train", domain) for domain in ("a", "b"))
    assert [a.label(n) for n in range(len(a))] == ["trainA/b.level", "trainA/deep/a.LEVEL"]
    assert [b.label(n) for n in range(len(b))] == ["trainB/c.png"]


def test_they_are_read_in_their_own_way_in_any_process(dataset: OfLevels) -> None:
    source = dataset.source("train", "a")
    for one in (source, pickle.loads(pickle.dumps(source))):
        assert torch.equal(one.image(1), torch.full((1, 1, 1), 0.5))


def test_a_folder_without_them_says_what_was_expected(dataset: OfLevels, tmp_path: Path) -> None:
    for file in (tmp_path / "trainA").rglob("*.*"):
        if file.suffix.lower() == ".level":
            file.unlink()
    with pytest.raises(DataError, match=r"no images, .*1 \.png.*expected files ending in \.level"):
        dataset.source("train", "a")
