"""FolderDataset: the base of datasets whose images are files, in one folder a domain. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from PIL import Image
from pydantic import Field, model_validator

from gantrans.api.dataset import Dataset, DatasetConfig, ImageSource, Split
from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.api.folders import contents, describe, standard_domains
from gantrans.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from gantrans.api.step import Domain


class FolderDatasetConfig(DatasetConfig):
    """Settings that say where the images are."""

    root: str | None = Field(
        None,
        min_length=1,
        description="folder of the whole data set, relative to the spec's folder",
    )
    train_a: str | None = Field(
        None,
        min_length=1,
        description="folder of the first domain's training images, relative to root if that "
        "is given, else to the spec's folder; absent: found by name in root",
    )
    train_b: str | None = Field(
        None, min_length=1, description="the same for the second domain's training images"
    )
    test_a: str | None = Field(
        None, min_length=1, description="the same for the first domain's test images, if any"
    )
    test_b: str | None = Field(
        None, min_length=1, description="the same for the second domain's test images, if any"
    )
    limit: int | None = Field(
        None, ge=1, description="images used of each folder, the first ones; absent: all"
    )

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        named = [key for key in _FOLDERS if getattr(self, key)]
        # One domain is enough for a method that reads no other.
        missing = [f"train_{d}" for d in "ab" if f"test_{d}" in named and f"train_{d}" not in named]
        if not named and self.root is None:
            raise ValueError(
                "it says nothing about where the images are: give `root`, or `train_a` and "
                "`train_b`"
            )
        if missing:
            raise ValueError(
                f"{' and '.join(named)} without {' and '.join(missing)}: name the training "
                "folders of both domains, or `root` alone"
            )
        if named and self.train_a == self.train_b:
            raise ValueError("train_a and train_b are the same folder")
        return self


_FOLDERS = ("train_a", "train_b", "test_a", "test_b")


@dataclass(frozen=True, slots=True)
class FolderSource(ImageSource):
    """Image files below one folder, each read when it is asked for.

    Args:
        folder: where they are.
        shown: what to call that folder in labels.
        paths: of the files, below the folder.
        files: how they are read.
    """

    folder: Path
    shown: Path
    paths: tuple[str, ...]
    files: ImageFiles = ORDINARY

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> Image.Image | Tensor:
        """Image `index`, as its file has it. Raises DataError if it is unreadable."""
        return self.files.read(self.folder / self.paths[index])

    def label(self, index: int) -> str:
        """The file's path, as the spec writes it: relative to the spec's folder, or absolute."""
        return (self.shown / self.paths[index]).as_posix()

    def origin(self, index: int) -> Path:
        """The file."""
        return self.folder / self.paths[index]


class FolderDataset(Dataset):
    """Image files, one folder for each domain, found by name or named one by one.

    Nested folders count; hidden files do not, nor those that are no `files(domain)` by their names.
    Images are taken in the order of their paths, so the same folders always give the same data set.
    """

    Config = FolderDatasetConfig

    config: Any

    def source(self, split: Split, domain: Domain) -> FolderSource:
        """The image files of `split` and `domain`, `limit` of them; empty without a test folder.

        Raises:
            DataError: if a folder is missing, not named, laid out in an unknown way, or without
                images.
        """
        found = self.found(split, domain)
        return replace(found, paths=found.paths[: self.config.limit])

    def found(self, split: Split, domain: Domain) -> FolderSource:
        """All image files of `split` and `domain`, whatever `limit` says. Raises as `source`."""
        return self._files_in(self._folder(split, domain), split, self.files(domain) or ORDINARY)

    def _files_in(self, folder: Path | None, split: Split, files: ImageFiles) -> FolderSource:
        if folder is None:
            return FolderSource(Path(), Path(), (), files)
        found = contents(folder, files.suffixes)
        if not found.images and (split == "train" or found.others):
            raise DataError(
                f"no images to {split} on in {folder}: found {found}; "
                f"expected files ending in {' '.join(sorted(files.suffixes))}"
            )
        shown = (
            folder.relative_to(self.base_dir) if folder.is_relative_to(self.base_dir) else folder
        )
        return FolderSource(folder, shown, found.images, files)

    def _folder(self, split: Split, domain: Domain) -> Path | None:
        root = self._existing("root", self.base_dir)
        if self.config.train_a is not None or self.config.train_b is not None:
            if getattr(self.config, f"train_{domain}") is None:
                which = "first" if domain == "a" else "second"
                raise DataError(
                    f"data.train_{domain} is not given: name the training folder of the {which} "
                    "domain"
                )
            key = f"{split}_{domain}"
            return None if getattr(self.config, key) is None else self._existing(key, root)
        domains = standard_domains(root)
        if domains is None:
            raise DataError(
                f"{root} is laid out in a way that gantrans does not know.\n"
                "  expected: trainA and trainB (and testA, testB), or train/A and train/B (and "
                "test/A, test/B)\n"
                f"  found: {describe(root)}\n"
                "  Name the folders in the spec (train_a, train_b, test_a, test_b), or let "
                "`gantrans init` look at them."
            )
        folders = domains[0] if domain == "a" else domains[1]
        return folders.train if split == "train" else folders.test

    def _existing(self, key: str, below: Path) -> Path:
        """The folder that the config names by `key`; `below` itself if it names none."""
        written = getattr(self.config, key)
        if written is None:
            return below
        folder = below / Path(written).expanduser()
        if not folder.is_dir():
            where = folder.resolve()  # without the spec's ".."
            near = where.parent
            found = f"holds {describe(near, nested=False)}" if near.is_dir() else "is missing too"
            raise DataError(
                f"data.{key} = {written!r}: there is no folder {where} "
                f"(a relative path is taken from {below}).\n  {near} {found}"
            )
        return folder
