"""The data set `paired_folder`: pairs of images, in two folders or side by side in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from PIL import Image
from pydantic import Field, model_validator

from gantrans.api.dataset import Split
from gantrans.api.files import ORDINARY
from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig, FolderSource
from gantrans.api.folders import describe, standard_splits
from gantrans.api.image import open_image
from gantrans.api.pairs import matched, not_pairs, size_of
from gantrans.api.step import Domain
from gantrans.builtins.datasets.channels import CHANNELS, Channels, ChannelsSetting
from gantrans.errors import DataError


@dataclass(frozen=True)
class HalfSource(FolderSource):
    """One half of each image file below a folder.

    Args:
        half: which one.
    """

    half: Literal["left", "right"] = "left"

    def image(self, index: int) -> Image.Image:
        """The half of image `index`, upright. Raises DataError if the file is unreadable."""
        whole = open_image(self.folder / self.paths[index])
        middle = whole.width // 2
        left = 0 if self.half == "left" else middle
        return whole.crop((left, 0, left + middle, whole.height))

    def label(self, index: int) -> str:
        """The file's path, and which half: "train/1.jpg (left)"."""
        return f"{FolderSource.label(self, index)} ({self.half})"


class PairedFolder(FolderDataset):
    """Pairs of images that show the same thing in both domains.

    Two folders: named and found as those of `unpaired_folder` are. Partners have one path below
    their folders, suffix aside (trainA/a/1.png and trainB/a/1.jpg), and one size in pixels.

    Side by side: with `side_by_side` a file holds both images, the first domain's in its left half
    and the second's in its right. `root` then has the folders train, and test or else val; or the
    files themselves, which are all for training.

    What is no pair by names and headers is listed, all of it at once, before the first step.
    """

    name = "paired_folder"

    class Config(FolderDatasetConfig):
        """Settings of `paired_folder`."""

        side_by_side: bool = Field(
            False,
            description="whether each file holds a pair, the first domain's image on the left half "
            "and the second's on the right; `root` then has train, and test or val",
        )
        channels: ChannelsSetting = Field(Channels(), description=CHANNELS)

        @model_validator(mode="after")
        def _names_both(self) -> Self:
            keys = [f"{split}_{domain}" for split in ("train", "test") for domain in "ab"]
            named = [key for key in keys if getattr(self, key) is not None]
            if self.side_by_side and named:
                raise ValueError(
                    f"{' and '.join(named)} with side_by_side: its files hold both domains, so "
                    "give `root` alone"
                )
            for split in ("train", "test"):
                own = [key for key in named if key.startswith(split)]
                if len(own) == 1:
                    other = f"{split}_{'b' if own[0].endswith('a') else 'a'}"
                    raise ValueError(f"{own[0]} without {other}: a pair needs both")
            return self

    config: Config

    def __init__(self, config: Any, *, base_dir: Path) -> None:
        super().__init__(config, base_dir=base_dir)
        self._checked: dict[Split, Mapping[Domain, FolderSource]] = {}

    def source(self, split: Split, domain: Domain) -> FolderSource:
        """The images of `split` and `domain`, in the order of their pairs' names.

        The first call for a split looks at the headers of its files; later ones do not look again.

        Raises:
            DataError: if a folder is missing, laid out in an unknown way or without images, or
                with all files that are no pairs: without a partner, of two sizes, unreadable.
        """
        if split not in self._checked:
            self._checked[split] = (
                self._halves(split) if self.config.side_by_side else self._two_folders(split)
            )
        return self._checked[split][domain]

    def paired(self, split: Split) -> bool:
        """True: that is what it is for."""
        return True

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self.config.channels.of(domain)

    def _two_folders(self, split: Split) -> Mapping[Domain, FolderSource]:
        a, b, wrong = matched(
            self.found(split, "a"), self.found(split, "b"), limit=self.config.limit
        )
        sizes = [_sizes(one, wrong) for one in (a, b)]
        for n, (ours, theirs) in enumerate(zip(*sizes, strict=True)):
            if ours and theirs and ours != theirs:
                of_both = f"{_named(a, n, ours)} and {_named(b, n, theirs)}"
                wrong.setdefault("of two sizes", []).append(of_both)
        if wrong:
            raise not_pairs(
                wrong,
                "Each file needs one partner: of the same path below its folder, suffix aside, and "
                "of the same size.",
            )
        return {"a": a, "b": b}

    def _halves(self, split: Split) -> Mapping[Domain, FolderSource]:
        root = self._existing("root", self.base_dir)
        folders = standard_splits(root)
        train, test = folders or (root, None)
        found = self._files_in(train if split == "train" else test, split, ORDINARY)
        if folders is None:  # images in other folders are laid out in some other way
            found = replace(found, paths=tuple(path for path in found.paths if "/" not in path))
        if split == "train" and not found.paths:
            raise DataError(
                f"{root} is laid out in a way that gantrans does not know.\n"
                "  expected, side by side: the folders train, and test or val; or images right in "
                f"it\n  found: {describe(root)}"
            )
        found = replace(found, paths=found.paths[: self.config.limit])
        wrong: dict[str, list[str]] = {}
        for n, size in enumerate(_sizes(found, wrong)):
            if size and size[0] % 2:
                wrong.setdefault("of odd width", []).append(_named(found, n, size))
        if wrong:
            raise not_pairs(wrong, "Each file needs two halves of one width.")
        place = found.folder, found.shown, found.paths
        return {"a": HalfSource(*place, half="left"), "b": HalfSource(*place, half="right")}


def _sizes(source: FolderSource, wrong: dict[str, list[str]]) -> list[tuple[int, int] | None]:
    """The size of each image; those that cannot be read are added to what is wrong."""
    sizes = [size_of(source.folder / path) for path in source.paths]
    if unreadable := [source.label(n) for n, size in enumerate(sizes) if size is None]:
        wrong.setdefault("that cannot be read as images", []).extend(unreadable)
    return sizes


def _named(source: FolderSource, index: int, size: tuple[int, int]) -> str:
    return f"{source.label(index)} ({size[0]} x {size[1]})"
