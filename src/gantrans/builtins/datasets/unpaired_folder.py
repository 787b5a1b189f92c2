"""The data set `unpaired_folder`: the user's own images, in one folder a domain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gantrans.api.dataset import Dataset, DatasetConfig, ImageSource, Split
from gantrans.api.image import IMAGE_SUFFIXES, open_image
from gantrans.api.step import Domain
from gantrans.builtins.datasets.folder_layout import contents, describe, standard_domains
from gantrans.errors import DataError


class Channels(BaseModel):
    """Channels of each domain's images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Literal[1, 3] = Field(3, description="of the first domain: 3 (colour) or 1 (gray)")
    b: Literal[1, 3] = Field(3, description="of the second domain: 3 (colour) or 1 (gray)")


def _for_both(value: Any) -> Any:
    """`channels = 1` means both domains."""
    if isinstance(value, Channels | dict):
        return value
    if value not in (1, 3):
        raise ValueError("give 3 (colour), 1 (gray), or a table such as { a = 3, b = 1 }")
    return {"a": value, "b": value}


@dataclass(frozen=True, slots=True)
class ImageFiles(ImageSource):
    """Image files below one folder.

    Args:
        folder: where they are.
        shown: what to call that folder in labels.
        files: their paths below it.
    """

    folder: Path
    shown: Path
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> Image.Image:
        """Image `index`, upright, in the mode of its file. Raises DataError if it is unreadable."""
        return open_image(self.folder / self.files[index])

    def label(self, index: int) -> str:
        """The file's path, as the spec writes it: relative to the spec's folder, or absolute."""
        return (self.shown / self.files[index]).as_posix()


class UnpairedFolder(Dataset):
    """Your own images, one folder for each domain.

    With `root` alone the folders are found by name: trainA trainB testA testB, or train/A train/B
    test/A test/B; also A/train B/train A/test B/test, or just A and B. Other folders are named one
    by one: train_a and train_b, and test_a and test_b if there are test images; with `root`
    these are relative to it. `gantrans init` writes all this for you.

    Nested folders count; hidden files and files that are no png, jpg, webp, bmp or tiff do not.
    Gray, palette, transparent and 16-bit images are converted as gantrans.api.image says. Images
    are taken in the order of their paths, so the same folders always give the same data set.
    """

    name = "unpaired_folder"

    class Config(DatasetConfig):
        """Settings of `unpaired_folder`."""

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
        channels: Annotated[
            Channels,
            BeforeValidator(_for_both, json_schema_input_type=Literal[1, 3] | Channels),
        ] = Field(
            Channels(),
            description="3 (colour) or 1 (gray), or { a = 3, b = 1 } for each domain apart; "
            "images are converted",
        )

        @model_validator(mode="after")
        def _says_where(self) -> UnpairedFolder.Config:
            named = [key for key in _FOLDERS if getattr(self, key)]
            missing = [key for key in ("train_a", "train_b") if key not in named]
            if not named and self.root is None:
                raise ValueError(
                    "it says nothing about where the images are: give `root`, or `train_a` and "
                    "`train_b`"
                )
            if named and missing:
                raise ValueError(
                    f"{' and '.join(named)} without {' and '.join(missing)}: name the training "
                    "folders of both domains, or `root` alone"
                )
            if named and self.train_a == self.train_b:
                raise ValueError("train_a and train_b are the same folder")
            return self

    config: Config

    def source(self, split: Split, domain: Domain) -> ImageFiles:
        """The image files of `split` and `domain`; empty if there is no such test folder.

        Raises:
            DataError: if a folder is missing, laid out in an unknown way, or without images.
        """
        folder = self._folder(split, domain)
        if folder is None:
            return ImageFiles(Path(), Path(), ())
        found = contents(folder)
        if not found.images and (split == "train" or found.others):
            raise DataError(
                f"no images to {split} on in {folder}: found {found}; "
                f"expected files ending in {' '.join(sorted(IMAGE_SUFFIXES))}"
            )
        shown = (
            folder.relative_to(self.base_dir) if folder.is_relative_to(self.base_dir) else folder
        )
        return ImageFiles(folder, shown, found.images[: self.config.limit])

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        channels: int = getattr(self.config.channels, domain)
        return channels

    def _folder(self, split: Split, domain: Domain) -> Path | None:
        root = self._existing("root", self.base_dir)
        if self.config.train_a is not None:
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


_FOLDERS = ("train_a", "train_b", "test_a", "test_b")
