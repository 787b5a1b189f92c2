"""The data set `scientific`: TIFF and NumPy files, in one folder a domain. Imports no torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from gantrans.api.dataset import Split
from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig, FolderSource
from gantrans.api.folders import contents
from gantrans.errors import DataError
from gantrans_scientific.array_files import ArrayFiles
from gantrans_scientific.pixels import Pixels

if TYPE_CHECKING:
    from gantrans.api.step import Domain


class Scientific(FolderDataset):
    """TIFF and NumPy files of any depth and number of channels, one folder for each domain.

    The folders are found as those of `unpaired_folder` are. The tables `a` and `b` say what the
    files of a domain hold; a file that holds something else is refused, nothing is converted. What
    `gantrans translate` writes has the depth and the value range of the target domain.
    """

    name = "scientific"

    class Config(FolderDatasetConfig):
        """Settings of `scientific`."""

        a: Pixels = Field(
            Pixels(), description="what the first domain's files hold: channels, depth, range, axes"
        )
        b: Pixels = Field(Pixels(), description="the same for the second domain's files")
        paired: bool = Field(
            False,
            description="whether files of one name, suffix aside, show the same thing in both "
            "domains; there must then be a file of each name in both",
        )

    config: Config

    def source(self, split: Split, domain: Domain) -> FolderSource:
        """The files of `split` and `domain`, each read when it is asked for.

        Raises:
            DataError: if a folder is missing or without files, or if a file has no partner where
                the data set is said to be paired.
        """
        found = super().source(split, domain)
        if not self.config.paired:
            return found
        found = self._by_name(found)
        _check_pairs(found, self._by_name(super().source(split, _OTHER[domain])))
        return found

    def paired(self, split: Split) -> bool:
        """As the config says."""
        return self.config.paired

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self._pixels(domain).channels

    def files(self, domain: Domain) -> ArrayFiles:
        """TIFF and NumPy files with the pixels that the config says."""
        return ArrayFiles(self._pixels(domain))

    def _pixels(self, domain: Domain) -> Pixels:
        return self.config.a if domain == "a" else self.config.b

    def _by_name(self, source: FolderSource) -> FolderSource:
        """The first `limit` files by name without suffix, which those of a pair share."""
        paths = contents(source.folder, source.files.suffixes).images if source.paths else ()
        return replace(source, paths=tuple(sorted(paths, key=_name)[: self.config.limit]))


def _check_pairs(found: FolderSource, other: FolderSource) -> None:
    ours, theirs = (Counter(map(_name, source.paths)) for source in (found, other))
    if unequal := (ours - theirs) | (theirs - ours):
        name = min(unequal)
        raise DataError(
            f"the data set is paired, but of files called {name}, suffix aside, {found.folder} has "
            f"{ours[name]} and {other.folder} has {theirs[name]}: add or remove one, or set "
            "data.paired = false"
        )


def _name(path: str) -> str:
    return PurePath(path).with_suffix("").as_posix()


_OTHER: dict[Domain, Literal["a", "b"]] = {"a": "b", "b": "a"}
